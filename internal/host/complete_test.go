package host_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// suggestions are what the shell is told for a line; the last word is being typed.
func (w *world) suggestions(words ...string) string {
	w.t.Helper()
	out := w.good(append([]string{"__complete"}, words...)...)
	values, _, ok := strings.Cut(out, ":")
	if !ok {
		w.t.Fatalf("%q: %q", words, out)
	}
	return strings.ReplaceAll(strings.TrimSpace(values), "\n", " ")
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "OS_CLIENT_CONFIG_FILE=clouds.yaml")
	write(t, w.path("clouds.yaml"), "clouds: {prod: {}, staging: {}, public: {}}\n")
	for _, c := range []struct{ line, typed, want string }{
		{"demo", "r", "raw\tWrite bytes and exit with 7 rows\tList rows"},
		{"demo rows -f", "", "csv json table value yaml"},
		{"demo show -f", "", "json shell table value yaml"},
		{"--os-cloud", "p", "prod public"},
		{"demo cloud --from", "s", "staging"},
		{"demo flags --colour", "", "red green"},
		{"demo flags", "b", "beta\tof FIRST beta-2\tof FIRST"},
		{"demo flags x", "", ""},
		{"demo flags --names", "a", "alpha\tof names"},
		{"demo flags --names", "alpha,beta-", "alpha,beta-2\tof names"},
		{"plugin show", "", "demo"},
		{"completion", "z", "zsh"},
	} {
		if got := w.suggestions(append(strings.Fields(c.line), c.typed)...); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.line, c.typed, got, c.want)
		}
	}
}

// The same question within a minute starts nothing.
func TestAnswersAreRemembered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	want := w.suggestions("demo", "flags", "b")
	if err := os.RemoveAll(w.path("run/imgctl")); err != nil {
		t.Fatal(err)
	}
	if got := w.suggestions("demo", "flags", "b"); got != want || want == "" || w.started() {
		t.Errorf("%q, then %q; started: %v", want, got, w.started())
	}
	remembered, err := filepath.Glob(w.path(".cache/imgctl/complete/*.json"))
	if err != nil || len(remembered) != 1 {
		t.Fatalf("%q, %v", remembered, err)
	}
	text, err := os.ReadFile(remembered[0])
	if err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * time.Minute).UTC().Format("2006-01-02T15:04:05")
	aged := strings.Replace(string(text), string(text[:len(`{"at":"`)+19]), `{"at":"`+old, 1)
	if aged == string(text) {
		t.Fatal("the answer has no time")
	}
	write(t, remembered[0], aged)
	if got := w.suggestions("demo", "flags", "b"); got != want || !w.started() {
		t.Errorf("two minutes later: %q; started: %v", got, w.started())
	}
}

// The scripts are what the shells understand, and complete through imgctl.
func TestScripts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, shell := range []string{"bash", "zsh", "fish"} {
		script := w.path("script." + shell)
		write(t, script, w.good("completion", shell))
		if _, err := exec.LookPath(shell); err != nil {
			t.Logf("no %s to ask", shell)
			continue
		}
		if out, err := exec.Command(shell, "-n", script).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", shell, err, out)
		}
	}
	bash := w.command()
	bash.Path, bash.Args = "/bin/bash", []string{"bash", "--norc", "-c", `
		PATH=` + filepath.Dir(w.imgctl) + `:$PATH
		source script.bash
		COMP_WORDS=(imgctl demo ro) COMP_CWORD=2 COMP_LINE="imgctl demo ro" COMP_POINT=14
		compopt() { :; }
		_get_comp_words_by_ref() {
			cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words=("${COMP_WORDS[@]}") cword=$COMP_CWORD
		}
		__start_imgctl
		echo "${COMPREPLY[@]}"`}
	if r := finish(t, bash); !strings.HasPrefix(r.stdout, "rows") {
		t.Errorf("bash: exit %d, %q\n%s", r.code, r.stdout, r.stderr)
	}
}
