// Package plugins tests the example plugins the way their authors would build and check them.
package plugins

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/plugintest"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/plugintest/conformance"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/released"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/python"
)

const root = "../.."

// Somebody else's module gets the SDK without our replace and without what it is there for.
func TestGoExample(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "plugin")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(root, "example/plugin-go"))); err != nil {
		t.Fatal(err)
	}
	here, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	run(t, dir, "go", "mod", "edit", "-replace=github.com/imgctl/packer-plugin-openstack="+here)
	var mod struct {
		Replace []struct{ Old struct{ Path string } }
	}
	if err := json.Unmarshal([]byte(run(t, dir, "go", "mod", "edit", "-json")), &mod); err != nil {
		t.Fatal(err)
	}
	if len(mod.Replace) != 1 {
		t.Errorf("its go.mod replaces %v, not the checkout alone", mod.Replace)
	}
	foreign := regexp.MustCompile(`hashicorp/packer|aws-sdk|hashicorp/vault|go-cty|packer-plugin-sdk`)
	deps := strings.Fields(run(t, dir, "go", "list", "-deps", "."))
	if len(deps) < 100 {
		t.Errorf("it has %d dependencies only", len(deps))
	}
	for _, d := range deps {
		if foreign.MatchString(d) {
			t.Errorf("it depends on %s", d)
		}
	}
	plugin := filepath.Join(dir, "imgctl-age")
	run(t, dir, "go", "build", "-o", plugin, ".")
	if rows := list(t, plugin, "image", "age"); len(rows) != 1 || rows[0][1] != conformance.Name {
		t.Errorf("it lists %v", rows)
	}
	plugintest.Conform(t, plugin)
}

func TestThePageShowsTheGoExample(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(root, "docs/plugins.md"))
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile(filepath.Join(root, "example/plugin-go/main.go"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(page, example) {
		t.Error("docs/plugins.md shows another example/plugin-go/main.go")
	}
}

// The plugins that come with imgctl keep the rules that others have to.
func TestOurPluginsConform(t *testing.T) {
	t.Parallel()
	mains, err := filepath.Glob(filepath.Join(root, "plugins/*/main.go"))
	if err != nil || len(mains) < 4 {
		t.Fatalf("there are %d plugins: %v", len(mains), err)
	}
	for _, main := range mains {
		name := filepath.Base(filepath.Dir(main))
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Against services that fail they go on trying until they are interrupted.
			plugin := plugintest.Build(t, filepath.Dir(main), name)
			plugintest.ConformWith(t, plugin, conformance.Options{RunFor: time.Second})
			missingFiles(t, plugin)
		})
	}
}

// A plugin needs no Go: this one has gRPC for Python from Debian's packages.
func TestPythonExample(t *testing.T) {
	t.Parallel()
	needPython(t)
	dir := filepath.Join(t.TempDir(), "formats")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(root, "example/plugin-python"))); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"imgctl_plugin.py": python.Module, "imgctl-plugin-v1.json": released.V1} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	plugin := filepath.Join(t.TempDir(), "imgctl-formats")
	run(t, dir, "/usr/bin/python3", "-m", "zipapp", dir, "-p", "/usr/bin/python3", "-o", plugin)
	if rows := list(t, plugin, "formats"); len(rows) != 1 || rows[0][0] != "raw" || rows[0][1] != 1.0 {
		t.Errorf("it lists %v", rows)
	}
	plugintest.Conform(t, plugin)
}

func needPython(t *testing.T) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", "import grpc, google.protobuf").CombinedOutput(); err != nil {
		t.Skipf("/usr/bin/python3 lacks python3-grpcio or python3-protobuf: %v\n%s", err, out)
	}
}

// list runs a command on a cloud with one image, and gives its rows.
func list(t *testing.T, plugin string, path ...string) [][]any {
	t.Helper()
	cloud := conformance.NewCloud()
	defer cloud.Close()
	command, err := plugintest.Start(t, plugin).Run(t.Context(), &pluginv1.Start{Path: path}, conformance.Host{Cloud: cloud.Access})
	if err != nil {
		t.Fatal(err)
	}
	return command.Wait().Rows()
}

func run(t *testing.T, dir string, command ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly", "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", command, err, stderr.String())
	}
	return string(out)
}
