package hotfix_test

import (
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/test/hotfix/rpmtest"
	"github.com/imgctl/packer-plugin-openstack/test/straced"
)

// TestKilledAtAnyMoment kills runs, each after some part of the time that a whole one takes: a registry
// has nothing or the whole image, and so has a layout. Then the next run makes what it always makes.
func TestKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	rpmtest.Need(t)
	fix := rpmtest.Build(t, "", nova("2"))
	t.Run("registry", func(t *testing.T) {
		t.Parallel()
		s := serve(t)
		images(t, s)
		c := child{Source: s.host + "/ns/nova-group:17.1", Target: s.host + "/ns/nova-group:17.1-fix", Packages: fix}
		start := time.Now()
		c.succeed(t)
		took, want := time.Since(start), s.digest(t, "ns/nova-group:17.1-fix")
		for n := range 20 {
			name := "ns/other:" + strconv.Itoa(n)
			c.Target = s.host + "/" + name
			killAfter(t, c.command(t), took)
			if got := s.digest(t, name); got != "" && got != want {
				t.Errorf("the image is %s", got)
			}
			c.succeed(t)
			if got := s.digest(t, name); got != want {
				t.Errorf("the next run makes %s, not %s", got, want)
			}
		}
	})
	t.Run("layout", func(t *testing.T) {
		t.Parallel()
		dir, host := newLayout(t)
		c := child{Source: host + "/ns/nova-group:17.1", Target: host + "/ns/nova-group:17.1-fix", Layout: dir, Packages: fix}
		pristine := t.TempDir()
		rpmtest.Run(t, "cp", "-a", dir+"/.", pristine)
		before := inLayout(t, dir)
		start := time.Now()
		c.succeed(t)
		took, want := time.Since(start), inLayout(t, dir)
		for range 20 {
			c.Layout = t.TempDir()
			rpmtest.Run(t, "cp", "-a", pristine+"/.", c.Layout)
			killAfter(t, c.command(t), took)
			if got := inLayout(t, c.Layout); !maps.Equal(got, before) && !maps.Equal(got, want) {
				t.Errorf("the layout has %v", got)
			}
			c.succeed(t)
			if got := inLayout(t, c.Layout); !maps.Equal(got, want) {
				t.Errorf("the next run makes %v, not %v", got, want)
			}
		}
	})
}

func killAfter(t *testing.T, cmd *exec.Cmd, most time.Duration) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(rand.N(most+1), func() { _ = cmd.Process.Kill() })
	_ = cmd.Wait() // it was killed, or not
}

// TestSystemCallsFail has each system call that writes to the layout fail in turn, and then kills the
// process at each of them.
func TestSystemCallsFail(t *testing.T) {
	t.Parallel()
	rpmtest.Need(t)
	if testing.Short() {
		t.Skip("left out by -short: makes the change many times")
	}
	straced.Need(t)
	fix := rpmtest.Build(t, "", nova("2"))
	dir, host := newLayout(t)
	before := inLayout(t, dir)
	pristine := t.TempDir()
	rpmtest.Run(t, "cp", "-a", dir+"/.", pristine)
	c := child{Source: host + "/ns/nova-group:17.1", Target: host + "/ns/nova-group:17.1-fix", Layout: dir, Packages: fix}
	c.succeed(t)
	want := inLayout(t, dir)
	for _, fails := range []straced.Fault{
		{Call: "renameat", How: "error=EIO"},
		{Call: "renameat", How: "signal=KILL"},
		{Call: "fsync", How: "error=EIO"},
		{Call: "fsync", How: "signal=KILL"},
		{Call: "fchmodat,fchmod", How: "error=EPERM"},
		{Call: "mkdirat", How: "error=ENOSPC"},
		{Call: "flock", How: "error=ENOLCK"},
		{Call: "unlinkat", How: "signal=KILL"},
	} {
		t.Run(fails.Call+" "+fails.How, func(t *testing.T) {
			t.Parallel()
			c := c
			for nth := 1; ; nth++ {
				c.Layout = t.TempDir()
				rpmtest.Run(t, "cp", "-a", pristine+"/.", c.Layout)
				log := filepath.Join(t.TempDir(), "log")
				out, err := c.command(t, fails.Before(nth, log)...).CombinedOutput()
				met, _ := straced.Met(t, log)
				got := inLayout(t, c.Layout)
				if !maps.Equal(got, before) && !maps.Equal(got, want) || err == nil && !maps.Equal(got, want) {
					t.Errorf("at the %d. call: %v, and the layout has %v\n%s", nth, err, got, out)
				}
				c.succeed(t)
				if got := inLayout(t, c.Layout); !maps.Equal(got, want) {
					t.Errorf("at the %d. call: the next run makes %v, not %v", nth, got, want)
				}
				if !met {
					return // so often it isn't called by any thread
				}
			}
		})
	}
}

// TestFullDisk has ever more room in the layout's file system, until it is enough, and the same with
// the folder for temporary files.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	rpmtest.Need(t)
	fix := rpmtest.Build(t, "", rpmtest.Package{Name: "nova", Version: "2", Files: []rpmtest.File{
		{Path: "/usr/lib/nova", Folder: true},
		{Path: "/usr/lib/nova/api.py", Content: noise(200_000)},
	}})
	dir, host := newLayout(t)
	before := inLayout(t, dir)
	pristine := t.TempDir()
	rpmtest.Run(t, "cp", "-a", dir+"/.", pristine)
	c := child{Source: host + "/ns/nova-group:17.1", Target: host + "/ns/nova-group:17.1-fix", Layout: dir, Packages: fix}
	c.succeed(t)
	want := inLayout(t, dir)
	for _, where := range []string{"layout", "temporary"} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			c := c
			failed := 0
			for room := 0; ; room += 100 {
				small := t.TempDir()
				size := "size=" + strconv.Itoa(room+4) + "k"
				if where == "layout" {
					size = "size=" + strconv.Itoa(room+used(t, pristine)) + "k"
				}
				if out, err := exec.Command("mount", "-t", "tmpfs", "-o", size, "tmpfs", small).CombinedOutput(); err != nil {
					t.Skipf("a small file system can't be mounted here: %v %s", err, out)
				}
				t.Cleanup(func() { rpmtest.Run(t, "umount", small) })
				var more []string
				c.Layout = t.TempDir()
				if where == "layout" {
					c.Layout = small
				} else {
					more = []string{"env", "TMPDIR=" + small}
				}
				rpmtest.Run(t, "cp", "-a", pristine+"/.", c.Layout)
				out, err := c.command(t, more...).CombinedOutput()
				got := inLayout(t, c.Layout)
				if err == nil {
					if !maps.Equal(got, want) {
						t.Errorf("with %d KiB, the layout has %v", room, got)
					}
					break
				}
				failed++
				if !maps.Equal(got, before) || !strings.Contains(string(out), "no space left") && !strings.Contains(string(out), "full") {
					t.Errorf("with %d KiB, the layout has %v, and the run says\n%s", room, got, out)
				}
				rpmtest.Run(t, "mount", "-o", "remount,size=64m", small)
				c.succeed(t)
				if got := inLayout(t, c.Layout); !maps.Equal(got, want) {
					t.Errorf("the next run makes %v, not %v", got, want)
				}
			}
			if failed == 0 {
				t.Error("no run had too little room")
			}
		})
	}
}

// used is how many KiB a folder takes in a file system in memory.
func used(t *testing.T, dir string) (kib int) {
	t.Helper()
	err := filepath.Walk(dir, func(_ string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			kib += int((info.Size() + 4095) / 4096 * 4)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return kib + 8
}

// noise is text that can't be compressed well.
func noise(n int) string {
	r := rand.New(rand.NewPCG(1, 2))
	text := make([]byte, n)
	for k := range text {
		text[k] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"[r.IntN(64)]
	}
	return string(text)
}
