package change_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/change/changetest"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/imageserve"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// onLinux are subjects whose work on a disk can only be watched on Linux.
var onLinux = []changetest.Subject{pruning}

const (
	unneeded = 600 // blobs that no tag needs
	batch    = 100 // removals that count as one request: killing takes as long as some removals
)

// pruning removes what no tag needs from a folder of images. It asks no server; it is killed at removals.
var pruning = changetest.Subject{
	Name: "prune",
	World: func(t *testing.T) *changetest.World {
		r, dir := startRegistries(t), t.TempDir()
		f, err := imageserve.Create(dir, false)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		s := transfer.Stores{Folders: map[string]transfer.Folder{dir: imageserve.Images{Folder: f}}}
		plan, err := planCopy(t.Context(), s, r.from, undercloud, func(j *transfer.Job) { j.TargetFolder = dir })
		if err != nil {
			t.Fatal(err)
		}
		if err := plan.Apply(t.Context(), report.Discard); err != nil {
			t.Fatal(err)
		}
		blobs := filepath.Join(dir, "v2/ns/api/blobs")
		for n := range unneeded {
			text := fmt.Append(nil, n)
			if err := os.WriteFile(fmt.Sprintf("%s/sha256:%x", blobs, sha256.Sum256(text)), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return &changetest.World{
			Servers: &removals{t, blobs}, Arg: dir, State: func() string { return folderState(t, dir) },
		}
	},
	Plan: func(ctx context.Context, _, arg string) (change.Plan, error) {
		f, err := imageserve.Open(arg)
		if err != nil {
			return nil, err
		}
		return f.PlanPrune(ctx)
	},
	Doors: []changetest.Door{imgctl(func(w *changetest.World) []string { return []string{"prepare", "prune", w.Arg} },
		[]string{"repository", "kind", "name", "bytes", "outcome"})},
}

// removals are the files that disappear from a folder.
type removals struct {
	t      *testing.T
	folder string
}

// ResetRequests has nothing to forget: the state shows what was written.
func (*removals) ResetRequests() {}

// Writes are none to a server.
func (*removals) Writes() []string { return nil }

// At has then called when as many batches of files have disappeared.
func (r *removals) At(nth int, _ bool, then func()) (end func()) {
	r.t.Helper()
	watch, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := unix.InotifyAddWatch(watch, r.folder, unix.IN_DELETE); err != nil {
		r.t.Fatal(err)
	}
	over, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		defer unix.Close(watch)
		n, last := 0, false
		buffer := make([]byte, 64<<10)
		for {
			size, err := unix.Read(watch, buffer)
			if err != nil { // nothing has disappeared
				if last {
					return
				}
				select {
				case <-over:
					last = true // what was removed at the end is still to be read
				default:
					wait(watch)
				}
				continue
			}
			before := n / batch
			n += bytes.Count(buffer[:size], []byte("sha256:"))
			if before < nth && n/batch >= nth {
				then()
			}
		}
	}()
	return func() {
		close(over)
		<-done
	}
}

// wait waits until there is something to read, a moment at most.
func wait(file int) {
	const milliseconds = 20
	_, _ = unix.Poll([]unix.PollFd{{Fd: int32(file), Events: unix.POLLIN}}, milliseconds) // #nosec G115 -- a file's number
}
