package launch

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// said collects what a plugin writes.
type said struct {
	mu    sync.Mutex
	lines []string
}

func (s *said) line(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, text)
}

func (s *said) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.lines)
}

// script starts a shell script as a plugin; it is made such that no start can succeed.
func script(ctx context.Context, t *testing.T, text string) (*said, error) {
	t.Helper()
	return attempt(ctx, t, "#!/bin/sh\n"+text+"\n")
}

// attempt starts a file with the text as a plugin.
func attempt(ctx context.Context, t *testing.T, text string) (*said, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "imgctl-script")
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var s said
	p, err := Start(ctx, Spec{
		Name: "script", Path: path, File: f, SHA256: sumOf(t, path), Started: func() bool { return true },
		Line: s.line,
	})
	if err == nil {
		p.Close()
		t.Fatal("it started")
	}
	return &s, err
}

func TestWhyAPluginDoesNotStart(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, script, want string }{
		{"it ends", "echo why >&2; exit 4", `plugin "script" ended before it was ready (exit status 4); it said: why`},
		{"it crashes", "echo where >&2; echo why >&2; exit 4", `(exit status 4); it said: why (imgctl plugin check shows all of it)`},
		{"another version", "echo '1|9|unix|'$PLUGIN_UNIX_SOCKET_DIR'/s|grpc|'; sleep 60", "speaks another version of the protocol"},
		{"TCP", "echo '1|1|tcp|127.0.0.1:1|grpc|'; sleep 60", "it listens at tcp 127.0.0.1:1, not in the folder it was given"},
		{"a socket elsewhere", "echo '1|1|unix|/tmp/elsewhere|grpc|'; sleep 60", "not in the folder it was given"},
		{"net/rpc", "echo '1|1|unix|'$PLUGIN_UNIX_SOCKET_DIR'/s|netrpc|'; sleep 60", "netrpc"},
		{"another core", "echo '9|1|unix|'$PLUGIN_UNIX_SOCKET_DIR'/s|grpc|'; sleep 60", "speaks another version of the protocol"},
		{"noise alone", "echo hello; echo '1|'; exit 0", "ended before it was ready (exit status 0)"},
		{
			"noise and no end", "echo hello; echo more; sleep 60",
			`was not ready after 5s; it printed "hello" and not where it listens; make sure that the file is a plugin`,
		},
		{"nothing", "exit 0", "ended before it was ready (exit status 0); make sure that the file is a plugin"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := script(t.Context(), t, c.script)
			if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want one line with %q", err, c.want)
			}
		})
	}
}

// A file that the kernel refuses to run is an error that says what to do.
func TestWhyAFileIsNoProgram(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("needs scripts with an interpreter in their first line, which Windows doesn't have")
	}
	for text, want := range map[string]string{
		"hello\n":                     "no program for " + runtime.GOOS + "/" + runtime.GOARCH + ", and no script; get the plugin for this system",
		"":                            "no program for",
		"#!/no/such -x\nexit 0\n":     `there is no "/no/such", the script's interpreter; install the interpreter`,
		"#!/bin/sh\r\nexit 0\r\n":     "ends with a carriage return; save it with line ends of Unix",
		"#! /no/\x1b[31msuch\nexit\n": "there is no \"/no/\ufffd[31msuch\"",
	} {
		_, err := attempt(t.Context(), t, text)
		if !strings.HasPrefix(err.Error(), `starting plugin "script": `) || !strings.Contains(err.Error(), want) ||
			strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want one line with %q", text, err, want)
		}
	}
}

// What runs is the file that was opened and checked, whatever its path says by then.
func TestTheCheckedFileRuns(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc")
	}
	program, err := os.ReadFile("/bin/false")
	if err != nil {
		t.Skip(err)
	}
	path := filepath.Join(t.TempDir(), "imgctl-false")
	if err := os.WriteFile(path, program, 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	other := path + ".other"
	if err := os.WriteFile(other, []byte("#!/bin/sh\nexit 9\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	spec := Spec{Name: "false", Path: path, File: f, Started: func() bool { return true }, Line: func(string) {}}
	_, err = Start(t.Context(), spec)
	if err == nil || !strings.Contains(err.Error(), "(exit status 1)") {
		t.Errorf("%v, want the status of the file that was opened", err)
	}
	spec.Started = func() bool { return false }
	if _, err = Start(t.Context(), spec); !fault.Is(err, fault.Forbidden) ||
		!strings.Contains(err.Error(), "changed while it was being started") {
		t.Errorf("a file that was written meanwhile: %v", err)
	}
}

// Of a script, too, what was checked runs: not what it has become since, by rename or in place.
func TestTheCheckedScriptRuns(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "imgctl-script")
	if err := os.WriteFile(path, []byte("#!/bin/sh\nexit 7\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	spec := Spec{Name: "script", Path: path, File: f, SHA256: sumOf(t, path), Started: func() bool { return true }, Line: func(string) {}}
	if err := os.WriteFile(path+".other", []byte("#!/bin/sh\nexit 9\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".other", path); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), spec); err == nil || !strings.Contains(err.Error(), "(exit status 7)") {
		t.Errorf("%v, want the status of the file that was opened", err)
	}
	again, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	spec.File = again
	if _, err := Start(t.Context(), spec); !fault.Is(err, fault.Forbidden) ||
		!strings.Contains(err.Error(), "changed while it was being started") {
		t.Errorf("a file with another checksum: %v", err)
	}
}

func sumOf(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(text))
}

func TestAStartCanBeCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := script(ctx, t, "sleep 60"); !fault.Is(err, fault.Cancelled) || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// What a plugin starts ends with it, and its standard input is nobody's.
func TestThePluginIsOnItsOwn(t *testing.T) {
	typed, keyboard, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer typed.Close()
	if _, err := keyboard.WriteString("typed\n"); err != nil {
		t.Fatal(err)
	}
	keyboard.Close()
	stdin := os.Stdin
	os.Stdin = typed
	defer func() { os.Stdin = stdin }()
	marker := filepath.Join(t.TempDir(), "pid")
	s, err := script(t.Context(), t, `sleep 600 >/dev/null 2>&1 & echo $! >`+marker+
		`; read x && echo "read $x"; env | sed 's/=.*//' | sort | tr '\n' ' '; pwd; exit 5`)
	if err == nil || !strings.Contains(err.Error(), "exit status 5") {
		t.Fatal(err)
	}
	text, err := os.ReadFile(marker)
	if err != nil {
		t.Fatal(err)
	}
	stat := "/proc/" + strings.TrimSpace(string(text)) + "/stat"
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		state, err := os.ReadFile(stat)
		if err != nil || strings.Contains(string(state), ") Z ") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("its child is still there: %s", state)
		}
	}
	all := strings.Join(s.all(), "\n")
	if strings.Contains(all, "read ") || !strings.HasSuffix(all, " /") || !strings.Contains(all, "IMGCTL_PLUGIN") ||
		!strings.Contains(all, "PLUGIN_UNIX_SOCKET_DIR") {
		t.Errorf("%s", all)
	}
}

func TestEnvironmentIsPassedByName(t *testing.T) {
	t.Parallel()
	got := environment([]string{
		"PATH=/bin", "OS_PASSWORD=x", "LC_ALL=C", "AWS_SECRET=y", "HTTPS_PROXY=z", "IMGCTL_PLUGIN_PATH=/x",
		"LD_PRELOAD=/x",
	})
	if want := []string{"PATH=/bin", "LC_ALL=C", "HTTPS_PROXY=z"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestLinesAreTakenApartAndShortened(t *testing.T) {
	t.Parallel()
	var got []string
	l := &lines{sink: func(s string) { got = append(got, s) }}
	for _, part := range []string{"a", "b\nc\r\n\n", strings.Repeat("x", longest+10), "y\n", "end"} {
		if n, err := l.Write([]byte(part)); n != len(part) || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	l.end()
	want := []string{"ab", "c", strings.Repeat("x", longest) + "… (11 bytes more)", "end"}
	if !slices.Equal(got, want) {
		t.Errorf("%.200q, want %.200q", got, want)
	}
}

// A folder that others can reach into isn't used for sockets.
func TestSocketFolderIsPrivate(t *testing.T) {
	dir, err := os.MkdirTemp("/tmp", "il") //nolint:usetesting // a test's own folder has too long a path for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	t.Setenv("XDG_RUNTIME_DIR", dir)
	folder, _, err := socketFolder()
	if err != nil || folder != filepath.Join(dir, "imgctl") {
		t.Fatalf("%s, %v", folder, err)
	}
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	other := func(why string) {
		t.Helper()
		got, remove, err := socketFolder()
		if err != nil || got == folder || len(got) > longestFolder {
			t.Errorf("%s: %s, %v", why, got, err)
			return
		}
		remove()
	}
	other("others can look into it")
	if err := os.Remove(folder); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/tmp", folder); err != nil {
		t.Fatal(err)
	}
	other("it is a link")
	t.Setenv("XDG_RUNTIME_DIR", "/tmp/"+strings.Repeat("x", 100))
	other("its name is too long")

	// Somebody else was there first, under all names that are known.
	t.Setenv("TMPDIR", dir)
	t.Setenv("XDG_RUNTIME_DIR", "")
	for _, path := range []string{filepath.Join(dir, fmt.Sprintf("imgctl-%d", os.Getuid()))} {
		if err := os.Mkdir(path, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	got, remove, err := socketFolder()
	if err != nil || got == filepath.Join(dir, fmt.Sprintf("imgctl-%d", os.Getuid())) {
		t.Errorf("%s, %v", got, err)
	}
	remove()
}
