// Package openstackclient_test installs plugins/openstackclient into the system's OpenStackClient,
// for the time of a test, and uses it.
package openstackclient_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
	"github.com/imgctl/packer-plugin-openstack/test/packertest"
)

// The client of Debian's packages, and the Python that it runs on.
const (
	client = "/usr/bin/openstack"
	python = "/usr/bin/python3"
)

var installing sync.Mutex

// install installs the package into a folder of its own, with nothing from the network.
func install(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("left out by -short: each run of OpenStackClient takes seconds")
	}
	if _, err := os.Stat(client); err != nil {
		t.Skipf("there is no %s: install python3-openstackclient", client)
	}
	if out, err := exec.CommandContext(t.Context(), python, "-c", "import setuptools, wheel, pip").CombinedOutput(); err != nil {
		t.Skipf("%s can't install packages: install python3-pip and python3-wheel: %s", python, out)
	}
	installing.Lock()
	defer installing.Unlock()
	// pip builds in the folder, which is not to be left in the source tree.
	source, target := filepath.Join(t.TempDir(), "source"), filepath.Join(t.TempDir(), "target")
	if err := os.CopyFS(source, os.DirFS(filepath.Join(packertest.Root(), "plugins", "openstackclient"))); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, "-m", "pip", "install", "--quiet", "--no-index", "--no-build-isolation", "--no-deps",
		"--target", target, source)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return target
}

// world is a sandbox and an OpenStackClient with imgctl's commands.
type world struct {
	*sandbox.Cloud
	t    *testing.T
	path string // of the package
}

// run runs the client, and gives its exit status and what it printed.
func (w *world) run(args ...string) (status int, stdout, stderr string) {
	w.t.Helper()
	var out, errs strings.Builder
	cmd := packertest.New(w.t).Around(w.t, client, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	home := w.t.TempDir()
	cmd.Env = append(cmd.Env, "PYTHONPATH="+w.path, "IMGCTL="+filepath.Join(packertest.Root(), "bin", "imgctl"), "HOME="+home,
		"OS_CLIENT_CONFIG_FILE="+w.CloudsYAML(), "XDG_CACHE_HOME="+home, "XDG_CONFIG_HOME="+home)
	_ = cmd.Run() // the status tells
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

func (w *world) image(name, project string) string {
	w.t.Helper()
	id, err := w.AddImage(sandbox.Image{Name: name, Visibility: "private", DiskFormat: "raw", Project: project, Data: []byte(name)})
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func TestCommands(t *testing.T) {
	t.Parallel()
	w := &world{sandboxtest.Start(t, sandbox.Options{}), t, install(t)}
	old, fresh := w.image("web-base", "demo"), w.image("web-base build", "demo")
	for _, tt := range []struct {
		name           string
		args           string // separated by spaces
		status         int
		stdout, stderr []string // parts of what is printed
	}{
		{
			"an action, dry", "--os-cloud demo image promote run " + fresh + " --name web-base --dry-run -f value -c changes", 0,
			[]string{`name becomes "web-base"`},
			nil,
		},
		{
			"an action", "--os-cloud demo image promote run " + fresh + " --name web-base --old-action=hide -f json", 0,
			[]string{`"image_id": "` + fresh, `"changed": true`, `"archived": {`},
			[]string{"Archiving image"},
		},
		{
			"an action, for a shell", "--os-cloud demo image promote run " + fresh + " --name web-base -f shell", 0,
			[]string{`changed="False"`},
			nil,
		},
		{"a list", "--os-cloud demo image promote history web-base", 0, []string{"+----", "| ID ", "| " + fresh, "| " + old}, nil},
		{
			"a list as CSV", "--os-cloud demo image promote history web-base -f csv -c ID -c State --quote none", 0,
			[]string{"ID,State\n" + fresh + ",current\n" + old + ",archived\n"},
			nil,
		},
		{
			"a hidden column", "--os-cloud demo image promote history web-base -f value -c Generation -c Hidden --sort-column Generation",
			0,
			[]string{"True 0\nFalse 1\n"},
			nil,
		},
		{"an empty list", "--os-cloud demo image sweep -f json", 0, []string{"[]"}, nil},
		{"a word in short", "--os-cloud demo image prom hist web-base -f value -c ID", 0, []string{fresh}, nil},
		{"imgctl's status", "--os-cloud demo image promote history nobody", 4, nil, []string{`no image is or was current under "nobody"`}},
		{"imgctl's usage", "--os-cloud demo image promote run " + fresh + " --archive-name old", 2, nil, []string{"--archive-name: "}},
		{"cliff's usage", "--os-cloud demo image promote run", 2, nil, []string{"the following arguments are required: <image>"}},
		{"another cloud", "--os-cloud member-a image promote history web-base", 4, nil, nil},
		{"help", "help image promote rollback", 0, []string{
			"Make the previous image current again.", "--archive-name <template>",
			"--dry-run",
		}, nil},
		{"any command", "--os-cloud demo imgctl promote status web-base -f value -c Image", 0, []string{"web-base\n"}, nil},
		{
			"a command with a status of its own", "image sandbox run --ssh-port=2222 --no-guests -- sh -c echo$IFS$OS_CLOUD;exit$IFS\"7\"",
			7,
			[]string{"demo\n"},
			nil,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, stdout, stderr := w.run(strings.Fields(tt.args)...)
			if status != tt.status {
				t.Errorf("status %d, want %d\n%s%s", status, tt.status, stdout, stderr)
			}
			for _, want := range tt.stdout {
				if !strings.Contains(stdout, want) {
					t.Errorf("%q isn't in\n%s", want, stdout)
				}
			}
			if tt.stdout == nil && strings.TrimSpace(stdout) != "" {
				t.Errorf("printed %q", stdout)
			}
			for _, want := range tt.stderr {
				if !strings.Contains(stderr, want) {
					t.Errorf("%q isn't in\n%s", want, stderr)
				}
			}
		})
	}
}

// Every command of imgctl is one of the client's, with its help and in its completion.
func TestEveryCommandIsThere(t *testing.T) {
	t.Parallel()
	w := &world{sandboxtest.Start(t, sandbox.Options{}), t, install(t)}
	text, err := os.ReadFile(filepath.Join(packertest.Root(), "plugins", "openstackclient", "imgctl_openstack", "commands.json"))
	if err != nil {
		t.Fatal(err)
	}
	var commands []struct{ Path []string }
	if err := json.Unmarshal(text, &commands); err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := w.run("command", "list", "--group", "openstack.extension", "-f", "json")
	var groups []struct{ Commands []string }
	if err := json.Unmarshal([]byte(stdout), &groups); err != nil || status != 0 || len(groups) != 1 {
		t.Fatalf("%d, %v: %s%s", status, err, stdout, stderr)
	}
	for _, c := range commands {
		// The client writes the words of an entry point with spaces for all that separates.
		name := "image " + strings.ReplaceAll(strings.Join(c.Path, " "), "-", " ")
		if !slices.Contains(groups[0].Commands, name) {
			t.Errorf("%q isn't among %q", name, groups[0].Commands)
		}
	}
	if len(commands) == 0 {
		t.Error("there are no commands")
	}
	status, stdout, stderr = w.run("complete")
	if status != 0 || !strings.Contains(stdout, "image_promote_run=") || !strings.Contains(stdout, "--archive-name") {
		t.Errorf("status %d: %s", status, stderr)
	}
}
