package host_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRowsAndFieldsAreRendered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "CLIFF_MAX_TERM_WIDTH=24")
	write(t, w.path(".config/imgctl/config.yaml"), "plugins: {demo: {level: 3}}\n")
	for _, c := range []struct{ args, want string }{
		{"demo rows 2 --max-width 0", "+--------+--------+\n| Number | Name   |\n+--------+--------+\n|      0 | name 0 |\n|      1 | " +
			"name 1 |\n+--------+--------+\n"},
		{"demo ls 1 -o json --noindent", `[{"Number": 0, "Name": "name 0"}]` + "\n"},
		{"demo rows 2 -f csv -c size -c n --sort-column Number --sort-descending", "\"Number\",\"Size\"\n1,1024\n0,0\n"},
		{"demo rows 0 --print-empty", "+--------+------+\n| Number | Name |\n+--------+------+\n+--------+------+\n"},
		{"demo rows 0 -f json", "[]\n"},
		{"demo show -f value -c size -c tags -c config", "3145728\n[\"a\", \"b\"]\n{\"level\": 3}\n"},
		{"demo show -f shell --prefix x_ -c id", "x_id=\"38b1\"\n"},
		{"demo change --yes -f json --noindent", `{"changed": true}` + "\n"},
		{"demo delete x --dry-run", "would delete x\n"},
		{"version", "1.2.0-dev\n"},
		{"--version", "imgctl 1.2.0-dev\n"},
	} {
		if diff := cmp.Diff(c.want, w.good(strings.Fields(c.args)...)); diff != "" {
			t.Errorf("imgctl %s: %s", c.args, diff)
		}
	}
	if got := w.good("demo", "rows", "1"); !strings.Contains(got, "| Name ") || strings.Contains(got, "name 0   ") {
		t.Errorf("CLIFF_MAX_TERM_WIDTH: %s", got)
	}
}

func TestFlagsAreParsedByTheHost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "DEMO_TEXT=from the environment")
	write(t, w.path("secret"), "twelve chars\nmore\n")
	var got map[string]any
	out := w.good(strings.Fields("demo flags a b --force --names x,y --names z --property k=v=w --size 4GiB --span 1d12h --password " +
		"secret -f json")...)
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"args": []any{"a", "b"}, "text": "from the environment", "number": 3.0, "span": "36h0m0s", "colour": "red",
		"names": []any{"x", "y", "z"}, "property": map[string]any{"k": "v=w"}, "size": float64(4 << 30), "secret": 12.0,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	args := strings.Fields("demo flags a --force -t given --number -7 --colour green -f value -c text -c number -c colour")
	if out := w.good(args...); out != "given\n-7\ngreen\n" {
		t.Errorf("%q", out)
	}
}

func TestUsageErrors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct{ args, want string }{
		{"dmeo", "did you mean demo?"},
		{"demo rwos", "did you mean rows?"},
		{"demo rows 1 2", `argument too many: "2"`},
		{"demo rows --colmun x", "did you mean --column?"},
		{"demo rows -z", "has no flag -z"},
		{"demo rows -f shell", "choose one of csv, json, table, value, yaml"},
		{"demo rows -c Colour -f json", `choose from "Number", "Name", "Size"`},
		{"demo rows --dry-run", "has no flag --dry-run"},
		{"demo flags", "FIRST is missing: the first"},
		{"demo flags a", "--force is missing: really"},
		{"demo flags a --force --number few", `--number: "few" isn't a whole number`},
		{"demo flags a --force --colour blue", "isn't one of red, green"},
		{"demo rows --timeout soon", "--timeout"},
		{"demo rows --timeout -1s", `--timeout: "-1s": the time has to be more than 0`},
		{"demo rows --max-width -1", "--max-width"},
		{"demo rows --sort-column nope", `there is no column "nope" to sort by; choose from "Number", "Name", "Size"`},
		{"dmeo rows -f json", `has no command "dmeo"`},
		{"dmeo --help", `has no command "dmeo"`},
		{"demo rwos -f json --sort-column x", `imgctl demo has no command "rwos"; did you mean rows?`},
		{"--os-cloud x --no-such-flag y dmeo -f json", `has no command "dmeo"`},
		{"demo show --os-project-domain-id a --os-project-domain-name b", "os-project-domain"},
		{"demo rows --sort-ascending --sort-descending", "sort-ascending"},
		{"plugin lits", "did you mean list?"},
		{"plugin show", "NAME is missing"},
		{"help demo bogus", `no command "bogus"`},
		{"completion tcsh", "choose bash, zsh or fish"},
		{"demo rows x", `COUNT "x" isn't a number`},
	} {
		w.bad(2, c.want, strings.Fields(c.args)...)
	}
	if r := w.run("demo"); r.code != 2 || r.stdout != "" || !strings.Contains(r.stderr, "List rows") {
		t.Errorf("a noun alone: exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for kind, code := range map[string]int{
		"internal": 1, "not-found": 4, "ambiguous": 5, "forbidden": 6, "quota": 7, "conflict": 1, "usage": 2,
		"partial": 3, "drift": 8, "unavailable": 1, "cancelled": 130, "panic": 1, "exit": 1,
	} {
		r := w.run("demo", "fail", kind, "-f", "json")
		if r.code != code {
			t.Errorf("%s: exit %d, want %d\n%s", kind, r.code, code, r.stderr)
		}
		switch kind {
		case "exit":
			if !strings.Contains(r.stderr, `plugin "demo" ended without an outcome (exit status 9)`) {
				t.Errorf("%s: %s", kind, r.stderr)
			}
		case "panic":
		default:
			want := "Error: doing \"x\": it is " + kind + " (req-1)\n  part: broke\ndo something else\n"
			if r.stderr != want {
				t.Errorf("%s: %q, want %q", kind, r.stderr, want)
			}
		}
		// What came before the failure is whole, and nothing else is there.
		if kind == "drift" {
			if !json.Valid([]byte(r.stdout)) || !strings.Contains(r.stdout, "what differs") {
				t.Errorf("drift: %s", r.stdout)
			}
		} else if r.stdout != "" {
			t.Errorf("%s: %q on standard output", kind, r.stdout)
		}
	}
}

func TestRawCommands(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "OS_PASSWORD=x", "DEMO_Y=1")
	cmd := w.command("demo", "raw")
	cmd.Stdin = strings.NewReader(strings.Repeat("0123456789", 20_000))
	r := finish(t, cmd)
	if r.code != 7 || len(r.stdout) != 200_001 || r.stdout[0] != 0 || r.stderr != "[DEMO_Y]\n" {
		t.Errorf("exit %d, %d bytes, %q", r.code, len(r.stdout), r.stderr)
	}
}

func TestWhatAPluginPrintsIsAWarning(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.run("demo", "noise", "-f", "value")
	if r.code != 0 || r.stdout != "1\n" {
		t.Errorf("exit %d, %q", r.code, r.stdout)
	}
	// What is printed by way of go-plugin may get lost when the plugin ends; nothing of value goes that way.
	for _, want := range []string{`Warning: demo: {"@message": 1}`, "Warning: demo: yyyyy"} {
		if !strings.Contains(r.stderr, want) {
			t.Errorf("no %q in %.1000s", want, r.stderr)
		}
	}
	if strings.Contains(r.stderr, "of no interest") || len(r.stderr) > 2000 {
		t.Errorf("%d bytes: %.1000s", len(r.stderr), r.stderr)
	}
	if r := w.run("demo", "noise", "-v"); !strings.Contains(r.stderr, "demo: of no interest") {
		t.Errorf("with -v: %.1000s", r.stderr)
	}
	if r := w.run("demo", "noise", "-q"); r.stderr != "" {
		t.Errorf("with -q: %.1000s", r.stderr)
	}
}

func TestQuestionsThatNobodyAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct{ args, want string }{
		{"demo change", "it asked: Change it?; pass --yes, or run it on a terminal"},
		{"demo delete x", "it asked: Delete x for good?; run it on a terminal"},
		{"demo delete x --yes", "it asked: Delete x for good?; run it on a terminal"},
		{"demo ask", "it asked: Name; run it on a terminal"},
	} {
		r := w.run(strings.Fields(c.args)...)
		if r.code != 2 || !strings.Contains(r.stderr, c.want) {
			t.Errorf("imgctl %s: exit %d, want 2 and %q:\n%s", c.args, r.code, c.want, r.stderr)
		}
	}
}

// started reports whether a plugin was started since the folder was removed: a start makes it again.
func (w *world) started() bool {
	_, err := os.Stat(filepath.Join(w.dir, "run/imgctl"))
	return err == nil
}

func TestHelpStartsNoPlugin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.good("--help")
	if !w.started() {
		t.Fatal("the first time a plugin has to be asked")
	}
	if err := os.RemoveAll(filepath.Join(w.dir, "run/imgctl")); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"--help":                       "demo   Do everything that a plugin can\n",
		"help demo rows":               "COUNT   how many",
		"demo rows --help":             "# three rows\n  imgctl demo rows 3",
		"demo flags -h":                "--colour red|green",
		"version":                      "1.2.0",
		"completion bash":              "__start_imgctl",
		"completion zsh":               "#compdef imgctl",
		"completion fish":              "complete -c imgctl",
		"complete":                     "__start_imgctl",
		"__complete demo r":            "rows\tList rows",
		"plugin list -f value -c Name": "demo",
	} {
		if out := w.good(strings.Fields(args)...); !strings.Contains(out, want) {
			t.Errorf("imgctl %s: no %q in\n%s", args, want, out)
		}
		if w.started() {
			t.Fatalf("imgctl %s started a plugin", args)
		}
	}
	if _, err := os.Stat(w.path("run/imgctl")); err == nil {
		t.Error("a plugin was started")
	}
	info, err := os.Stat(w.path(".cache/imgctl/manifest-v1.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the cache: %v, %v", info, err)
	}
	w.good("demo", "show")
	if !w.started() {
		t.Error("the test can't see a start")
	}
}

// A cache that is damaged, or tells of another file, costs time and nothing else.
func TestABrokenCacheIsMadeAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, text := range []string{"", "{", `{"host": "9.9.9", "plugins": {}}`} {
		write(t, w.path(".cache/imgctl/manifest-v1.json"), text)
		if out := w.good("demo", "rows", "1", "-f", "value"); out != "0 name 0\n" {
			t.Errorf("%q: %q", text, out)
		}
	}
}

func TestReferenceIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var last map[string]string
	for range 3 {
		dir := t.TempDir()
		w.good("plugin", "docs", dir)
		pages := map[string]string{}
		for _, name := range []string{"index.md", "demo.md"} {
			text, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			pages[name] = string(text)
		}
		if last != nil && !cmp.Equal(last, pages) {
			t.Error(cmp.Diff(last, pages))
		}
		last = pages
	}
	for _, want := range []string{"## imgctl demo rows", "| `COUNT` | how many |", "`-t, --text TEXT`", "imgctl demo rows 3"} {
		if !strings.Contains(last["demo.md"], want) {
			t.Errorf("no %q in\n%s", want, last["demo.md"])
		}
	}
	dir := t.TempDir()
	w.good("plugin", "docs", "--format", "man", dir)
	for _, name := range []string{"imgctl.1", "imgctl-demo.1", "imgctl-demo-rows.1", "imgctl-plugin-trust.1"} {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !strings.Contains(string(text), ".SH SYNOPSIS") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
