// Package roster knows which workers run on this machine, and has them end when their builds have.
package roster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/filelock"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// A worker has a file in the folder, which it has locked for as long as it lives, and ends when there is a second
// one with draining behind its name.
const (
	suffix   = ".worker"
	draining = ".drain"
)

// Folder is where the workers are that write their logs to a folder.
func Folder(logs string) string { return filepath.Join(logs, ".workers") }

// Member is a worker on the roster.
type Member struct {
	file  *os.File // locked
	name  string
	drain chan struct{}
	stop  context.CancelFunc
}

// Join adds this process to the roster, until Leave.
func Join(folder string) (*Member, error) {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return nil, fmt.Errorf("making the folder of the workers: %w", err)
	}
	name := filepath.Join(folder, fmt.Sprintf("%d-%s%s", os.Getpid(), uuid.NewString()[:8], suffix))
	f, err := filelock.Create(name, 0o640)
	if err != nil {
		return nil, fmt.Errorf("joining the workers of this machine: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	m := &Member{file: f, name: name, drain: make(chan struct{}), stop: stop}
	go m.watch(ctx)
	return m, nil
}

// pause is how often files are looked at.
const pause = 250 * time.Millisecond

func (m *Member) watch(ctx context.Context) {
	for change.Sleep(ctx, pause) {
		if _, err := os.Stat(m.name + draining); err == nil {
			close(m.drain)
			return
		}
	}
}

// Drain is closed when the worker is to end.
func (m *Member) Drain() <-chan struct{} { return m.drain }

// Leave takes the process off the roster.
func (m *Member) Leave() {
	m.stop()
	_ = os.Remove(m.name + draining)
	_ = os.Remove(m.name)
	filelock.Close(m.file)
}

// Workers are the files of the workers that live. Files of dead ones are removed.
func Workers(folder string) (files []string, err error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), suffix) {
			continue
		}
		file := filepath.Join(folder, e.Name())
		if filelock.Held(file) {
			files = append(files, file)
		} else {
			_ = os.Remove(file + draining)
			_ = os.Remove(file)
		}
	}
	slices.Sort(files)
	return files, err
}

// Drain is the plan to have the workers of this machine end. Its rows have worker and state.
type Drain struct {
	files   []string
	applied bool
	ended   map[string]bool
}

var _ change.Plan = (*Drain)(nil)

// NewDrain plans it.
func NewDrain(folder string) (*Drain, error) {
	files, err := Workers(folder)
	return &Drain{files: files, ended: map[string]bool{}}, err
}

// Done reports whether no worker runs.
func (p *Drain) Done() bool { return len(p.files) == 0 }

// Loss is "": what a worker doesn't build stays in the queue.
func (p *Drain) Loss() string { return "" }

// Notes are none.
func (p *Drain) Notes() []fault.Advice { return nil }

// Rows are the workers.
func (p *Drain) Rows() []change.Row {
	rows := []change.Row{}
	for _, file := range p.files {
		state := "would end"
		switch {
		case p.ended[file]:
			state = "ended"
		case p.applied:
			state = "ending"
		}
		pid, _, _ := strings.Cut(filepath.Base(file), "-")
		rows = append(rows, change.Row{{Key: "worker", Value: pid}, {Key: "state", Value: state}})
	}
	return rows
}

// Apply tells the workers, and waits until they have ended; they end also if ctx does.
func (p *Drain) Apply(ctx context.Context, rep report.Reporter) error {
	for _, file := range p.files {
		if err := os.WriteFile(file+draining, nil, 0o640); err != nil { // #nosec G306 -- as the other files
			return fmt.Errorf("telling a worker to end: %w", err)
		}
	}
	p.applied = true
	if len(p.files) > 0 {
		rep.Step("Waiting for the running builds of %d workers", len(p.files))
	}
	for {
		left := 0
		for _, file := range p.files {
			if p.ended[file] = !filelock.Held(file); !p.ended[file] {
				left++
			} else {
				_ = os.Remove(file + draining) // of one that was killed
			}
		}
		if left == 0 {
			return nil
		}
		if !change.Sleep(ctx, pause) {
			return fault.Wrap(fault.Cancelled, "", context.Cause(ctx))
		}
	}
}
