// Package changetest is the conformance suite of everything that changes a cloud. Whatever the
// subject, and through whichever door: planning sends no writing request, a second run changes
// nothing, the rows are the same in every format, and after a run that was killed at any request
// the next one reaches the same end.
package changetest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// Subject is a change that the suite has made, in worlds of its own.
type Subject struct {
	Name string
	// World makes a sandbox in which there is something to change.
	World func(t *testing.T) *World
	// Plan plans the change; it runs in a process of its own. file is the sandbox's clouds.yaml, arg
	// the world's Arg.
	Plan func(ctx context.Context, file, arg string) (change.Plan, error)
	// Doors are the ways to the change.
	Doors []Door
}

// World is a sandbox in which there is something to change, or other servers in its place.
type World struct {
	*sandbox.Cloud
	// Servers are what the change is about, where that isn't the sandbox's cloud.
	Servers Servers
	// Path is a pattern of the sandbox's requests at which the change is killed; "" is the Image
	// service's.
	Path string
	Arg  string
	// State is all that the change is about, without what may differ from run to run.
	State func() string
}

// Servers are what a change reads from and writes to.
type Servers interface {
	// ResetRequests forgets the requests so far.
	ResetRequests()
	// Writes are the requests that change something, as METHOD PATH.
	Writes() []string
	// At has then called at the nth request, before or after it is carried out; the request gets no
	// answer. end ends that.
	At(nth int, after bool, then func()) (end func())
}

func (w *World) servers() Servers {
	if w.Servers != nil {
		return w.Servers
	}
	return cloud{Cloud: w.Cloud, path: cmp.Or(w.Path, "/image/**")}
}

// File is the clouds.yaml of the sandbox, "" without one.
func (w *World) File() string {
	if w.Cloud == nil {
		return ""
	}
	return w.CloudsYAML()
}

// cloud is a sandbox, of which the requests count that path matches.
type cloud struct {
	*sandbox.Cloud
	path string
}

// Writes are the requests that change something; signing in doesn't.
func (c cloud) Writes() (found []string) {
	for _, r := range c.Requests() {
		if r.Method != http.MethodGet && r.Method != http.MethodHead && !strings.HasSuffix(r.Path, "/auth/tokens") {
			found = append(found, r.Method+" "+r.Path)
		}
	}
	return found
}

// At is Servers.At.
func (c cloud) At(nth int, after bool, then func()) (end func()) {
	call := func(*http.Request) { then() }
	rule := sandbox.Rule{Path: c.path, Nth: nth, Fault: sandbox.Fault{Do: sandbox.DropBefore, Before: call}}
	if after {
		rule.Fault = sandbox.Fault{Do: sandbox.DropAfter, After: call}
	}
	c.Faults().Add(rule)
	return c.Faults().Clear
}

// Door is one way to a change. Run is a command that makes it; with dry it only shows it.
type Door struct {
	Name string
	Run  func(t *testing.T, w *World, dry bool) *exec.Cmd
	// Rows are what a dry run shows, in a form that can be compared with that of other doors, and
	// with itself in other formats; nil where the door shows none.
	Rows func(t *testing.T, w *World) [][]change.Row
	// Stride leaves out kills, for doors that take long to open: only every so many requests one.
	Stride int
}

// Test runs the suite.
func Test(t *testing.T, s Subject) {
	for _, d := range s.Doors {
		t.Run(s.Name+" through "+d.Name, func(t *testing.T) {
			t.Parallel()
			t.Run("planning writes nothing", func(t *testing.T) { planning(t, s, d) })
			t.Run("the second run changes nothing", func(t *testing.T) { twice(t, s, d) })
			t.Run("rows agree", func(t *testing.T) { rows(t, s, d) })
			t.Run("killed at any request", func(t *testing.T) { killed(t, s, d) })
		})
	}
}

func planning(t *testing.T, s Subject, d Door) {
	w := s.World(t)
	before := w.State()
	w.servers().ResetRequests()
	succeed(t, d.Run(t, w, true))
	if wrote := w.servers().Writes(); len(wrote) > 0 {
		t.Errorf("a dry run sends %q", wrote)
	}
	if after := w.State(); after != before {
		t.Errorf("a dry run changes\n%s\nto\n%s", before, after)
	}
}

func twice(t *testing.T, s Subject, d Door) {
	w := s.World(t)
	before := w.State()
	succeed(t, d.Run(t, w, false))
	first := w.State()
	if first == before {
		t.Fatalf("the first run changes nothing:\n%s", first)
	}
	w.servers().ResetRequests()
	succeed(t, d.Run(t, w, false))
	if wrote := w.servers().Writes(); len(wrote) > 0 {
		t.Errorf("the second run sends %q", wrote)
	}
	if second := w.State(); second != first {
		t.Errorf("the second run changes\n%s\nto\n%s", first, second)
	}
}

// rows compares what all formats of the door show with the plan's own rows.
func rows(t *testing.T, s Subject, d Door) {
	if d.Rows == nil {
		t.Skip("the door shows no rows")
	}
	w := s.World(t)
	p, err := s.Plan(t.Context(), w.File(), w.Arg)
	if err != nil {
		t.Fatal(err)
	}
	want := text(p.Rows())
	if want == "" || p.Done() {
		t.Fatalf("the plan has no rows, or nothing to do: %q", want)
	}
	for n, got := range d.Rows(t, w) {
		if text(got) != want {
			t.Errorf("in its format %d the door shows\n%s\nand the plan has\n%s", n+1, text(got), want)
		}
	}
}

func text(rows []change.Row) string {
	var b strings.Builder
	for _, r := range rows {
		for _, c := range r {
			value := c.Value
			switch v := value.(type) {
			case nil:
				value = ""
			case time.Time:
				value = ""
				if !v.IsZero() {
					value = v.UTC().Format(time.RFC3339)
				}
			case time.Duration:
				value = "" // an age, which goes on
			}
			fmt.Fprintf(&b, "%s=%v ", c.Key, value)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// killed kills the change at each request, before or after the service carried it out, and has it
// made again.
func killed(t *testing.T, s Subject, d Door) {
	if testing.Short() {
		t.Skip("left out by -short: makes the change many times")
	}
	w := s.World(t)
	succeed(t, d.Run(t, w, false))
	want := w.State()
	stride := max(1, d.Stride)
	for nth := 1; ; nth += stride {
		w := s.World(t)
		if !kill(t, w, d, nth, (nth/stride)%2 == 0) {
			if nth < 3*stride {
				t.Errorf("the change was made before its request %d", nth)
			}
			return
		}
		succeed(t, d.Run(t, w, false))
		if got := w.State(); got != want || t.Failed() {
			t.Fatalf("killed at request %d, the next run makes\n%s\nwant\n%s", nth, got, want)
		}
	}
}

// kill makes the change and kills all its processes at the nth request; false if it ended before.
func kill(t *testing.T, w *World, d Door, nth int, after bool) bool {
	t.Helper()
	cmd := d.Run(t, w, false)
	var dead sync.WaitGroup
	var was atomic.Bool
	started := make(chan struct{})
	end := w.servers().At(nth, after, func() {
		<-started // the process may be asking before Start has returned
		was.Store(true)
		killTree(cmd.Process.Pid)
		dead.Wait()
	})
	dead.Add(1)
	if err := cmd.Start(); err != nil {
		end()
		t.Fatal(err)
	}
	close(started)
	_ = cmd.Wait() // it was killed, or not
	dead.Done()
	end() // that may be when the request is noticed
	return was.Load()
}

func succeed(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, out.String())
	}
}

// Direct makes a change without any door: it is what the process of the direct door does.
func Direct(ctx context.Context, s Subject, file, arg string, dry bool) error {
	p, err := s.Plan(ctx, file, arg)
	if err != nil || dry {
		return err
	}
	if err := p.Apply(ctx, report.Discard); err != nil {
		return err
	}
	if len(p.Rows()) == 0 && !p.Done() {
		return errors.New("it tells nothing of what it did")
	}
	return nil
}
