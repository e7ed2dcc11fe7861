// Package plugintest tests plugins, in any language, against the rules of the protocol.
package plugintest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/plugintest/conformance"
)

// Build compiles the package, such as "." or "./plugins/share", to an executable named imgctl-NAME
// in a folder of the test's own, and gives its path.
func Build(t testing.TB, pkg, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "imgctl-"+name)
	build := exec.CommandContext(t.Context(), "go", "build", "-o", path, pkg)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", pkg, err, out)
	}
	return path
}

// Start starts the plugin at path for the test, and ends it with the test.
func Start(t testing.TB, path string, env ...string) *conformance.Process {
	t.Helper()
	p, err := conformance.Start(path, env...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

// Conform judges the plugin at path by all of the protocol's rules, and fails the test for each that
// it breaks.
func Conform(t testing.TB, path string) {
	t.Helper()
	ConformWith(t, path, conformance.Options{})
}

// ConformWith is Conform with another patience.
func ConformWith(t testing.TB, path string, o conformance.Options) {
	t.Helper()
	o.Seen = func(r conformance.Result) {
		if r.Status == conformance.Broken {
			t.Errorf("%s", r)
		}
	}
	results, err := conformance.Check(t.Context(), path, o)
	if err != nil || len(results) == 0 {
		t.Fatalf("checking %s gave %d results: %v", path, len(results), err)
	}
}
