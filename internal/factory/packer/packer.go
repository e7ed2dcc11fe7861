// Package packer runs packer builds: with values as variables, in a process group of their own, and with nothing in
// the environment that wasn't meant for them.
package packer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Build is one run of packer.
type Build struct {
	Program   string            // path, or a name to look up in the environment's PATH
	Template  string            // path of a template
	VarFiles  []string          // given to packer as they are
	Variables map[string]any    // strings, and maps of strings; what the template doesn't declare is ignored
	Env       map[string]string // all of the environment; see Environment
	Secrets   []string          // crossed out in the log
	Log       io.Writer
	// Cleanup is how long packer may take to clean up after it was interrupted.
	Cleanup time.Duration
}

// Artifact is what a build has made.
type Artifact struct {
	Build   string // such as openstack.web
	Builder string // the builder's id, such as mitchellh.openstack
	ID      string
}

// inherited are the variables of the caller that every build gets: what programs need to find files and networks.
var inherited = []string{
	"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TZ", "LANG", "LANGUAGE", "SSL_CERT_FILE", "SSL_CERT_DIR",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME",
	"PACKER_PLUGIN_PATH", "PACKER_CACHE_DIR", "PACKER_CONFIG", "PACKER_CONFIG_DIR", "PACKER_TMP_DIR",
}

// Environment is what a build inherits of an environment: a fixed list of variables, and those named.
func Environment(from map[string]string, more ...string) map[string]string {
	env := map[string]string{"CHECKPOINT_DISABLE": "1", "PACKER_NO_COLOR": "1"}
	for key, value := range from {
		if slices.Contains(inherited, key) || slices.Contains(more, key) || strings.HasPrefix(key, "LC_") {
			env[key] = value
		}
	}
	return env
}

// Run builds. If ctx ends, packer is interrupted, so that it removes what it has made in the cloud; the error is then
// ctx's cause. A failed build is an error with packer's last words.
func (b Build) Run(ctx context.Context) ([]Artifact, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	program, err := b.Find()
	if err != nil {
		return nil, err
	}
	args := []string{"build", "-machine-readable", "-color=false"}
	for _, file := range b.VarFiles {
		args = append(args, "-var-file="+file)
	}
	cmd := exec.CommandContext(ctx, program, append(args, b.Template)...)
	cmd.Dir = filepath.Dir(b.Template)
	if cmd.Env, err = b.env(); err != nil {
		return nil, err
	}
	cmd.WaitDelay = b.Cleanup
	said := newTranscript(b.Log, b.Secrets)
	cmd.Stdout, cmd.Stderr = said, said.errors()
	err = run(cmd)
	said.close()
	switch _, exited := errors.AsType[*exec.ExitError](err); {
	case ctx.Err() != nil && err != nil:
		return nil, context.Cause(ctx)
	case err == nil:
		return said.artifacts, said.failed
	case exited:
		return said.artifacts, fault.New(fault.Internal, "", "Packer failed (%w): %s", err, said.reason())
	default:
		return nil, fmt.Errorf("running Packer: %w", err)
	}
}

// Find is the path of Program, or a fault.Usage if it can't be run.
func (b Build) Find() (string, error) {
	advice := fault.Advise("set %s to the path of Packer", fault.Option("packer"))
	if strings.Contains(b.Program, "/") {
		info, err := os.Stat(b.Program)
		switch {
		case err != nil:
			return "", fault.New(fault.Usage, advice, "no Packer to build with: %w", err)
		case !runs(info):
			return "", fault.New(fault.Usage, advice, "no Packer to build with: %s isn't a program", b.Program)
		}
		return filepath.Abs(b.Program) // a build runs in its template's folder
	}
	for _, folder := range filepath.SplitList(b.Env["PATH"]) {
		path := filepath.Join(folder, b.Program)
		if info, err := os.Stat(path); err == nil && filepath.IsAbs(path) && runs(info) {
			return path, nil
		}
	}
	return "", fault.New(fault.Usage, advice, "no Packer to build with: %q isn't in PATH", b.Program)
}

func runs(info os.FileInfo) bool { return info.Mode().IsRegular() && info.Mode()&0o111 != 0 }

// env is the environment with the variables of the template.
func (b Build) env() ([]string, error) {
	all := maps.Clone(b.Env)
	for name, value := range b.Variables {
		text, err := variable(value)
		if err != nil {
			return nil, fmt.Errorf("variable %s: %w", name, err)
		}
		if strings.ContainsRune(text, 0) {
			return nil, fault.New(fault.Usage, "", "variable %s has a zero byte", name)
		}
		all["PKR_VAR_"+name] = text
	}
	var env []string
	for _, key := range slices.Sorted(maps.Keys(all)) {
		env = append(env, key+"="+all[key])
	}
	return env, nil
}

// variable is a value as packer reads it from the environment: a string is taken as it is, anything else is an
// expression, in which ${ and %{ would be evaluated.
func variable(value any) (string, error) {
	if text, ok := value.(string); ok {
		return text, nil
	}
	text, err := json.Marshal(value)
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(string(text)), err
}
