package plugins

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/released"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// first is the commit with the first host and SDK of protocol 1.0.
const first = "17bf9cf2c266f8a54f286f86776a3875d5378f5d"

// firstSource is the source of that commit.
func firstSource(t *testing.T) string {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "git", "-C", root, "cat-file", "-e", first+"^{commit}").CombinedOutput(); err != nil {
		t.Skipf("the history isn't here, with the first SDK in it: git: %v %s", err, out)
	}
	dir := t.TempDir()
	archive := filepath.Join(dir, "source.tar")
	run(t, root, "git", "archive", "-o", archive, first, ":!sandbox", ":!test")
	run(t, dir, "tar", "xf", archive)
	if out, err := exec.CommandContext(t.Context(), "go", "-C", dir, "mod", "download").CombinedOutput(); err != nil {
		t.Skipf("the modules of the first SDK can't be had: %v\n%s", err, out)
	}
	return dir
}

// installation is a host with one plugin that it trusts.
type installation struct {
	imgctl string
	env    []string
}

// installed has a host trust a plugin.
func installed(t *testing.T, s *sandbox.Cloud, imgctl, plugin string) installation {
	t.Helper()
	home := t.TempDir()
	i := installation{imgctl, append(withoutClouds(), "HOME="+home, "XDG_CONFIG_HOME="+filepath.Join(home, ".config"),
		"XDG_DATA_HOME="+filepath.Join(home, ".local"), "XDG_CACHE_HOME="+filepath.Join(home, ".cache"),
		"OS_CLIENT_CONFIG_FILE="+s.CloudsYAML(), "OS_CLOUD="+sandbox.DefaultCloud)}
	if said := i.run(t, "", "plugin", "install", plugin, "--yes"); !strings.HasSuffix(said, "ended with 0") {
		t.Fatalf("installing %s: %s", plugin, said)
	}
	settings := filepath.Join(home, ".config", "imgctl", "config.yaml")
	if err := os.WriteFile(settings, []byte("plugins: {demo: {level: 3}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return i
}

func withoutClouds() (env []string) {
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "OS_") && !strings.HasPrefix(e, "IMGCTL_") {
			env = append(env, e)
		}
	}
	return env
}

// run gives what a command writes to standard output, and how it ended.
func (i installation) run(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, i.imgctl, args...)
	cmd.Env, cmd.Stdin = i.env, strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if ended := (*exec.ExitError)(nil); err != nil && !errors.As(err, &ended) {
		t.Fatalf("%v: %v", args, err)
	}
	t.Logf("%v: %s", args, stderr.String())
	return fmt.Sprintf("%sended with %d", stdout.String(), cmd.ProcessState.ExitCode())
}

// interrupted gives how a command ends after a Ctrl-C, when it has begun to wait.
func (i installation) interrupted(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), i.imgctl, args...)
	cmd.Env = i.env
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	stderr, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	seen := make([]byte, 0, 4096)
	for !bytes.Contains(seen, []byte("waiting")) {
		b := make([]byte, 4096)
		n, err := stderr.Read(b)
		if seen = append(seen, b[:n]...); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, seen)
		}
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // how it ended is looked at
	return fmt.Sprintf("%sended with %d", stdout.String(), cmd.ProcessState.ExitCode())
}

// eras are the first host and SDK, and today's.
type eras struct {
	cloud   *sandbox.Cloud
	sources map[string]string // folders
	hosts   map[string]string // programs
}

// build makes a program of one era.
func (e eras) build(t *testing.T, era, dir, pkg, name string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), era, name)
	run(t, dir, "go", "build", "-trimpath", "-o", to, pkg)
	return to
}

// Plugins and hosts of different ages work together.
func TestFirstProtocol(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("left out by -short: builds the first host and SDK")
	}
	here, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	e := eras{sandboxtest.Start(t), map[string]string{"first": firstSource(t), "today's": here}, map[string]string{}}
	for era, dir := range e.sources {
		e.hosts[era] = e.build(t, era, dir, "./cmd/imgctl", "imgctl")
	}
	t.Run("demo", e.demo)
	t.Run("example", e.example)
	t.Run("python", e.python)
}

// A plugin that was built with the first SDK does under today's host what today's does there, and the other way round.
func (e eras) demo(t *testing.T) {
	plugins := map[string]string{}
	for era, dir := range e.sources {
		plugins[era] = e.build(t, era, dir, "./internal/host/testdata/plugins/demo", "imgctl-demo")
	}
	commands := [][]string{
		{"demo", "rows", "2", "-f", "json"},
		{"demo", "rows", "2", "-f", "csv", "-c", "size", "-c", "n", "--sort-column", "Number", "--sort-descending"},
		{"demo", "rows", "many"},
		{"demo", "show", "-f", "json"},
		{"demo", "delete", "x", "--dry-run"},
		{"demo", "delete", "x", "--yes"},
		{"demo", "change", "--yes", "-f", "json"},
		{"demo", "change"}, // nobody answers
		{"demo", "raw"},
		{"demo", "cloud", "--from", "member-a", "--both", "-f", "json"},
		strings.Fields("demo flags a b --text t --number 4 --span 90m --colour green --names x --names y --property k=v --size 2MiB " +
			"--force -f json"),
		{"demo", "flags", "a", "--colour", "blue", "--force"},
		{"demo", "flags"},
		{"demo", "nothing"},
		{"demo", "fail", "exit"},
		{"demo", "fail", "panic"},
	}
	for _, kind := range []string{
		"internal", "not-found", "ambiguous", "forbidden", "quota", "conflict", "usage", "partial", "drift", "unavailable", "cancelled",
	} {
		commands = append(commands, []string{"demo", "fail", kind})
	}
	outcomes := func(host, plugin string) string {
		i := installed(t, e.cloud, e.hosts[host], plugins[plugin])
		var all strings.Builder
		for _, args := range commands {
			fmt.Fprintf(&all, "$ imgctl %s\n%s\n", strings.Join(args, " "), i.run(t, "given", args...))
		}
		fmt.Fprintf(&all, "interrupted: %s\n", i.interrupted(t, "demo", "wait"))
		return all.String()
	}
	want := outcomes("today's", "today's")
	for _, pair := range [][2]string{{"today's", "first"}, {"first", "today's"}} {
		if diff := cmp.Diff(want, outcomes(pair[0], pair[1])); diff != "" {
			t.Errorf("the %s host with the %s plugin: %s", pair[0], pair[1], diff)
		}
	}
}

// The example of the first SDK keeps today's rules for plugins, and today's keeps the first ones.
func (e eras) example(t *testing.T) {
	for host, era := range map[string]string{"first": "today's", "today's": "first"} {
		dir := filepath.Join(t.TempDir(), "age")
		if err := os.CopyFS(dir, os.DirFS(filepath.Join(e.sources[era], "example/plugin-go"))); err != nil {
			t.Fatal(err)
		}
		run(t, dir, "go", "mod", "edit", "-replace=github.com/imgctl/packer-plugin-openstack="+e.sources[era])
		plugin := e.build(t, era, dir, ".", "imgctl-age")
		i := installed(t, e.cloud, e.hosts[host], plugin)
		for _, args := range [][]string{{"plugin", "check", plugin}, {"image", "age", "-f", "json"}} {
			if said := i.run(t, "", args...); !strings.HasSuffix(said, "ended with 0") {
				t.Errorf("the %s host with the %s plugin: imgctl %v: %s", host, era, args, said)
			}
		}
	}
}

// Plugins in Python ship the SDK's file and the protocol of their time.
func (e eras) python(t *testing.T) {
	needPython(t)
	dir := filepath.Join(e.sources["first"], "example/plugin-python")
	protocol, err := os.ReadFile(filepath.Join(e.sources["first"], "plugins/sdk/proto/released/v1.0.json"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(protocol, released.V1) {
		t.Error("the first protocol's file is today's: this shows nothing")
	}
	if err := os.WriteFile(filepath.Join(dir, "imgctl-plugin-v1.json"), protocol, 0o600); err != nil {
		t.Fatal(err)
	}
	plugin := filepath.Join(t.TempDir(), "imgctl-formats")
	run(t, dir, "/usr/bin/python3", "-m", "zipapp", dir, "-p", "/usr/bin/python3", "-o", plugin)
	i := installed(t, e.cloud, e.hosts["today's"], plugin)
	for _, args := range [][]string{{"plugin", "check", plugin}, {"formats", "-f", "json"}} {
		if said := i.run(t, "", args...); !strings.HasSuffix(said, "ended with 0") {
			t.Errorf("imgctl %v: %s", args, said)
		}
	}
}
