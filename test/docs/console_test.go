package docs

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/test/packertest"
	"github.com/imgctl/packer-plugin-openstack/test/program"
)

// What the pages show on a console is run, page by page, as a reader would: in the order of the
// page, in one folder, with one cloud.
func TestConsole(t *testing.T) {
	t.Parallel()
	packer := packertest.New(t)
	pages := map[string][]block{}
	for _, b := range allBlocks(t) {
		pages[b.file] = append(pages[b.file], b)
	}
	n := 0
	for file, blocks := range pages {
		if !slices.ContainsFunc(blocks, isConsole) {
			continue
		}
		n++
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			place := sync.OnceValue(func() *page { return workplace(t, packer) })
			for _, b := range blocks {
				if isConsole(b) {
					t.Run(strconv.Itoa(b.line), func(t *testing.T) { try(t, b, place) })
				} else if name, ok := b.value("as"); ok {
					place().write(t, name, b.text)
				}
			}
		})
	}
	if n == 0 {
		t.Error("no page shows a command")
	}
}

// Only what is a console block is run, so nothing may pass for one.
func TestCommandsAreShownOnAConsole(t *testing.T) {
	t.Parallel()
	for _, b := range allBlocks(t) {
		if _, file := b.value("as"); !file && slices.Contains([]string{"sh", "bash", "shell", "shell-session"}, b.words[0]) {
			t.Errorf("%s: a block of %s is not run: make it one of console, or a file by as=NAME", b, b.words[0])
		}
	}
}

func isConsole(b block) bool { return b.words[0] == "console" }

// page is where the commands of one page run.
type page struct {
	dir string
	env []string
}

// workplace is a folder that looks like a checkout after `make build`, in which commands may write, with
// a cloud and an environment in which nothing of the user's counts.
func workplace(t *testing.T, packer *packertest.Packer) *page {
	t.Helper()
	dir, home, root := t.TempDir(), t.TempDir(), packertest.Root()
	for _, built := range []string{"bin", "libexec", "plugins", "internal", "sandbox", "go.mod", "go.sum"} {
		if err := os.Symlink(filepath.Join(root, built), filepath.Join(dir, built)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(dir, "example"), os.DirFS(filepath.Join(root, "example"))); err != nil {
		t.Fatal(err)
	}
	env := slices.Concat(packer.Around(t, "bash").Env, cloudWithImage(t).Env("demo"))
	env = append(env, "PATH="+filepath.Join(root, "bin")+":"+os.Getenv("PATH"), "NO_COLOR=1", "LC_ALL=C.UTF-8", "HOME="+home)
	for _, kind := range []string{"CONFIG", "CACHE", "DATA", "STATE"} {
		env = append(env, "XDG_"+kind+"_HOME="+filepath.Join(home, strings.ToLower(kind)))
	}
	for _, kept := range []string{"GOCACHE", "GOMODCACHE", "GOFLAGS", "GOPROXY"} { // which are in HOME by default
		value, err := exec.Command("go", "env", kept).Output()
		if err != nil {
			t.Fatal(err)
		}
		env = append(env, kept+"="+strings.TrimSpace(string(value)))
	}
	return &page{dir, env}
}

// write puts a block into the file that the page says it is in.
func (p *page) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	program.Write(t, path, text) // it may be one
}

// try runs the commands of a block in one shell. All have to succeed, except that `exit=N` on the
// fence is the status of the last; and what is shown below a command has to be what it says.
func try(t *testing.T, b block, place func() *page) {
	t.Helper()
	if reason, skipped := b.value("skip"); skipped {
		if reason == "" {
			t.Fatalf("%s: skip needs a reason", b)
		}
		t.Skipf("%s: not run: %s", b, reason)
	}
	commands := session(b.text)
	if len(commands) == 0 {
		t.Fatalf("%s: no line begins with `$ `", b)
	}
	status, _ := b.value("exit")
	last, err := strconv.Atoi(cmp.Or(status, "0"))
	if err != nil {
		t.Fatalf("%s: exit=%s: %v", b, status, err)
	}
	said := place().shell(t, commands)
	for i, c := range commands {
		at, want := fmt.Sprintf("%s:%d: $ %s", b.file, b.line+c.line, c.text), 0
		if i == len(commands)-1 {
			want = last
		}
		if said[i].status != want {
			t.Fatalf("%s\nended with status %d, and should with %d; it said\n%s", at, said[i].status, want, said[i].output)
		}
		if missing := differs(c.output, said[i].output); missing != "" {
			t.Errorf("%s\nshows a line that was not said, or not there:\n%s\nIt said\n%s", at, missing, said[i].output)
		}
	}
}

// answer is what a command said and its exit status; -1 is that of one that did not end.
type answer struct {
	output string
	status int
}

// ended is behind what each command of a shell says.
var ended = regexp.MustCompile("\x1e(\\d+)\x1e\n")

// limit is how long a block may take. None should need a tenth of it.
const limit = 5 * time.Minute

// shell runs commands one after the other and gives an answer for each.
func (p *page) shell(t *testing.T, commands []command) (all []answer) {
	t.Helper()
	var script strings.Builder
	for _, c := range commands {
		fmt.Fprintf(&script, "%s\nprintf '\\036%%d\\036\\n' $?\n", c.text)
	}
	var out bytes.Buffer
	cmd := exec.Command("bash", "-c", script.String()) // #nosec G204 -- the documentation's
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = p.dir, p.env, &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = time.Second // for what a command left behind
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	defer kill()
	defer time.AfterFunc(limit, kill).Stop()
	_ = cmd.Wait() // the commands' own status is in what they said

	rest := out.String()
	for range commands {
		at := ended.FindStringSubmatchIndex(rest)
		if at == nil {
			all, rest = append(all, answer{rest, -1}), ""
			continue
		}
		status, _ := strconv.Atoi(rest[at[2]:at[3]])
		all, rest = append(all, answer{rest[:at[0]], status}), rest[at[1]:]
	}
	return all
}

// command is a command of a console block with the output that is shown.
type command struct {
	line   int // in the block, from 0
	text   string
	output string
}

// session are the commands of a console block: what is behind `$ `, with the lines that a backslash
// or `> ` goes on with.
func session(text string) (all []command) {
	more := false
	for n, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		start, isStart := strings.CutPrefix(line, "$ ")
		switch {
		case isStart:
			all = append(all, command{line: n, text: start})
		case len(all) == 0:
			continue // said by nobody
		case more || strings.HasPrefix(line, "> "):
			all[len(all)-1].text += "\n" + strings.TrimPrefix(line, "> ")
		default:
			all[len(all)-1].output += line + "\n"
		}
		more = strings.HasSuffix(line, "\\")
	}
	return all
}

// differs gives the first line of what is shown that was not said in its place, "" if there is none. A line
// `...` stands for any number of lines. A command below which nothing is shown may say anything.
func differs(shown, said string) string {
	if strings.TrimSpace(shown) == "" {
		return ""
	}
	want, got := lines(shown), lines(said)
	for free := false; len(want) > 0; want = want[1:] {
		if want[0] == "..." {
			free = true
			continue
		}
		at := slices.Index(got, want[0])
		if at < 0 || at > 0 && !free {
			return want[0]
		}
		got, free = got[at+1:], false
		if len(want) == 1 && len(got) > 0 {
			return "(the end, before: " + got[0] + ")"
		}
	}
	return ""
}

var (
	spaces = regexp.MustCompile(`\s+`)
	rule   = regexp.MustCompile(`-{2,}`)
)

// lines are those of a text without what differs from run to run, the width of columns included.
func lines(text string) (all []string) {
	for line := range strings.SplitSeq(strings.TrimSpace(masked(text)), "\n") {
		all = append(all, strings.TrimSpace(rule.ReplaceAllString(spaces.ReplaceAllString(line, " "), "--")))
	}
	return all
}

func TestDiffers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ shown, said, want string }{
		{"", "anything\n", ""},
		{"one\ntwo\n", "one\ntwo\n", ""},
		{"one\n", "one\ntwo\n", "(the end, before: two)"},
		{"two\n", "one\ntwo\n", "two"},
		{"...\ntwo\n", "one\ntwo\n", ""},
		{"one\n...\n", "one\ntwo\n", ""},
		{"one\n...\nthree\n", "one\ntwo\n", "three"},
		{"| f59efa92 |   took 1.5 s |\n+---+\n", "| 00000000 | took 12 s |\n+-----+\n", ""},
	} {
		if got := differs(c.shown, c.said); got != c.want {
			t.Errorf("%q shown, %q said: %q, want %q", c.shown, c.said, got, c.want)
		}
	}
}

func TestSession(t *testing.T) {
	t.Parallel()
	got := session("$ one \\\n    --flag\nsaid\n\n$ cat <<E\n> two\n> E\n")
	want := []command{{0, "one \\\n    --flag", "said\n\n"}, {4, "cat <<E\ntwo\nE", ""}}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}
