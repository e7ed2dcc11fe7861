//go:build linux

package agent

import (
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

func (s *session) startOnPipes(path string, argv []string, attr *syscall.ProcAttr) error {
	var ours, theirs [3]*os.File
	defer func() {
		for _, f := range theirs {
			if f != nil {
				f.Close()
			}
		}
	}()
	for i := range ours {
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		ours[i], theirs[i] = r, w
		if i == 0 {
			ours[i], theirs[i] = w, r
		}
		attr.Files = append(attr.Files, theirs[i].Fd())
	}
	ended, err := s.run(path, argv, attr)
	if err != nil {
		for _, f := range ours {
			f.Close()
		}
		return err
	}
	go func() {
		_, _ = io.Copy(ours[0], s.ch)
		ours[0].Close()
	}()
	var copying sync.WaitGroup
	copying.Go(func() { _, _ = io.Copy(s.ch, ours[1]) })
	copying.Go(func() { _, _ = io.Copy(s.ch.Stderr(), ours[2]) })
	shown := make(chan struct{})
	go func() {
		copying.Wait()
		close(shown)
	}()
	go func() {
		st := <-ended
		waitFor(shown)
		s.finish(st)
		for _, f := range ours {
			f.Close()
		}
	}()
	return nil
}

// lingering bounds how long a command's output may be held open by processes it left behind.
const lingering = 2 * time.Second

func waitFor(shown <-chan struct{}) {
	t := time.NewTimer(lingering)
	defer t.Stop()
	select {
	case <-shown:
	case <-t.C:
	}
}
