package launch

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"syscall"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/host/printable"
)

// whole is advice for a plugin that says nothing useful.
const whole = "make sure that the file is a plugin; imgctl plugin check shows how far it comes"

// explain says why the plugin could not be started.
func (p *Process) explain(err error) error {
	said, advice := p.said()
	message := err.Error()
	switch {
	case errors.Is(err, errSwapped):
		return fault.New(fault.Forbidden, "try again", "plugin %q: %w", p.name, errSwapped)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fault.New(fault.Cancelled, "", "starting plugin %q: %w", p.name, err)
	case is[*fault.Error](err):
		return fmt.Errorf("starting plugin %q: %w", p.name, err)
	case strings.HasPrefix(message, "Unrecognized remote plugin message"), strings.HasPrefix(message, "plugin exited before"):
		return fault.New(fault.Internal, advice, "plugin %q ended before it was ready (%s)%s", p.name, p.runner.status(), said)
	case strings.HasPrefix(message, "timeout while waiting"):
		return fault.New(fault.Internal, advice, "plugin %q was not ready after %s%s", p.name, StartTimeout, said)
	case strings.HasPrefix(message, "incompatible API version"), strings.HasPrefix(message, "incompatible core API version"):
		return fault.New(fault.Internal, "get a release of the plugin for this imgctl", "plugin %q speaks another version of the protocol",
			p.name)
	}
	first, _, _ := strings.Cut(message, "\n")
	return fault.New(fault.Internal, "", "starting plugin %q: %s%s", p.name, first, said)
}

// said is what the plugin wrote before it was ready, for a message, with advice if that explains nothing.
func (p *Process) said() (text, advice string) {
	p.mu.Lock()
	printed := p.printed
	p.mu.Unlock()
	last := p.Tail()
	switch {
	case len(last) > 1:
		return "; it said: " + last[len(last)-1] + " (imgctl plugin check shows all of it)", ""
	case len(last) == 1:
		return "; it said: " + last[0], ""
	case printed != "":
		return "; it printed " + printable.Quoted(printed, 80) + " and not where it listens", whole
	}
	return "", whole
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// unable says why the kernel refuses to run the file.
func unable(spec Spec, err error) error {
	f := spec.File
	switch {
	case errors.Is(err, syscall.ENOEXEC):
		return fault.New(fault.Internal, "get the plugin for this system; a script begins with #! and the path of its interpreter",
			"the file is no program for %s/%s, and no script", runtime.GOOS, runtime.GOARCH)
	case !errors.Is(err, syscall.ENOENT):
		return fmt.Errorf("executing %s: %w", spec.Path, err)
	case !IsScript(f):
		return fault.New(fault.Internal, "get the plugin for this distribution, or one that is linked statically",
			"the file needs a dynamic loader that this system doesn't have")
	}
	line, _ := bufio.NewReader(io.NewSectionReader(f, 2, 256)).ReadString('\n')
	interpreter := strings.TrimSuffix(line, "\n")
	if strings.HasSuffix(interpreter, "\r") {
		return fault.New(fault.Internal, "save it with line ends of Unix", "the first line of the script ends with a carriage return")
	}
	if words := strings.Fields(interpreter); len(words) > 0 {
		interpreter = words[0]
	}
	return fault.New(fault.Internal, "install the interpreter, or name it with its path in the script's first line",
		"there is no %s, the script's interpreter", printable.Quoted(interpreter, 80))
}
