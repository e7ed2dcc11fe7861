package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// factory are the processes of the factory.
type factory struct {
	out         io.Writer
	dir, rabbit string

	mu        sync.Mutex
	processes []*process
	page      chan string // its URL
	died      func()      // is called when a process ends
}

type process struct {
	name string
	cmd  *exec.Cmd
	done chan error
}

// configure writes what the factory reads.
func (f *factory) configure(ctx context.Context, s *site, profiles string) error {
	source, err := s.seed(ctx)
	if err != nil {
		return err
	}
	template, err := os.ReadFile("example/factory/image.pkr.hcl")
	if err != nil {
		return err
	}
	queue := "QUEUE_FILE = queue.db"
	if f.rabbit != "" {
		queue = "RABBIT_URLS = " + f.rabbit + "\nQUEUE_NAME = imgctl.demo"
	}
	for name, text := range map[string]string{
		"config.ini": fmt.Sprintf(`[cdb2rabbit]
PROFILE_INFO_URL = %[1]sprofiles-info.xml
PROFILE_DIR_URL = %[1]s
CACHE_DIR = cache

[rabbit2packer]
LOG_DIR = logs
PACKER_TEMPLATE_MAP = template-map.json
IMAGES_CONFIG = source-images.json

[imgctl]
%[2]s
`, profiles, queue),
		"template-map.json":  `{"DEFAULT": ["image.pkr.hcl"]}`,
		"source-images.json": fmt.Sprintf(`{"sl7x-x86_64": %q}`, source),
		"image.pkr.hcl":      string(template),
	} {
		if err := os.WriteFile(filepath.Join(f.dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (f *factory) title() string {
	if f.rabbit == "" {
		return "imgctl factory run: it watches, builds and shows a page; the queue is in a file"
	}
	return "imgctl factory watch, serve and two workers; the queue is in RabbitMQ"
}

// start starts the processes, and returns when the page can be looked at.
func (f *factory) start(ctx context.Context) error {
	f.page = make(chan string, 1)
	build := []string{"--build-clouds", os.Getenv("OS_CLIENT_CONFIG_FILE"), "--build-cloud", os.Getenv("OS_CLOUD"), "--slots", "1"}
	watch := []string{"--first-run", "build-all", "--every", "2s"}
	page := []string{"--listen", "127.0.0.1:0"}
	parts := map[string][]string{"run": append(append(watch, page...), build...)}
	if f.rabbit != "" {
		parts = map[string][]string{"watch": watch, "worker 1": build, "worker 2": build, "serve": page}
	}
	for name, flags := range parts {
		command, _, _ := strings.Cut(name, " ")
		args := []string{"factory", command, "--config", filepath.Join(f.dir, "config.ini")}
		if err := f.run(name, append(args, flags...)...); err != nil {
			return err
		}
	}
	select {
	case <-ctx.Done():
		return errors.New("there is no page")
	case url := <-f.page:
		f.page <- url
		return nil
	}
}

// run runs imgctl, and shows what it says.
func (f *factory) run(name string, args ...string) error {
	args = append([]string{"--os-cloud", os.Getenv("OS_CLOUD")}, args...)
	cmd := exec.CommandContext(context.Background(), "imgctl", args...) // #nosec G702 -- the user's clouds; stop interrupts it
	p := &process{name: name, cmd: cmd, done: make(chan error, 1)}
	r, w := io.Pipe()
	p.cmd.Stdout, p.cmd.Stderr = w, w
	if err := p.cmd.Start(); err != nil {
		return err
	}
	var read sync.WaitGroup
	read.Go(func() {
		for lines := bufio.NewScanner(r); lines.Scan(); {
			f.say(name, lines.Text())
		}
	})
	go func() {
		err := p.cmd.Wait()
		w.Close()
		read.Wait()
		p.done <- err
		f.died()
	}()
	f.processes = append(f.processes, p)
	return nil
}

func (f *factory) say(name, line string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fmt.Fprintf(f.out, "  │ %-8s │ %s\n", name, line)
	if _, url, ok := strings.Cut(line, "Page: "); ok {
		f.page <- strings.TrimSpace(url)
	}
}

// interrupted is imgctl's exit code when it was interrupted.
const interrupted = 130

// stop interrupts the processes, and waits for them.
func (f *factory) stop() error {
	var errs []error
	for _, p := range f.processes {
		_ = p.cmd.Process.Signal(os.Interrupt)
	}
	for _, p := range f.processes {
		select {
		case err := <-p.done:
			if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || exit.ExitCode() != interrupted) {
				errs = append(errs, fmt.Errorf("imgctl factory %s: %w", p.name, err))
			}
		case <-time.After(patience):
			errs = append(errs, fmt.Errorf("imgctl factory %s doesn't end", p.name), p.cmd.Process.Kill())
		}
	}
	return errors.Join(errs...)
}

// look looks at the page until it shows an image.
func (f *factory) look(ctx context.Context, image string) error {
	url := <-f.page
	for {
		text, err := get(ctx, url)
		if err != nil {
			return err
		}
		if strings.Contains(text, image) {
			fmt.Fprintf(f.out, "%s lists %s among the current images\n", url, image)
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s doesn't show image %s", url, image)
		case <-time.After(time.Second):
		}
	}
}

func get(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", url, resp.Status)
	}
	return string(text), err
}
