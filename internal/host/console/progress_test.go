package console

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// plainConsole is a console without a terminal, whose clock the test sets.
func plainConsole(t *testing.T) (c *Console, now *time.Time, written func() string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "stderr")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	c = New(f, f, f, func(string) string { return "" })
	clock := time.Unix(0, 0)
	c.now = func() time.Time { return clock }
	return c, &clock, func() string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}

// Without a terminal there is a line soon after the start, at the end, and now and then between; none for what is
// done at once.
func TestProgressInLines(t *testing.T) {
	t.Parallel()
	c, now, written := plainConsole(t)
	p := Progress{ID: "1", Label: "copying", Total: 10 << 20, Bytes: true}
	for second := range 25 {
		*now = time.Unix(int64(second), 0)
		p.Done = int64(second) << 18
		c.Progress(p)
	}
	p.State, p.Detail = Done, "verified"
	c.Progress(p)
	c.Progress(Progress{ID: "2", Label: "second", Done: 1, Total: 3, State: Failed, Detail: "no space"})
	for _, state := range []State{Running, Done} { // a short one that ends well
		c.Progress(Progress{ID: "3", Label: "third", Total: 3, State: state})
	}
	want := "copying: 512 KiB of 10 MiB\ncopying: 3 MiB of 10 MiB\ncopying: 5.5 MiB of 10 MiB\ncopying: done (verified)\n" +
		"second: failed (no space)\n"
	if got := written(); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	c.Quiet = true
	c.Progress(Progress{ID: "3", Label: "quiet"})
	if strings.Contains(written(), "quiet") || len(c.InFlight()) != 0 {
		t.Errorf("%s, %q", written(), c.InFlight())
	}
}

func TestBars(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		p    Progress
		want string
	}{
		{Progress{Label: "a", Done: 1, Total: 4}, "a [######..................]  25% 1 of 4"},
		{Progress{Label: "a", Done: 9, Total: 4, Parent: "x", Detail: "late"}, "  a [########################] 100% 9 of 4 late"},
		{Progress{Label: "a", Done: 1536, Bytes: true}, "a: 1.5 KiB"},
		{Progress{Label: "a"}, "a"},
	} {
		if got := bar(c.p); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	if got := cut("äöü", 2); got != "äö" {
		t.Errorf("%q", got)
	}
}

func TestColour(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		tty  bool
		env  map[string]string
		want bool
	}{
		{"a terminal", true, nil, true},
		{"none", false, nil, false},
		{"off", true, map[string]string{"CLICOLOR": "0"}, false},
		{"forced", false, map[string]string{"CLICOLOR_FORCE": "1"}, true},
		{"not forced", false, map[string]string{"CLICOLOR_FORCE": "0"}, false},
		{"no, even if forced", true, map[string]string{"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, false},
		{"dumb", true, map[string]string{"TERM": "dumb"}, false},
	} {
		if got := colour(c.tty, func(name string) string { return c.env[name] }); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
