package plugins

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/node"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/plugintest"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/released"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// The plugin has gRPC for Node from npm, the SDK's one file, and the rest from the protocol's descriptor.
func TestNodeExample(t *testing.T) {
	t.Parallel()
	plugin := nodeExample(t)
	t.Run("rows", func(t *testing.T) {
		t.Parallel()
		history(t, plugin)
	})
	t.Run("rules", func(t *testing.T) {
		t.Parallel()
		plugintest.Conform(t, plugin)
	})
}

// nodeExample builds the plugin as docs/plugins.md says.
func nodeExample(t *testing.T) string {
	t.Helper()
	npm := needNode(t)
	dir := t.TempDir()
	for _, name := range []string{"main.js", "package.json", "package-lock.json"} {
		text, err := os.ReadFile(filepath.Join(root, "example/plugin-node", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string][]byte{"imgctl-plugin.js": node.Module, "imgctl-plugin-v1.json": released.V1} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	nodeModules(t, npm, dir)
	run(t, dir, npm, "run", "build", "--no-update-notifier")
	return filepath.Join(dir, "imgctl-history")
}

// needNode is npm, or skips the test where it or Node is missing.
func needNode(t *testing.T) (npm string) {
	t.Helper()
	const enough = "process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)"
	if out, err := exec.CommandContext(t.Context(), "/usr/bin/node", "-e", enough).CombinedOutput(); err != nil {
		t.Skipf("there is no /usr/bin/node of version 18 or later: %v\n%s", err, out)
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Skip("there is no npm to build plugins with")
	}
	return npm
}

// nodeModules puts the modules of example/plugin-node into a folder that has its lock file.
func nodeModules(t *testing.T, npm, dir string) {
	t.Helper()
	modules, err := filepath.Abs(filepath.Join(root, "example/plugin-node/node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(modules); err == nil {
		if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
			t.Fatal(err)
		}
	} else {
		installModules(t, npm, dir)
	}
}

// installModules gets the modules that the lock file names, or skips the test.
func installModules(t *testing.T, npm, dir string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	install := exec.CommandContext(ctx, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier",
		"--prefer-offline", "--fetch-retries=0")
	install.Dir, install.WaitDelay = dir, time.Second
	if out, err := install.CombinedOutput(); err != nil {
		t.Skipf("npm can't get the modules that package-lock.json names: %v\n%s", err, out)
	}
}

// history runs the plugin through imgctl on the sandbox.
func history(t *testing.T, plugin string) {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "imgctl")
	run(t, root, "go", "build", "-trimpath", "-o", bin, "./cmd/imgctl")
	s := sandboxtest.Start(t)
	add := func(i sandbox.Image) string {
		t.Helper()
		id, err := s.AddImage(i)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	day := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	middle := add(sandbox.Image{Project: "demo", Name: "web", CreatedAt: day.AddDate(0, 0, 1), Data: []byte("image")})
	oldest := add(sandbox.Image{Project: "demo", Name: "web", CreatedAt: day, Hidden: true, Data: []byte("old")})
	newest := add(sandbox.Image{Project: "demo", Name: "web", CreatedAt: day.AddDate(0, 0, 2)}) // queued: it has no size
	add(sandbox.Image{Project: "demo", Name: "WEB"})
	odd := add(sandbox.Image{Project: "demo", Name: "in:web,1"})
	for n := range 1100 { // more than a page
		add(sandbox.Image{Project: "demo", Name: fmt.Sprintf("many-%04d", n)})
	}
	i := installed(t, s, bin, plugin)
	rows := newest + " queued None\n" + middle + " active 5\n" + oldest + " active 3\nended with 0"
	columns := []string{"-f", "value", "-c", "ID", "-c", "Status", "-c", "Size"}
	if said := i.run(t, "", append([]string{"history", "web"}, columns...)...); said != rows {
		t.Errorf("the history of web is\n%s, want\n%s", said, rows)
	}
	for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} { // in passing
		s.Faults().Add(sandbox.Rule{Path: "/image/v2/images", Fault: sandbox.Status(status), Count: 1})
	}
	if said := i.run(t, "", append([]string{"history", "web"}, columns...)...); said != rows {
		t.Errorf("after 429 and 503, the history of web is\n%s, want\n%s", said, rows)
	}
	for line, want := range map[string]string{
		"history in:web,1 -f value -c ID":    odd + "\nended with 0",
		"history we -f value":                "ended with 4",
		"history":                            "ended with 2",
		"history web --owner 0000 -f value":  "ended with 4",
		"history many-0000 -f value -c Size": "None\nended with 0",
	} {
		if said := i.run(t, "", strings.Fields(line)...); said != want {
			t.Errorf("imgctl %s gives %s, want %s", line, said, want)
		}
	}
	// The oldest are on the second page.
	if said := i.run(t, "", "__complete", "history", "many-000"); strings.Count(said, "many-000") != 10 {
		t.Errorf("many-000 completes to %s", said)
	}
	if said := i.run(t, "", "__complete", "history", "w"); !strings.Contains(said, "web\t2 images") || strings.Contains(said, "WEB") {
		t.Errorf("w completes to %s", said)
	}
	overridden(t, s, i)
}

// overridden has clouds.yaml name another endpoint, where nothing is.
func overridden(t *testing.T, s *sandbox.Cloud, i installation) {
	t.Helper()
	clouds, err := os.ReadFile(s.CloudsYAML())
	if err != nil {
		t.Fatal(err)
	}
	entry := "\n    " + sandbox.DefaultCloud + ":\n"
	if strings.Count(string(clouds), entry) != 1 {
		t.Fatalf("clouds.yaml has no entry %s:\n%s", sandbox.DefaultCloud, clouds)
	}
	changed := strings.Replace(string(clouds), entry, entry+"        image_endpoint_override: "+s.URL()+"/nowhere\n", 1)
	file := filepath.Join(t.TempDir(), "clouds.yaml")
	if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	i.env = append(i.env, "OS_CLIENT_CONFIG_FILE="+file)
	if said := i.run(t, "", "history", "web"); said != "ended with 4" {
		t.Errorf("at an endpoint where nothing is: %s", said)
	}
	if last := s.Requests()[len(s.Requests())-1]; !strings.HasPrefix(last.Path, "/nowhere") {
		t.Errorf("the last request went to %s", last.Path)
	}
}
