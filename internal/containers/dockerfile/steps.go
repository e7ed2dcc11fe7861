package dockerfile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/shell"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Copy is one COPY or ADD of files.
type Copy struct {
	Line    int
	Sources []string
	Dest    string // as written, below the working folder if it isn't absolute
	Owner   string // USER[:GROUP], names or numbers; "" is root
	Mode    int64  // -1 is the file's own
	Add     bool   // an archive would be unpacked
}

// Apply carries out the last stage on a configuration, and gives the copies that belong to it, in
// their order. NeedsRun has to be "".
func (f *File) Apply(config *v1.Config) ([]Copy, error) {
	f, err := Parse(f.text) // expanding changes what was parsed, and another image may have other variables
	if err != nil {
		return nil, err
	}
	a := &applying{lex: shell.NewLex(f.escape), config: config, args: map[string]string{}}
	for _, arg := range f.args {
		a.declare(arg.Args)
	}
	a.args = map[string]string{} // those before FROM are known to FROM only
	for _, c := range f.last().Commands {
		if err := a.apply(c); err != nil {
			return nil, fault.New(fault.Usage, "", "Dockerfile: line %d: %v", line(c.Location()), err)
		}
	}
	return a.copies, nil
}

// applying is a stage under way.
type applying struct {
	lex    *shell.Lex
	config *v1.Config
	args   map[string]string
	cmdSet bool
	copies []Copy
}

// expand replaces variables: the environment's count over arguments.
func (a *applying) expand(word string) (string, error) {
	var env []string
	for _, key := range sortedKeys(a.args) {
		env = append(env, key+"="+a.args[key])
	}
	text, _, err := a.lex.ProcessWord(word, shell.EnvsFromSlice(append(env, a.config.Env...)))
	return text, err
}

func (a *applying) declare(args []instructions.KeyValuePairOptional) {
	for _, arg := range args {
		if arg.Value != nil {
			a.args[arg.Key] = *arg.Value
		}
	}
}

func (a *applying) apply(c instructions.Command) error {
	if e, ok := c.(instructions.SupportsSingleWordExpansion); ok {
		if err := e.Expand(a.expand); err != nil {
			return err
		}
	}
	switch c := c.(type) {
	case *instructions.EnvCommand:
		for _, kv := range c.Env {
			a.setenv(kv.Key, kv.Value)
		}
	case *instructions.LabelCommand:
		for _, kv := range c.Labels {
			if a.config.Labels == nil {
				a.config.Labels = map[string]string{}
			}
			a.config.Labels[kv.Key] = kv.Value
		}
	case *instructions.CmdCommand:
		a.config.Cmd, a.cmdSet = a.command(c.ShellDependantCmdLine), true
	case *instructions.EntrypointCommand:
		a.config.Entrypoint = a.command(c.ShellDependantCmdLine)
		if !a.cmdSet {
			a.config.Cmd = nil // the base's was for the base's entry point
		}
	case *instructions.ArgCommand:
		a.declare(c.Args)
	case *instructions.CopyCommand:
		return a.copy(line(c.Location()), c.SourcesAndDest, c.Chown, c.Chmod, false)
	case *instructions.AddCommand:
		return a.copy(line(c.Location()), c.SourcesAndDest, c.Chown, c.Chmod, true)
	default:
		return a.set(c)
	}
	return nil
}

// set carries out what sets one field.
func (a *applying) set(c instructions.Command) error {
	switch c := c.(type) {
	case *instructions.UserCommand:
		a.config.User = c.User
	case *instructions.WorkdirCommand:
		a.config.WorkingDir = below(a.config.WorkingDir, c.Path)
	case *instructions.StopSignalCommand:
		a.config.StopSignal = c.Signal
	case *instructions.VolumeCommand:
		for _, v := range c.Volumes {
			a.config.Volumes = with(a.config.Volumes, v)
		}
	case *instructions.ExposeCommand:
		for _, word := range c.Ports {
			port, err := a.expand(word)
			if err != nil {
				return err
			}
			if !strings.Contains(port, "/") {
				port += "/tcp"
			}
			a.config.ExposedPorts = with(a.config.ExposedPorts, port)
		}
	case *instructions.MaintainerCommand:
		return nil // nothing of a configuration's own
	default:
		return fmt.Errorf("%s can't be carried out without running something", strings.ToUpper(c.Name()))
	}
	return nil
}

func with(set map[string]struct{}, key string) map[string]struct{} {
	if set == nil {
		set = map[string]struct{}{}
	}
	set[key] = struct{}{}
	return set
}

func (a *applying) setenv(key, value string) {
	i := slices.IndexFunc(a.config.Env, func(e string) bool { return strings.HasPrefix(e, key+"=") })
	if i < 0 {
		a.config.Env = append(slices.Clip(a.config.Env), key+"="+value)
		return
	}
	a.config.Env = slices.Clone(a.config.Env)
	a.config.Env[i] = key + "=" + value
}

// command is a command line; one that is written for a shell is given to it.
func (a *applying) command(c instructions.ShellDependantCmdLine) []string {
	if !c.PrependShell {
		return c.CmdLine
	}
	sh := a.config.Shell
	if len(sh) == 0 {
		sh = []string{"/bin/sh", "-c"}
	}
	return slices.Concat(sh, c.CmdLine)
}

func (a *applying) copy(at int, s instructions.SourcesAndDest, owner, mode string, add bool) error {
	c := Copy{Line: at, Sources: s.SourcePaths, Dest: below(a.config.WorkingDir, s.DestPath), Owner: owner, Mode: -1, Add: add}
	if mode != "" {
		m, err := strconv.ParseUint(mode, 8, 12)
		if err != nil {
			return fmt.Errorf("%q is no mode", mode)
		}
		c.Mode = int64(m)
	}
	if len(c.Sources) > 1 && !strings.HasSuffix(c.Dest, "/") {
		return fmt.Errorf("several files are copied to %s, which has to end in / then", s.DestPath)
	}
	a.copies = append(a.copies, c)
	return nil
}

// below is the path, below the folder unless it is absolute. A slash at its end stays.
func below(folder, path string) string {
	switch {
	case strings.HasPrefix(path, "/"):
		return path
	case path == ".":
		path = "./"
	}
	return "/" + strings.Trim(folder, "/") + "/" + path
}
