package nodepool_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/nodepool"
	"github.com/imgctl/packer-plugin-openstack/test/straced"
)

// childEdit names the variable with the work of a child: disable or enable, and the file.
const childEdit = "NODEPOOL_TEST_EDIT"

func TestMain(m *testing.M) {
	action, path, is := strings.Cut(os.Getenv(childEdit), " ")
	if !is {
		os.Exit(m.Run())
	}
	if err := edit(action, path); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// edit disables or enables the provider west.
func edit(action, path string) error {
	release, err := nodepool.Hold(context.Background(), path, "")
	if err != nil {
		return err
	}
	defer release()
	c, err := nodepool.Read(path)
	if err != nil {
		return err
	}
	plan := c.Disable
	if action == "enable" {
		plan = c.Enable
	}
	p, err := plan(nodepool.Options{Provider: "west", Reason: "a test"})
	if err != nil {
		return err
	}
	return p.Apply(context.Background(), quiet{})
}

// TestKilledAtEachWrite kills runs at each system call that writes, and has each of them fail: the file is as before
// or as after, the values from before are kept for as long as the file lacks them, and the next run gets there.
func TestKilledAtEachWrite(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("left out by -short: makes the change many times")
	}
	straced.Need(t)
	enabled := copied(t)
	text := readText(t, enabled)
	if err := edit("disable", enabled); err != nil {
		t.Fatal(err)
	}
	disabled := readText(t, enabled)
	if disabled == text {
		t.Fatal("nothing was disabled")
	}
	record := readText(t, nodepool.RecordPath(enabled))
	for _, fails := range []straced.Fault{
		{Call: "write", How: "signal=KILL"},
		{Call: "write", How: "error=ENOSPC"},
		{Call: "fsync", How: "signal=KILL"},
		{Call: "fsync", How: "error=EIO"},
		{Call: "renameat", How: "signal=KILL"},
		{Call: "renameat", How: "error=EIO"},
		{Call: "unlinkat", How: "signal=KILL"},
		{Call: "unlinkat", How: "error=EACCES"},
	} {
		for _, action := range []string{"disable", "enable"} {
			t.Run(action+" "+fails.Call+" "+fails.How, func(t *testing.T) {
				t.Parallel()
				before, after := text, disabled
				if action == "enable" {
					before, after = disabled, text
				}
				for nth := 1; ; nth++ {
					path := filepath.Join(t.TempDir(), filepath.Base(enabled))
					writeText(t, path, before)
					if action == "enable" {
						writeText(t, nodepool.RecordPath(path), record)
					}
					log := filepath.Join(t.TempDir(), "log")
					command := append(fails.Before(nth, log), os.Args[0])
					cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
					cmd.Env = append(os.Environ(), childEdit+"="+action+" "+path)
					out, err := cmd.CombinedOutput()
					met, trace := straced.Met(t, log)
					got := readText(t, path)
					if got != before && got != after || err == nil && got != after {
						t.Errorf("at call %d: %v, and the file differs by %v\n%s", nth, err, changed(before, got), out)
					}
					if _, err := os.Stat(nodepool.RecordPath(path)); got == disabled && err != nil {
						t.Errorf("at call %d: the provider is disabled, and what it had is lost: %v", nth, err)
					}
					for _, next := range []struct{ action, want string }{{action, after}, {"disable", disabled}, {"enable", text}} {
						if err := edit(next.action, path); err != nil {
							t.Errorf("after call %d, %s: %v", nth, next.action, err)
						}
						if diff := cmp.Diff(next.want, readText(t, path)); diff != "" {
							t.Errorf("after call %d, %s gives another file:\n%s", nth, next.action, diff)
						}
					}
					if _, err := os.Stat(nodepool.RecordPath(path)); !errors.Is(err, os.ErrNotExist) {
						t.Errorf("after call %d, a record is left: %v", nth, err)
					}
					if !met {
						if nth == 1 && (fails.Call != "unlinkat" || action == "enable") {
							t.Errorf("no call was met:\n%s", trace)
						}
						return // so often it isn't called by any thread
					}
				}
			})
		}
	}
}

func writeText(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
