//go:build linux

package userland

import (
	"io"
	"os"
)

func tee(p *Proc) int {
	f, names, ok := p.options("ai", "append=a")
	if !ok {
		return 1
	}
	mode := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	if f.has('a') {
		mode = os.O_WRONLY | os.O_CREATE | os.O_APPEND
	}
	status := 0
	writers := []io.Writer{p.Out}
	for _, name := range names {
		o, err := os.OpenFile(p.Path(name), mode, 0o666)
		if err != nil {
			status = p.Fail(err)
			continue
		}
		defer o.Close()
		writers = append(writers, o)
	}
	if _, err := io.Copy(io.MultiWriter(writers...), p.In); err != nil {
		return p.Fail(err)
	}
	return status
}
