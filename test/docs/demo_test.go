package docs

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/test/packertest"
)

// The demo that the README shows, as it is and with each set of faults that a page gives.
func TestDemo(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("servers with an inside need Linux")
	}
	packer := packertest.New(t)
	bin := t.TempDir()
	for _, from := range []string{"./cmd/imgctl-sandbox", "./example/demo"} {
		build := exec.Command("go", "build", "-o", bin, from)
		build.Dir, build.Env = packertest.Root(), append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("building %s: %v\n%s", from, err, out)
		}
	}
	demo := func(t *testing.T, flags ...string) string {
		t.Helper()
		args := append(append([]string{"run"}, flags...), "--", filepath.Join(bin, "demo"))
		cmd := packer.Around(t, filepath.Join(bin, "imgctl-sandbox"), args...)
		cmd.Dir = packertest.Root()
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return string(out)
	}
	t.Run("as the README shows it", func(t *testing.T) {
		t.Parallel()
		shows(t, demo(t))
	})
	for _, b := range blocks(t, "yaml") {
		if !b.marked("faults") {
			continue
		}
		t.Run("with faults of "+b.String(), func(t *testing.T) {
			t.Parallel()
			rules := filepath.Join(t.TempDir(), "faults.yaml")
			if err := os.WriteFile(rules, []byte(b.text), 0o600); err != nil {
				t.Fatal(err)
			}
			demo(t, "--faults", rules)
		})
	}
}

// shows checks that the README's example of the output is what came out, lines left out.
func shows(t *testing.T, output string) {
	t.Helper()
	rest := strings.Split(masked(output), "\n")
	n := 0
	for _, b := range blocks(t, "text") {
		if !b.marked("demo") {
			continue
		}
		n++
		for line := range strings.SplitSeq(masked(b.text), "\n") {
			at := slices.Index(rest, line)
			if at < 0 {
				t.Fatalf("%s has this line, and the demo's output has it not, or not there:\n%s\n%s", b, line, output)
			}
			rest = rest[at+1:]
		}
	}
	if n != 1 {
		t.Errorf("%d examples of the demo's output, want 1", n)
	}
}

var changing = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{8}\b|127(\.\d+){3}|\d{4}-\d\d-\d\d|\S*packer-shell\d+|([\d.]+ (s|milli\w+|micro\w+|seconds?|minutes?)\b ?)+`)

// masked is a text without what differs from run to run.
func masked(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(changing.ReplaceAllString(l, "~"), " ~")
	}
	return strings.Join(lines, "\n")
}
