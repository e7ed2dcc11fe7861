package host_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
)

// terminal is imgctl on a terminal of its own.
type terminal struct {
	t   *testing.T
	cmd *exec.Cmd
	tty *os.File

	mu   sync.Mutex
	seen strings.Builder
	from int // where expect goes on

	done chan struct{}
}

func (w *world) terminal(args ...string) *terminal {
	w.t.Helper()
	cmd := w.command(args...)
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: 80, Rows: 24})
	if err != nil {
		w.t.Fatal(err)
	}
	term := &terminal{t: w.t, cmd: cmd, tty: tty, done: make(chan struct{})}
	go func() {
		defer close(term.done)
		buf := make([]byte, 4096)
		for {
			n, err := tty.Read(buf)
			term.mu.Lock()
			term.seen.Write(buf[:n])
			term.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	w.t.Cleanup(func() { tty.Close() })
	return term
}

func (tm *terminal) screen() string {
	tm.mu.Lock()
	defer tm.mu.Unlock()
	return tm.seen.String()
}

// expect waits for the text behind what was expected before.
func (tm *terminal) expect(text string) {
	tm.t.Helper()
	eventually(tm.t, text+" in\n"+tm.screen(), func() bool {
		i := strings.Index(tm.screen()[tm.from:], text)
		if i >= 0 {
			tm.from += i + len(text)
		}
		return i >= 0
	})
}

func (tm *terminal) send(keys string) {
	tm.t.Helper()
	if _, err := tm.tty.WriteString(keys); err != nil {
		tm.t.Fatal(err)
	}
}

// end waits for the exit status.
func (tm *terminal) end(code int) {
	tm.t.Helper()
	_ = tm.cmd.Wait()
	<-tm.done
	if got := tm.cmd.ProcessState.ExitCode(); got != code {
		tm.t.Errorf("exit %d, want %d:\n%s", got, code, tm.screen())
	}
}

const ctrlC = "\x03"

// Ctrl-C reaches the host alone, though it goes to all of the terminal's foreground processes.
func TestCtrlC(t *testing.T) {
	t.Parallel()
	term := newWorld(t).terminal("demo", "wait", "--cleanup", "500ms")
	term.expect("pid=")
	term.expect("waiting [")
	term.send(ctrlC)
	term.expect("Stopping (interrupt), cleaning up; Ctrl-C again to abandon")
	term.expect("cleaned up")
	term.expect(`interrupted at "waiting: `) // more than that its context was cancelled
	term.end(130)
}

func TestTheSizeOfTheTerminal(t *testing.T) {
	t.Parallel()
	tm := newWorld(t).terminal("demo", "wait")
	tm.expect("pid=")
	if err := pty.Setsize(tm.tty, &pty.Winsize{Cols: 123, Rows: 40}); err != nil {
		t.Fatal(err)
	}
	tm.expect("width=123")
	tm.send(ctrlC)
	tm.end(130)
}

// imgctl's own commands have nothing to clean up.
func TestCtrlCInImgctlItself(t *testing.T) {
	t.Parallel()
	tm := newWorld(t).terminal("plugin", "check", "demo")
	tm.expect("rules: ")
	tm.send(ctrlC)
	tm.end(130)
}

func TestCtrlCTwice(t *testing.T) {
	t.Parallel()
	term := newWorld(t).terminal("demo", "wait", "--stubborn")
	term.expect("pid=")
	term.send(ctrlC)
	term.expect("Ctrl-C again to abandon")
	time.Sleep(apart)
	term.send(ctrlC)
	term.expect("unfinished: waiting")
	term.end(130)
}

func TestQuestions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		args []string
		keys []string // in turn: what is expected, what is typed
		want string
		code int
	}{
		{"yes", []string{"demo", "change", "-f", "json"}, []string{"Change it?", "y\r"}, `"changed": true`, 0},
		{"no", []string{"demo", "change", "-f", "json"}, []string{"[y/N]", "\r"}, `"changed": false`, 0},
		{
			"neither, then yes",
			[]string{"demo", "change", "-f", "json"},
			[]string{"[y/N]", "perhaps\r", "Please answer", "yes\r"},
			`"changed": true`, 0,
		},
		{"the name", []string{"demo", "delete", "web"}, []string{"to continue: ", "web\r"}, "deleted web", 0},
		{"not the name", []string{"demo", "delete", "web"}, []string{"to continue: ", "yes\r"}, "nothing was deleted", 2},
		{"not even with --yes", []string{"demo", "delete", "web", "--yes"}, []string{"to continue: ", "\r"}, "nothing was deleted", 2},
		{
			"texts",
			[]string{"demo", "ask"},
			[]string{"[nobody]: ", "\r", "Secret", "pass1234\r", "Number or name [red]: ", "3\r", "Please choose", "2\r"},
			"name nobody, secret [redacted] of 8, colour green", 0,
		},
		{
			"a secret that is a word, with all messages",
			[]string{"demo", "ask", "--debug"},
			[]string{"[nobody]: ", "\r", "Secret", "rows\r", "Number or name [red]: ", "\r"},
			"of 4, colour red", 0,
		},
		{"interrupted", []string{"demo", "change"}, []string{"[y/N]", ctrlC}, "Stopping", -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			term := newWorld(t).terminal(c.args...)
			for i := 0; i < len(c.keys); i += 2 {
				term.expect(c.keys[i])
				term.send(c.keys[i+1])
			}
			term.expect(c.want)
			if c.code >= 0 {
				term.end(c.code)
			} else {
				_ = term.cmd.Wait()
			}
			if strings.Contains(term.screen(), "pass1234") {
				t.Errorf("the secret was shown:\n%s", term.screen())
			}
			// Messages are shown beside the questions, before or after the next one.
			if slices.Contains(c.args, "--debug") && !strings.Contains(term.screen(), `"accepted":true,"text":"[redacted]"}`) {
				t.Errorf("its answer isn't among the messages, crossed out:\n%s", term.screen())
			}
		})
	}
}

// A no to imgctl's own question has the same status as a question that nobody is there to answer.
func TestConsentDeclined(t *testing.T) {
	t.Parallel()
	term := alone(t).terminal("plugin", "install", packaged())
	term.expect("[y/N]")
	term.send("n\r")
	term.expect("declined; nothing was changed")
	term.end(2)
}

// Who asks is said where it isn't one of imgctl's own plugins.
func TestAStrangersQuestionSaysWhoAsks(t *testing.T) {
	t.Parallel()
	w := installed(t)
	term := w.terminal("demo", "change")
	term.expect("plugin demo asks: Change it?")
	term.send("n\r")
	term.end(0)
}

func TestColours(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		env      []string
		coloured bool
	}{
		{"on a terminal", nil, true},
		{"NO_COLOR", []string{"NO_COLOR=1"}, false},
		{"a dumb terminal", []string{"TERM=dumb"}, false},
		{"NO_COLOR wins", []string{"NO_COLOR=1", "CLICOLOR_FORCE=1"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			term := newWorld(t, c.env...).terminal("demo", "fail", "quota")
			term.end(7)
			if got := strings.Contains(term.screen(), "\x1b[31mError:"); got != c.coloured {
				t.Errorf("coloured: %v\n%q", got, term.screen())
			}
		})
	}
	if r := newWorld(t).run("demo", "fail", "quota"); strings.Contains(r.stderr, "\x1b") {
		t.Errorf("without a terminal: %q", r.stderr)
	}
	if r := newWorld(t, "CLICOLOR_FORCE=1").run("demo", "fail", "quota"); !strings.Contains(r.stderr, "\x1b[31m") {
		t.Errorf("CLICOLOR_FORCE: %q", r.stderr)
	}
}

// A table fits the terminal where that is wanted, and is as wide as it has to be otherwise.
func TestTheTerminalsWidth(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	term := w.terminal("plugin", "show", "demo", "--fit-width")
	term.end(0)
	for line := range strings.SplitSeq(strings.ReplaceAll(term.screen(), "\r", ""), "\n") {
		if len(line) > 80 {
			t.Errorf("a line of %d: %s", len(line), line)
		}
	}
	if out := w.good("plugin", "show", "demo", "--fit-width"); !strings.Contains(out, strings.Repeat("-", 90)) {
		t.Errorf("without a terminal it is not as wide as it has to be:\n%s", out)
	}
}
