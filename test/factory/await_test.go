package factory_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/test/packertest"
	"github.com/imgctl/packer-plugin-openstack/test/program"
	"github.com/imgctl/packer-plugin-openstack/test/rabbittest"
)

// imgctl is a command of the factory that runs in the place, and what it says.
type imgctl struct {
	*exec.Cmd
	lines chan string
}

func (p *place) imgctl(t *testing.T, args ...string) *imgctl {
	t.Helper()
	cmd := packertest.New(t).Around(t, filepath.Join(packertest.Root(), "bin", "imgctl"), append([]string{"factory"}, args...)...)
	cmd.Dir = p.dir
	for _, name := range []string{"HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"} {
		cmd.Env = append(cmd.Env, name+"="+t.TempDir())
	}
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	i := &imgctl{cmd, make(chan string, 1000)}
	var ended sync.WaitGroup
	ended.Go(func() { _ = cmd.Wait(); w.Close() })
	ended.Go(func() {
		defer close(i.lines)
		for s := bufio.NewScanner(r); s.Scan(); {
			t.Log(s.Text())
			i.lines <- s.Text()
		}
	})
	t.Cleanup(func() { _ = cmd.Process.Kill(); ended.Wait() })
	return i
}

// says waits for a line with the text.
func (i *imgctl) says(t *testing.T, text string) {
	t.Helper()
	for late := time.After(2 * time.Minute); ; {
		select {
		case line, more := <-i.lines:
			if strings.Contains(line, text) {
				return
			}
			if !more {
				t.Fatalf("it ended without %q", text)
			}
		case <-late:
			t.Fatalf("no %q", text)
		}
	}
}

// ends waits for the end.
func (i *imgctl) ends(t *testing.T, code int) {
	t.Helper()
	for late := time.After(2 * time.Minute); ; {
		select {
		case _, more := <-i.lines:
			if more {
				continue
			}
		case <-late:
			t.Fatal("it goes on")
		}
		if got := i.ProcessState.ExitCode(); got != code {
			t.Errorf("exit %d, want %d", got, code)
		}
		return
	}
}

// After a reboot, a broker may be slower than what needs it. What waiting doesn't mend ends it at once.
func TestTheFactoryWaitsForItsBroker(t *testing.T) {
	t.Parallel()
	s := rabbittest.Start(t)
	p := newPlace(t, s, "")
	program.Write(t, filepath.Join(p.dir, "packer"), "#!/bin/sh\n")
	p.write(t, "wrong.ini", "[imgctl]\nRABBIT_URLS = "+strings.Replace(s.URL, ":guest@", ":wrong@", 1))
	p.write(t, "address.ini", "[imgctl]\nRABBIT_URLS = amqp:///%zz")
	worker := func(config string) []string { return []string{"worker", "--config", config, "--packer", "./packer"} }
	p.imgctl(t, worker("wrong.ini")...).ends(t, 6)
	p.imgctl(t, worker("address.ini")...).ends(t, 2)
	_, address, _ := strings.Cut(strings.TrimRight(s.URL, "/"), "@")
	s.Kill()
	page := p.imgctl(t, "serve", "--config", "config.ini", "--listen", "127.0.0.1:0")
	works := p.imgctl(t, worker("config.ini")...)
	interrupted := p.imgctl(t, "run", "--config", "config.ini", "--packer", "./packer", "--listen", "127.0.0.1:0")
	for _, i := range []*imgctl{page, works, interrupted} {
		i.says(t, "waiting for the queue: connecting to RabbitMQ at "+address)
	}
	if err := interrupted.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	interrupted.ends(t, 130)
	once := append(worker("config.ini"), "--until-empty")
	p.imgctl(t, once...).ends(t, 1)
	s.Run(t)
	page.says(t, "Page: http://127.0.0.1:")
	works.says(t, "The queue is there")
}
