package queue_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/factory/worker"
	"github.com/imgctl/packer-plugin-openstack/internal/queue"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/test/straced"
)

// childWork names the variable with the work of a child: enqueue or retry, and the queue's file.
const childWork = "QUEUE_TEST_WORK"

func TestMain(m *testing.M) {
	action, path, is := strings.Cut(os.Getenv(childWork), " ")
	if !is {
		os.Exit(m.Run())
	}
	if err := act(context.Background(), action, path); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

var slow = queue.Policy{Attempts: 2, Pauses: []time.Duration{time.Hour}}

// act adds two messages, or has all that failed tried again.
func act(ctx context.Context, action, path string) (err error) {
	q, err := queue.OpenFile(ctx, path, slow)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, q.Close()) }()
	if action == "enqueue" {
		return q.Publish(ctx, message("new 1"), message("new 2"))
	}
	p, err := worker.NewRetry(ctx, q, true)
	if err != nil {
		return err
	}
	return p.Apply(ctx, report.Discard)
}

// TestKilledAtEachWrite kills processes at each system call that writes to the queue's file, and has each of them
// fail: no message is lost, none is there twice, and the same again gets there.
func TestKilledAtEachWrite(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("left out by -short: opens the queue many times")
	}
	straced.Need(t)
	pristine := failedQueue(t)
	for _, fails := range []straced.Fault{
		{Call: "pwrite64", How: "signal=KILL"},
		{Call: "pwrite64", How: "error=ENOSPC"},
		{Call: "fsync,fdatasync", How: "signal=KILL"},
		{Call: "fsync,fdatasync", How: "error=EIO"},
		{Call: "unlink,unlinkat", How: "signal=KILL"},
	} {
		for action, want := range map[string]map[string]string{
			"enqueue": {"ready": "ready", "waiting": "waiting", "dead": "dead", "new 1": "ready", "new 2": "ready"},
			"retry":   {"ready": "ready", "waiting": "ready", "dead": "ready"},
		} {
			t.Run(action+" "+fails.Call+" "+fails.How, func(t *testing.T) {
				t.Parallel()
				for nth := 1; ; nth++ {
					dir := t.TempDir()
					path, log := filepath.Join(dir, "queue", "queue.db"), filepath.Join(dir, "log")
					if err := os.CopyFS(filepath.Dir(path), os.DirFS(pristine)); err != nil {
						t.Fatal(err)
					}
					before := where(t, path)
					command := append(fails.Before(nth, log), os.Args[0])
					cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
					cmd.Env = append(os.Environ(), childWork+"="+action+" "+path)
					out, err := cmd.CombinedOutput()
					met, trace := straced.Met(t, log)
					got := where(t, path)
					for id := range before {
						if got[id] != before[id] && got[id] != want[id] {
							t.Errorf("at call %d: message %s is %q", nth, id, got[id])
						}
					}
					if err == nil && !maps.Equal(got, want) {
						t.Errorf("at call %d: the process succeeds, and the queue has %v\n%s", nth, got, out)
					}
					if err := act(t.Context(), action, path); err != nil {
						t.Errorf("after call %d: %v", nth, err)
					}
					if got := where(t, path); !maps.Equal(got, want) {
						t.Errorf("after call %d: the same again gives %v", nth, got)
					}
					if !met {
						if nth == 1 && !strings.HasPrefix(fails.Call, "unlink") {
							t.Errorf("no call was met:\n%s", trace)
						}
						return // so often it isn't called by any thread
					}
				}
			})
		}
	}
}

// failedQueue is a folder with a queue: a message is ready, one waits for its next try, and one is a dead letter.
func failedQueue(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "queue.db")
	q, err := queue.OpenFile(t.Context(), path, slow)
	check(t, err)
	publish(t, q, "waiting", "dead")
	handled := 0
	consume(t, q, 1, func(ctx context.Context, d queue.Delivery, done func()) {
		f := queue.Failure{Reason: "on purpose", At: time.Now()}
		if d.Message().ID == "dead" {
			check(t, d.Bury(ctx, f))
		} else {
			_, _, err := d.Fail(ctx, f)
			check(t, err)
		}
		if handled++; handled == 2 {
			done()
		}
	})
	publish(t, q, "ready")
	check(t, q.Close())
	return filepath.Dir(path)
}

// where says of each message where it is. It looks at a copy, whose messages it takes.
func where(t *testing.T, path string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Dir(path))); err != nil {
		t.Fatal(err)
	}
	q := opened(t)(queue.OpenFile(t.Context(), filepath.Join(dir, "queue.db"), slow))
	found := map[string]string{}
	for state, list := range map[string]func(context.Context) ([]queue.Message, error){"waiting": q.Waiting, "dead": q.Dead} {
		all, err := list(t.Context())
		check(t, err)
		for _, m := range all {
			found[m.ID] = state
		}
	}
	ready := count(t, q).Ready
	if ready == 0 {
		return found
	}
	var ids []string
	consume(t, q, 1, func(ctx context.Context, d queue.Delivery, done func()) {
		check(t, d.Done(ctx))
		if ids = append(ids, d.Message().ID); len(ids) == ready {
			done()
		}
	})
	slices.Sort(ids)
	for n, id := range ids {
		if n > 0 && ids[n-1] == id || found[id] != "" {
			t.Errorf("message %s is there twice", id)
		}
		found[id] = "ready"
	}
	return found
}
