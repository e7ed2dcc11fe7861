package plugins

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/manifest"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/plugintest"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/plugintest/conformance"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// unreadFiles are flags and arguments that can't show a missing file in this test, each with the reason.
var unreadFiles = map[string]string{
	"--ca-file":              "it is read when the first registry is asked",
	"--scratch":              "it is a folder that is made",
	"--socket":               "it is asked after the registries",
	"--layout":               "it is a folder that is made",
	"cloud watch --history":  "it is made",
	"factory serve":          "it waits for the queue first; factory run has the same flags",
	"prepare lint FILE":      "it is a row of what is wrong",
	"retention protect":      "they are read together with --in-use",
	"sandbox run --faults":   "the exit code is the sandbox's own",
	"sandbox serve --faults": "the exit code is the sandbox's own",
}

// told are the values of flags and arguments that aren't files, or folders.
var told = map[string]string{"build-cloud": "x", "DIR": "folder", "packer": "/bin/true", "FOLDER": "folder", "IMAGE": "quay.io/t/x:1"}

// readable are texts of files that commands read before the one that is missing, by command and by flag or argument.
var readable = map[string]string{
	"config":           "[cdb2rabbit]\nPROFILE_DIR_URL = folder\n[rabbit2packer]\nLOG_DIR = logs\n[imgctl]\nQUEUE_FILE = queue.db\n",
	"retention policy": "version: 1\nname: p\nselect: {names: [x]}\nstages: {12mo: hide}\n",
	"cloud FROM":       "labels:\n  - name: x\n",
	"build-clouds":     "clouds: {x: {auth: {auth_url: 'http://127.0.0.1:9', username: x, password: x, project_name: x}}}",
	"LOCK":             "version: 1\nimages: {}\n",
}

// A file that the command line names and that isn't there is an error of kind NOT_FOUND, whichever command reads it.
func missingFiles(t *testing.T, plugin string) {
	t.Helper()
	m, err := plugintest.Start(t, plugin).Client.Describe(t.Context(), &pluginv1.DescribeRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range m.GetCommands() {
		var options []string
		for _, f := range c.GetFlags() {
			if readsFile(f.GetType(), f.GetCompletion(), f.GetWrites()) {
				options = append(options, "--"+f.GetName())
			}
		}
		for _, a := range c.GetArgs() {
			if readsFile(pluginv1.FlagType_FLAG_TYPE_UNSPECIFIED, a.GetCompletion(), a.GetWrites()) {
				options = append(options, a.GetName())
			}
		}
		for _, option := range options {
			command := strings.Join(c.GetPath(), " ")
			name := command + " " + option
			if unreadFiles[command] != "" || unreadFiles[option] != "" || unreadFiles[name] != "" {
				continue
			}
			t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
				t.Parallel()
				missingFile(t, plugin, c, option)
			})
		}
	}
}

func readsFile(flag pluginv1.FlagType, completion pluginv1.Completion, writes bool) bool {
	return !writes && (flag == pluginv1.FlagType_FLAG_TYPE_FILE || completion == pluginv1.Completion_COMPLETION_FILE)
}

// together reports whether a command wants a flag, although it isn't required, where the option is given.
func together(flag, option string) bool {
	return flag == "config" || flag == "build-clouds" || flag == "policy" && option != "PLAN" ||
		strings.HasPrefix(flag, "tls-") && strings.HasPrefix(option, "--tls-")
}

const profile = `{"system": {"personality": {"name": "web"}, "os": {"distribution": {"name": "sl"}, "version": {"name": "7x"},
	"architecture": "x86_64"}}}`

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func missingFile(t *testing.T, plugin string, c *pluginv1.Command, option string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "folder", "v2"), 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "folder", "web.json"), profile)
	missing := filepath.Join(dir, "missing.yaml")
	value := func(name string, file bool) string {
		switch {
		case name == option:
			return missing
		case !file:
			return told[strings.TrimLeft(name, "-")]
		}
		name = strings.TrimLeft(name, "-")
		path := filepath.Join(dir, name)
		text, ok := readable[c.GetPath()[0]+" "+name]
		if !ok {
			text = readable[name]
		}
		writeFile(t, path, text)
		return path
	}
	start := &pluginv1.Start{Path: c.GetPath(), WorkDir: dir}
	if !strings.HasPrefix(option, "--tls-") { // a page's certificate isn't read by a dry run
		start.DryRun = c.GetDanger() >= pluginv1.Danger_DANGER_CHANGES
	}
	start.Environment = map[string]string{"PATH": os.Getenv("PATH")}
	for _, a := range c.GetArgs() {
		if a.GetMin() > 0 || a.GetName() == option {
			text := value(a.GetName(), a.GetCompletion() == pluginv1.Completion_COMPLETION_FILE)
			if len(a.GetValues()) > 0 {
				text = a.GetValues()[0]
			}
			start.Args = append(start.Args, text)
		}
	}
	for _, f := range c.GetFlags() {
		file := readsFile(f.GetType(), f.GetCompletion(), false)
		_, known := told[f.GetName()]
		v, err := manifest.Default(f)
		if f.GetRequired() || "--"+f.GetName() == option || known || together(f.GetName(), option) {
			text := value("--"+f.GetName(), file)
			if len(f.GetValues()) > 0 {
				text = f.GetValues()[0]
			}
			v, err = manifest.Parse(f, []string{text})
		}
		if err != nil {
			t.Fatalf("--%s: %v", f.GetName(), err)
		}
		start.Flags = append(start.Flags, v)
	}
	process := plugintest.Start(t, plugin)
	cloud := conformance.NewCloud()
	defer cloud.Close()
	command, err := process.Run(t.Context(), start, conformance.Host{Cloud: cloud.Access})
	if err != nil {
		t.Fatal(err)
	}
	stop := time.AfterFunc(time.Minute, func() { _ = command.Interrupt(time.Second) })
	defer stop.Stop()
	r := command.Wait()
	problem := r.Done().GetProblem()
	if r.Kind() != pluginv1.ProblemKind_PROBLEM_KIND_NOT_FOUND || !strings.Contains(problem.GetMessage(), missing) {
		t.Errorf("it ends with %s: %s", r.Kind(), problem.GetMessage())
	}
	if n := cloud.Requests(); n > 0 {
		t.Errorf("the cloud got %d requests before that", n)
	}
}
