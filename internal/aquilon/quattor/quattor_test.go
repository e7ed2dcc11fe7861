package quattor

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/test/program"
)

// local is this machine, with a folder for what belongs to the test.
type local struct {
	t   *testing.T
	dir string
}

func newLocal(t *testing.T) *local {
	t.Helper()
	return &local{t, t.TempDir()}
}

func (m *local) Run(ctx context.Context, command string, line func(string)) (int, error) {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	cmd.Dir, cmd.WaitDelay = m.dir, time.Minute
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // what the shell has started ends with it
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	read := make(chan struct{})
	go func() {
		defer close(read)
		for s := bufio.NewScanner(r); s.Scan(); {
			line(s.Text())
		}
	}()
	err := cmd.Run()
	w.Close()
	<-read
	var exit *exec.ExitError
	if errors.As(err, &exit) && ctx.Err() == nil {
		return exit.ExitCode(), nil
	}
	return 0, err
}

func (m *local) path(name string) string { return filepath.Join(m.dir, name) }

// file writes a file; one that begins with #! is a program.
func (m *local) file(name, text string) string {
	m.t.Helper()
	if strings.HasPrefix(text, "#!") {
		program.Write(m.t, m.path(name), text)
	} else if err := os.WriteFile(m.path(name), []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
	return m.path(name)
}

func (m *local) read(name string) string {
	m.t.Helper()
	b, err := os.ReadFile(m.path(name))
	if err != nil {
		return "(" + err.Error() + ")"
	}
	return string(b)
}

func (m *local) names() string {
	m.t.Helper()
	entries, err := os.ReadDir(m.dir)
	if err != nil {
		m.t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

// told keeps what is reported.
type told struct {
	mu    sync.Mutex
	lines []string
}

func (l *told) add(level, format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, level+fmt.Sprintf(format, args...))
}
func (l *told) Step(format string, args ...any) { l.add("", format, args...) }
func (l *told) Warn(format string, args ...any) { l.add("warning: ", format, args...) }
func (l *told) Progress(string, int64, int64)   {}
func (l *told) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

// quick are options that need no signal and no patience.
func quick(m *local) Options {
	return Options{
		ProfileURL: "http://aquilon.example.com/profiles/{{ .Hostname }}.json", Hostname: "web.example.com", WaitFor: WaitNone,
		ConfFile: m.path("ccm.conf"), FetchCommand: []string{"true"}, ConfigureCommand: []string{"true"},
		FetchInterval: time.Millisecond,
	}
}

func apply(t *testing.T, m *local, o Options) (Result, string, error) {
	t.Helper()
	var r told
	result, err := Apply(t.Context(), Guest{Machine: m}, o.WithDefaults(), &r)
	return result, r.String(), err
}

func wantError(t *testing.T, err error, kind fault.Kind, parts ...string) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Fatalf("the error is %v (%s), want one that is %s", err, fault.KindOf(err), kind)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error is\n%v\nand doesn't say\n%s", err, part)
		}
	}
}

// The stand-ins for quattor write what ncm-ncd writes.
const (
	good = `#!/bin/sh
echo '[INFO]  NCM-NCD started'
echo '[INFO]  configure on component spma executed, 0 errors, 0 warnings'
echo '[INFO]  configure on component ntpd executed, 0 errors, 2 warnings'
echo '[OK]   0 errors, 2 warnings executing configure'
`
	bad = `#!/bin/sh
echo '[INFO]  configure on component spma executed, 0 errors, 0 warnings'
echo '[ERROR] cannot write' >&2
echo '[INFO]  configure on component ntpd executed, 1 errors, 0 warnings'
echo '[ERROR] Errors while configuring ntpd (1)'
echo '[ERROR] 1 errors, 0 warnings executing configure'
exit 255
`
)

func TestApplyDoesItAll(t *testing.T) {
	t.Parallel()
	m := newLocal(t)
	o := quick(m)
	o.FetchCommand = []string{m.file("fetch", `#!/bin/sh
echo "fetching: $*"
grep -q '^profile http://aquilon.example.com/profiles/web.example.com.json$' ccm.conf && echo try >>tries && [ "$(wc -l <tries)" -ge 3 ]
`), "a b", "$HOME", "it's"}
	o.ConfigureCommand = []string{m.file("configure", good)}
	o.FinalizeCommand = []string{"touch", m.path("a file; $(touch evil)")}
	o.CCM = map[string]string{"debug": "1", "group_readable": "apache", "get_timeout": "5"}
	m.file("log one", "x")
	m.file("log two", "x")
	m.file("it's", "x")
	o.Remove = []string{m.path("log ?*"), m.path("it's"), m.path("tr*")}
	result, said, err := apply(t, m, o)
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	if want := "http://aquilon.example.com/profiles/web.example.com.json"; result.Hostname != "web.example.com" || result.Profile != want {
		t.Errorf("got %+v", result)
	}
	want := `profile http://aquilon.example.com/profiles/web.example.com.json
cache_root /var/lib/ccm
debug 1
force 0
get_timeout 5
group_readable apache
lock_retries 3
lock_wait 30
retrieve_retries 3
retrieve_wait 30
world_readable 0
`
	if got := m.read("ccm.conf"); got != want {
		t.Errorf("ccm.conf is\n%s\nwant\n%s", got, want)
	}
	if info, err := os.Stat(m.path("ccm.conf")); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("ccm.conf: %v, %v", info, err)
	}
	if got, want := m.names(), "a file; $(touch evil) ccm.conf configure fetch"; got != want {
		t.Errorf("the machine has %s, want %s", got, want)
	}
	for _, line := range []string{
		"  fetching: a b $HOME it's", "warning: fetching the profile failed (exit code 1); trying again in 1ms",
		"  [INFO]  configure on component spma executed, 0 errors, 0 warnings",
		"2 components configured, 0 errors, 2 warnings; warnings in ntpd (2)",
	} {
		if !strings.Contains(said, line) {
			t.Errorf("the report has no line %q:\n%s", line, said)
		}
	}
	if n := strings.Count(said, "trying again"); n != 2 {
		t.Errorf("fetching failed %d times, want 2", n)
	}
}

func TestConfigureFails(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, script string
		change       func(o *Options)
		kind         fault.Kind
		want         []string // of the error; none is success
		said         string
	}{
		{
			"with errors", bad, nil, fault.Internal,
			[]string{"configuring the machine with", "exit code 255: errors in ntpd (1)"},
			"2 components configured, 1 errors, 0 warnings; errors in ntpd (1)",
		},
		{
			"with errors and status 0", strings.Replace(bad, "exit 255", "exit 0", 1), nil, fault.Internal,
			[]string{"exit code 0, but it reported 1 errors: errors in ntpd (1)"},
			"",
		},
		{
			"without a word", "#!/bin/sh\nexit 3\n", nil, fault.Internal,
			[]string{"exit code 3; its output is above"},
			"configure reported no components",
		},
		{"and that is tolerated", bad, func(o *Options) { o.TolerateErrors = true }, 0, nil, "fail_on_configure_error is false"},
		{"and fails again", bad, func(o *Options) { o.ConfigureRetries = 2 }, fault.Internal, []string{"exit code 255"}, "try 3 of 3"},
		{
			"and then works", "#!/bin/sh\n[ -e again ] || { touch again; exit 1; }\n" + strings.TrimPrefix(good, "#!/bin/sh\n"),
			func(o *Options) { o.ConfigureRetries = 1 }, 0, nil, "try 2 of 2",
		},
		{
			"by not ending", "#!/bin/sh\nexec sleep 60\n",
			func(o *Options) { o.ConfigureTimeout = 50 * time.Millisecond; o.TolerateErrors = true }, fault.Unavailable,
			[]string{"configuring the machine with", "not done within 50ms"},
			"",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := newLocal(t)
			o := quick(m)
			o.ConfigureCommand = []string{m.file("configure", c.script)}
			o.FinalizeCommand = []string{"touch", m.path("finalized")}
			o.RestoreConf = true
			if c.change != nil {
				c.change(&o)
			}
			_, said, err := apply(t, m, o)
			if len(c.want) == 0 && err != nil {
				t.Errorf("%v\n%s", err, said)
			} else if len(c.want) > 0 {
				wantError(t, err, c.kind, c.want...)
			}
			if !strings.Contains(said, c.said) {
				t.Errorf("the report doesn't say %q:\n%s", c.said, said)
			}
			if _, missing := os.Stat(m.path("finalized")); (missing == nil) != (err == nil) {
				t.Errorf("finalized: %v, though the error is %v", missing, err)
			}
			if strings.Contains(m.names(), "ccm.conf") {
				t.Errorf("the machine has %s", m.names())
			}
		})
	}
}

func TestFetchFails(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		command []string
		script  string
		kind    fault.Kind
		want    []string
	}{
		{
			"and never works", nil, "#!/bin/sh\necho '[ERROR] 404 Not Found'; exit 1\n", fault.Unavailable,
			[]string{
				"waiting for the profile http://aquilon.example.com/profiles/web.example.com.json: not done after",
				"times, the last time with: exit code 1", "longer fetch_timeout",
			},
		},
		{
			"as it isn't there",
			[]string{"no-such-quattor", "fetch"},
			"", fault.NotFound,
			[]string{"no-such-quattor: exit code 127", "install Quattor in the source image"},
		},
		{
			"as it hangs", nil, "#!/bin/sh\nexec sleep 60\n", fault.Unavailable,
			[]string{"was tried 1 times, the last time with: it was still running"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := newLocal(t)
			m.file("ccm.conf", "as it was\n")
			o := quick(m)
			o.RestoreConf, o.FetchTimeout, o.FetchInterval = true, 2*time.Second, 100*time.Millisecond
			if o.FetchCommand = c.command; c.command == nil {
				o.FetchCommand = []string{m.file("fetch", c.script)}
			}
			_, said, err := apply(t, m, o)
			wantError(t, err, c.kind, c.want...)
			if got := m.read("ccm.conf"); got != "as it was\n" || strings.Contains(m.names(), "imgctl") {
				t.Errorf("ccm.conf is %q, and the machine has %s\n%s", got, m.names(), said)
			}
		})
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(m *local, o *Options)
		kind   fault.Kind
		want   []string
	}{
		{"no room for a copy", func(m *local, o *Options) {
			o.RestoreConf, o.ConfFile = true, m.file(strings.Repeat("c", 250), "as it was\n")
		}, fault.Internal, []string{"writing", "exit code"}},
		{
			"nowhere to write", func(m *local, o *Options) { o.ConfFile = m.path("none/ccm.conf") }, fault.Internal,
			[]string{"writing", "none/ccm.conf: exit code", "log in as root, or set sudo = true"},
		},
		{
			"finalize", func(_ *local, o *Options) { o.FinalizeCommand = []string{"sh", "-c", "exit 7"} }, fault.Internal,
			[]string{"running sh -c exit 7: exit code 7"},
		},
		{"clean-up", func(m *local, o *Options) {
			o.ConfigureCommand = []string{"mkdir", "-p", m.path("ccm.conf.d")}
			o.Remove = []string{"/proc/self/stat*"}
		}, fault.Internal, []string{"cleaning up the machine: exit code"}},
		{
			"a profile URL with white space", func(_ *local, o *Options) { o.Hostname = "a b" }, fault.Internal,
			[]string{"contains white space"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := newLocal(t)
			o := quick(m)
			c.change(m, &o)
			_, _, err := apply(t, m, o)
			wantError(t, err, c.kind, c.want...)
			if o.RestoreConf && m.read(filepath.Base(o.ConfFile)) != "as it was\n" {
				t.Errorf("the machine has %s", m.names())
			}
		})
	}
}

func TestCancelledWhileItConfigures(t *testing.T) {
	t.Parallel()
	m := newLocal(t)
	o := quick(m)
	o.RestoreConf = true
	o.ConfigureCommand = []string{m.file("configure", "#!/bin/sh\ntouch running\nexec sleep 60\n")}
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := Apply(ctx, Guest{Machine: m}, o.WithDefaults(), &told{})
		done <- err
	}()
	for !strings.Contains(m.names(), "running") {
		time.Sleep(5 * time.Millisecond) // between two looks
	}
	cancel(errors.New("stop"))
	wantError(t, <-done, fault.Cancelled, "configuring the machine with", "stop")
	if got, want := m.names(), "configure running"; got != want {
		t.Errorf("the machine has %s, want %s", got, want)
	}
}

func TestSudoGetsOneWord(t *testing.T) {
	t.Parallel()
	o := Options{Sudo: true}
	for got, want := range map[string]string{
		o.root("rm 'a b'"):                          `sudo -n sh -c 'rm '\''a b'\'''`,
		o.command([]string{"quattor", "it's"}):      `sudo -n -- 'quattor' 'it'\''s'`,
		Options{}.command([]string{"", "$x", "`y"}): "'' '$x' '`y'",
		glob("/a b/*.c?d"):                          `'/a b/'*'.c'?'d'`,
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// Whatever is in it, the shell takes a quoted text as it is.
func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "it's", "''", "$(x)", "a\nb", `\`, "'\\''", "-n", "*?[a]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsRune(text, 0) {
			t.Skip("no argument has a NUL")
		}
		out, err := exec.Command("/bin/sh", "-c", "printf %s "+quote(text)).Output()
		if err != nil || string(out) != text {
			t.Errorf("%q came out as %q (%v)", text, out, err)
		}
	})
}

func FuzzSummary(f *testing.F) {
	f.Add(good)
	f.Add(bad)
	f.Add("configure on component x executed, 99999999999999999999 errors, 1 warning")
	f.Fuzz(func(t *testing.T, text string) {
		var s Summary
		for line := range strings.SplitSeq(text, "\n") {
			s.read(line)
		}
		if s.Errors < 0 || s.Warnings < 0 || s.String() == "" {
			t.Errorf("%+v", s)
		}
	})
}

func TestValidate(t *testing.T) {
	t.Parallel()
	base := Options{ProfileURL: "http://a/{{ .Hostname }}.json"}
	for name, c := range map[string]struct {
		change func(o *Options)
		want   string
	}{
		"good":        {func(*Options) {}, ""},
		"unknown yet": {func(o *Options) { o.ProfileURL, o.WaitFor, o.ConfFile = "<unknown>", "<unknown>", "<unknown>" }, ""},
		"a password": {
			func(o *Options) { o.ProfileURL = "http://ann:x@a/{{ .Hostname }}" },
			"profile_url: it contains a user name, and everybody can read /etc/ccm.conf",
		},
		"no URL":                   {func(o *Options) { o.ProfileURL = "http://[::1/" }, "is not a URL"},
		"no profile":               {func(o *Options) { o.ProfileURL = "" }, "profile_url: it is missing"},
		"a broken template":        {func(o *Options) { o.ProfileURL = "{{" }, "profile_url: reading the template"},
		"a field that isn't there": {func(o *Options) { o.ProfileURL = "{{ .Name }}" }, "profile_url: filling in the template"},
		"wait for what":            {func(o *Options) { o.WaitFor = "luck" }, `wait_for: "luck" is unknown; use dns, metadata, none`},
		"no name":                  {func(o *Options) { o.WaitFor = WaitNone }, "the machine's name isn't known"},
		"a name":                   {func(o *Options) { o.WaitFor, o.Hostname = WaitNone, "web" }, ""},
		"no name needed":           {func(o *Options) { o.WaitFor, o.ProfileURL = WaitNone, "http://a/{{ .ServerID }}" }, ""},
		"no host name":             {func(o *Options) { o.Hostname = "a/b" }, `hostname: "a/b" is none`},
		"the profile twice": {
			func(o *Options) { o.CCM = map[string]string{"profile": "x"} },
			"ccm: the profile is set by another option",
		},
		"no key": {func(o *Options) { o.CCM = map[string]string{"a b": "x"} }, `ccm: "a b" is not a key`},
		"two lines": {
			func(o *Options) { o.CCM = map[string]string{"debug": "1\nforce 1"} },
			"ccm: the value of debug has a line break",
		},
		"a relative path":  {func(o *Options) { o.ConfFile = "ccm.conf" }, "conf_file:"},
		"a negative count": {func(o *Options) { o.ConfigureRetries = -1 }, "configure_retries: -1 is negative"},
		"a negative time":  {func(o *Options) { o.FetchTimeout = -1 }, "fetch_timeout: -1ns is negative"},
		"all files":        {func(o *Options) { o.Remove = []string{"/*"} }, `remove: "/*" is not allowed`},
		"files above":      {func(o *Options) { o.Remove = []string{"/var/.."} }, `remove: "/var/.." is not allowed`},
		"files somewhere":  {func(o *Options) { o.Remove = []string{"var"} }, `remove: "var" is not allowed`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := base
			c.change(&o)
			err := errors.Join(o.WithDefaults().Validate("<unknown>")...)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
