//go:build linux

package userland

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
)

func init() {
	register(map[string]Command{
		"md5sum": sum(md5.New), "sha1sum": sum(sha1.New), "sha224sum": sum(sha256.New224), "sha256sum": sum(sha256.New),
		"sha384sum": sum(sha512.New384), "sha512sum": sum(sha512.New), "base64": base64Command,
	})
}

func sum(algorithm func() hash.Hash) Command {
	return func(p *Proc) int {
		f, names, ok := p.options("cbtzsw", "check=c", "binary=b", "quiet=z", "status=s", "strict=w")
		if !ok {
			return 1
		}
		digest := func(name string) (string, error) {
			h := algorithm()
			err := p.input(name, func(_ string, r io.Reader) error { _, err := io.Copy(h, r); return err })
			return hex.EncodeToString(h.Sum(nil)), err
		}
		if f.has('c') {
			return check(p, f, names, digest)
		}
		if len(names) == 0 {
			names = []string{"-"}
		}
		status := 0
		for _, name := range names {
			d, err := digest(name)
			if err != nil {
				status = p.Fail(err)
				continue
			}
			fmt.Fprintf(p.Out, "%s  %s\n", d, name)
		}
		return status
	}
}

func check(p *Proc, f flags, lists []string, digest func(string) (string, error)) int {
	lines, status := p.readLines(lists)
	for _, line := range lines {
		want, name, ok := strings.Cut(line, " ")
		if !ok {
			continue
		}
		name = strings.TrimLeft(name, " *")
		got, err := digest(name)
		switch {
		case err != nil:
			status = p.Fail(err)
		case !strings.EqualFold(got, want):
			status = 1
			if !f.has('s') {
				fmt.Fprintf(p.Out, "%s: FAILED\n", name)
			}
		case !f.has('s') && !f.has('z'):
			fmt.Fprintf(p.Out, "%s: OK\n", name)
		}
	}
	return status
}

func base64Command(p *Proc) int {
	f, names, ok := p.options("diw:", "decode=d", "ignore-garbage=i", "wrap=w")
	if !ok {
		return 1
	}
	width := number(f.value('w', "76"))
	return p.inputs(names, func(_ string, r io.Reader) error {
		b, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if f.has('d') {
			plain, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(b)), ""))
			if err != nil {
				return errors.New("invalid input")
			}
			_, err = p.Out.Write(plain)
			return err
		}
		s := base64.StdEncoding.EncodeToString(b)
		for width > 0 && len(s) > width {
			if _, err := fmt.Fprintln(p.Out, s[:width]); err != nil {
				return err
			}
			s = s[width:]
		}
		if width > 0 {
			s += "\n"
		}
		_, err = io.WriteString(p.Out, s)
		return err
	})
}
