//go:build linux

package userland

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

func tail(p *Proc) int {
	p.Args = oldStyle(p.Args)
	f, names, ok := p.options("n:c:fFqvs:", "lines=n", "bytes=c", "follow=f", "quiet=q")
	if !ok {
		return 1
	}
	count := f.value('n', "10")
	n, err := strconv.Atoi(strings.TrimLeft(count, "+-"))
	if err != nil {
		return p.failf("invalid number of lines: '%s'", count)
	}
	status := p.inputs(names, func(name string, r io.Reader) error {
		if len(names) > 1 && !f.has('q') {
			fmt.Fprintf(p.Out, "==> %s <==\n", name)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if f.has('c') {
			c, err := parseSize(strings.TrimPrefix(f.value('c', ""), "+"))
			if err != nil {
				return err
			}
			if strings.HasPrefix(f.value('c', ""), "+") {
				b = b[min(max(int(c)-1, 0), len(b)):]
			} else {
				b = b[max(len(b)-int(c), 0):]
			}
			_, err = p.Out.Write(b)
			return err
		}
		lines := bytes.SplitAfter(b, []byte("\n"))
		if len(lines) > 0 && len(lines[len(lines)-1]) == 0 {
			lines = lines[:len(lines)-1]
		}
		if strings.HasPrefix(count, "+") {
			lines = lines[min(max(n-1, 0), len(lines)):]
		} else {
			lines = lines[max(len(lines)-n, 0):]
		}
		_, err = p.Out.Write(bytes.Join(lines, nil))
		return err
	})
	if (f.has('f') || f.has('F')) && len(names) == 1 && status == 0 {
		return p.follow(names[0])
	}
	return status
}

func (p *Proc) follow(name string) int {
	f, err := os.Open(p.Path(name))
	if err != nil {
		return p.Fail(err)
	}
	defer f.Close()
	if _, err := f.Seek(0, io.SeekEnd); err != nil {
		return p.Fail(err)
	}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := io.Copy(p.Out, f); err != nil {
			return p.Fail(err)
		}
		select {
		case <-p.Ctx.Done():
			return 130
		case <-tick.C:
		}
	}
}
