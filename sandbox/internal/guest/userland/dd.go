//go:build linux

package userland

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// parseSize parses a number of bytes with an optional unit.
func parseSize(s string) (int64, error) {
	units := []struct {
		suffix string
		n      int64
	}{
		{"KiB", 1 << 10},
		{"MiB", 1 << 20},
		{"GiB", 1 << 30},
		{"kB", 1000},
		{"MB", 1e6},
		{"GB", 1e9},
		{"K", 1 << 10},
		{"k", 1 << 10},
		{"M", 1 << 20},
		{"G", 1 << 30},
		{"c", 1},
		{"b", 512},
	}
	unit := int64(1)
	for _, u := range units {
		if rest, ok := strings.CutSuffix(s, u.suffix); ok {
			s, unit = rest, u.n
			break
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("invalid size '%s'", s)
	}
	return n * unit, nil
}

func dd(p *Proc) int {
	o := map[string]string{"bs": "512", "count": "-1", "skip": "0", "seek": "0"}
	for _, a := range p.Args {
		if k, v, ok := strings.Cut(a, "="); ok {
			o[k] = v
		}
	}
	n := map[string]int64{}
	for _, k := range []string{"bs", "count", "skip", "seek"} {
		v, err := parseSize(o[k])
		if err != nil {
			return p.Fail(err)
		}
		n[k] = v
	}
	in, out := p.In, p.Out
	if o["if"] != "" {
		f, err := os.Open(p.Path(o["if"]))
		if err != nil {
			return p.Fail(err)
		}
		defer f.Close()
		in = f
	}
	if _, err := io.CopyN(io.Discard, in, n["skip"]*n["bs"]); err != nil && !errors.Is(err, io.EOF) {
		return p.Fail(err)
	}
	if o["of"] != "" {
		flags := os.O_WRONLY | os.O_CREATE
		if !strings.Contains(o["conv"], "notrunc") && n["seek"] == 0 {
			flags |= os.O_TRUNC
		}
		f, err := os.OpenFile(p.Path(o["of"]), flags, 0o666)
		if err != nil {
			return p.Fail(err)
		}
		defer f.Close()
		if _, err := f.Seek(n["seek"]*n["bs"], io.SeekStart); err != nil {
			return p.Fail(err)
		}
		out = f
	}
	if n["count"] >= 0 {
		in = io.LimitReader(in, n["count"]*n["bs"])
	}
	started := time.Now()
	done, err := io.CopyBuffer(struct{ io.Writer }{out}, struct{ io.Reader }{in}, make([]byte, max(n["bs"], 1)))
	if err != nil {
		return p.Fail(err)
	}
	if o["status"] != "none" {
		fmt.Fprintf(p.Err, "%d bytes copied, %.3f s\n", done, time.Since(started).Seconds())
	}
	return 0
}
