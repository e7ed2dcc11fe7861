package quattor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Machine is where commands are run.
type Machine interface {
	// Run runs a command line of the POSIX shell and gives its exit status; line gets what it
	// writes. When ctx ends Run ends, though perhaps not the command.
	Run(ctx context.Context, command string, line func(string)) (status int, err error)
}

// quote makes text one word of the shell, whatever is in it.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

func quoteAll(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = quote(w)
	}
	return strings.Join(quoted, " ")
}

// glob quotes a path but for its * and ?.
func glob(path string) string {
	var b strings.Builder
	for path != "" {
		at := strings.IndexAny(path, "*?")
		if at < 0 {
			at = len(path)
		}
		if at > 0 {
			b.WriteString(quote(path[:at]))
		}
		wild := min(at+1, len(path))
		b.WriteString(path[at:wild])
		path = path[wild:]
	}
	return b.String()
}

// root is a script run as root.
func (o Options) root(script string) string {
	if o.Sudo {
		return "sudo -n sh -c " + quote(script)
	}
	return "sh -c " + quote(script)
}

// command is a program run as root.
func (o Options) command(words []string) string {
	if o.Sudo {
		return "sudo -n -- " + quoteAll(words)
	}
	return quoteAll(words)
}

// errStatus is a command that ran and failed.
type errStatus int

func (e errStatus) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// run runs a command to its end, or the context's. What it writes goes to line.
func run(ctx context.Context, m Machine, command string, line func(string)) error {
	status, err := m.Run(ctx, command, line)
	if ctx.Err() != nil {
		if late, ok := errors.AsType[tooLong](context.Cause(ctx)); ok {
			return fault.Wrap(fault.Unavailable, "", late)
		}
		return fault.Wrap(fault.Cancelled, "", context.Cause(ctx))
	}
	if err == nil && status != 0 {
		return errStatus(status)
	}
	return err
}

// within bounds what is done with the context.
func within(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, timeout, tooLong(timeout))
}

// tooLong is the end of such a context.
type tooLong time.Duration

func (t tooLong) Error() string { return fmt.Sprintf("not done within %s", time.Duration(t)) }
