package modify_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/modify"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// asChild names in a process that only modifies: the registry, the build context, the scratch folder.
const asChild = "IMGCTL_TEST_MODIFY"

func TestMain(m *testing.M) {
	words := strings.Fields(os.Getenv(asChild))
	if len(words) != 3 {
		os.Exit(m.Run())
	}
	if err := modifyHere(words[0], words[1], words[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func modifyHere(host, folder, scratch string) error {
	c, err := registry.New(registry.Options{})
	if err != nil {
		return err
	}
	defer c.Close()
	j := modify.Job{Role: modify.Role, AppendTag: "-x", Vars: map[string]any{"modify_dir_path": folder}, At: "here"}
	for name, to := range map[string]*reference.Reference{
		"ns/nova-compute:1": &j.Source, "mine/nova-compute:1": &j.Copy, "mine/nova-compute:1-x": &j.Target,
	} {
		if *to, err = reference.Parse(host + "/" + name); err != nil {
			return err
		}
	}
	p, err := modify.NewPlan(context.Background(), c, nil, []modify.Job{j}, modify.Options{Scratch: scratch}, transfer.Options{})
	if err != nil {
		return err
	}
	return p.Apply(context.Background(), report.Discard)
}

// child starts a process that modifies.
func (w *world) child() *exec.Cmd {
	w.t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asChild+"="+strings.Join([]string{w.host, w.context, w.o.Scratch}, " "))
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	return cmd
}

// ends modifies without faults: the result must be the one that it always is.
func (w *world) ends(want string) {
	w.t.Helper()
	w.rule(nil)
	if _, err := w.apply(w.job("nova-compute:1", nil)); err != nil {
		w.t.Fatal(err)
	}
	if got, _ := w.get("mine/nova-compute:1-x").Digest(); want != "" && got.String() != want {
		w.t.Fatalf("the image is %s, want %s", got, want)
	}
	if left, _ := filepath.Glob(w.o.Scratch + "/*"); len(left) > 0 {
		w.t.Errorf("it left %q", left)
	}
}

// whole fails where there is a tag whose image can't be read to its end.
func (w *world) whole() {
	w.t.Helper()
	w.rule(nil)
	for _, name := range []string{"mine/nova-compute:1", "mine/nova-compute:1-x"} {
		if w.has(name) {
			w.get(name)
		}
	}
}

// faulty is a world whose change adds a layer.
func faulty(t *testing.T) *world {
	t.Helper()
	w := start(t)
	w.files(map[string]string{"Dockerfile": "FROM x\nCOPY a /etc/a\nUSER nova", "a": strings.Repeat("a", 1000)})
	return w
}

// TestAnyRequestFails fails each request in turn, before or after the registry carried it out.
func TestAnyRequestFails(t *testing.T) {
	t.Parallel()
	for nth := int32(1); ; nth++ {
		w := faulty(t)
		var n atomic.Int32
		w.rule(func(rw http.ResponseWriter, r *http.Request, next http.Handler) bool {
			if n.Add(1) != nth {
				return false
			}
			if nth%2 == 0 {
				next.ServeHTTP(discard{rw.Header()}, r)
			}
			for name := range rw.Header() {
				rw.Header().Del(name)
			}
			rw.WriteHeader(http.StatusForbidden)
			return true
		})
		_, err := plan(w, map[string]any{"modify_dir_path": w.context})
		if n.Load() < nth {
			if nth < 10 {
				t.Errorf("there were only %d requests", nth)
			}
			return
		}
		w.whole()
		if err == nil && !w.has("mine/nova-compute:1-x") {
			t.Errorf("request %d failed: no error, and no image", nth)
		}
		w.ends("")
	}
}

// discard takes an answer that nobody gets.
type discard struct{ header http.Header }

func (d discard) Header() http.Header       { return d.header }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

// TestKilledAtAnyWrite kills the process at each request that changes the registry.
func TestKilledAtAnyWrite(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("left out by -short: starts many processes")
	}
	for nth := int32(1); ; nth++ {
		w := faulty(t)
		var n atomic.Int32
		reached, killed := make(chan struct{}), make(chan struct{})
		w.rule(func(rw http.ResponseWriter, r *http.Request, next http.Handler) bool {
			if r.Method == http.MethodGet || r.Method == http.MethodHead || n.Add(1) != nth {
				return false
			}
			if nth%2 == 0 {
				next.ServeHTTP(discard{http.Header{}}, r)
			}
			close(reached)
			<-killed
			return true
		})
		cmd := w.child()
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		select {
		case err := <-ended:
			if err != nil || nth < 5 {
				t.Errorf("it ended before write %d: %v", nth, err)
			}
			return
		case <-reached:
			_ = cmd.Process.Kill()
			if err := <-ended; err == nil {
				t.Error("it ended by itself")
			}
			close(killed)
		}
		w.whole()
		w.ends("")
	}
}

// TestKilledWhileAContainerRuns leaves neither processes nor, after the next run, files.
func TestKilledWhileAContainerRuns(t *testing.T) {
	t.Parallel()
	w, sleep := busybox(t, nil), "sleep 9"+strconv.Itoa(os.Getpid())+"1"
	w.files(map[string]string{"Dockerfile": "FROM x\nUSER root\nRUN touch /etc/mark; " + sleep + "\n"})
	cmd := w.child()
	await(t, "the container runs", func() bool { return strings.Contains(processes(t), sleep) })
	_ = cmd.Process.Signal(syscall.SIGKILL)
	_ = cmd.Wait()
	await(t, "its processes end", func() bool { return !strings.Contains(processes(t), sleep) })
	if w.has("mine/nova-compute:1-x") {
		t.Error("there is an image")
	}
	w.files(map[string]string{"Dockerfile": "FROM x\nUSER root\nRUN touch /etc/mark\nUSER nova"})
	w.ends("")
}

// TestStoppedWhileAContainerRuns ends by itself, and says why.
func TestStoppedWhileAContainerRuns(t *testing.T) {
	t.Parallel()
	w, sleep := busybox(t, nil), "sleep 9"+strconv.Itoa(os.Getpid())+"2"
	w.files(map[string]string{"Dockerfile": "FROM x\nUSER root\nRUN " + sleep + "\n"})
	p := w.plan(w.job("nova-compute:1", nil))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Apply(ctx, w) }()
	await(t, "the container runs", func() bool { return strings.Contains(processes(t), sleep) })
	cancel()
	if err := <-done; err == nil || !strings.Contains(err.Error(), "context canceled") {
		t.Errorf("got %v", err)
	}
	await(t, "its processes end", func() bool { return !strings.Contains(processes(t), sleep) })
	if left, _ := filepath.Glob(w.o.Scratch + "/*"); len(left) > 0 {
		t.Errorf("it left %q", left)
	}
}

// processes are the command lines of all, one a line.
func processes(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(files) == 0 {
		t.Skip("there is no /proc")
	}
	var all strings.Builder
	for _, file := range files {
		text, _ := os.ReadFile(file) // it may have ended
		all.WriteString(strings.ReplaceAll(string(text), "\x00", " ") + "\n")
	}
	return all.String()
}

func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	end := time.After(2 * time.Minute)
	for !is() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("%s: not within two minutes", what)
		}
	}
}
