package boottest

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/nova"
)

// Failure says that the image is at fault, not the cloud or the network on the way to it.
type Failure struct {
	Err     error
	Console string // the end of the server's console log, "" if there is none
}

// Error is the reason, and the end of the console log.
func (f *Failure) Error() string {
	if f.Console == "" {
		return f.Err.Error()
	}
	return f.Err.Error() + "\nthe end of the server's console:\n" + f.Console
}

// Unwrap gives the reason.
func (f *Failure) Unwrap() error { return f.Err }

// Reason is why the image failed, on one line.
func (f *Failure) Reason() string { return short(f.Err.Error()) }

// noRoom are Nova's explanations that say nothing about the image.
var noRoom = regexp.MustCompile(`(?i)no valid host|exhausted all hosts|quota|failed to allocate the network|no fixed ip`)

// blame makes a Failure of a server that Nova couldn't boot, unless Nova's explanation is about something else than
// the image.
func (t *trial) blame(ctx context.Context, err error) error {
	if err == nil || !fault.Is(err, fault.Conflict) || noRoom.MatchString(err.Error()) {
		return err
	}
	return t.failed(ctx, err)
}

// failed adds the end of the console log to why the image failed.
func (t *trial) failed(ctx context.Context, err error) error {
	return &Failure{Err: err, Console: t.console(ctx)}
}

const (
	consoleLines = 30 // of the console's end help to see what went wrong
	consoleTime  = 20 * time.Second
)

func (t *trial) console(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), consoleTime)
	defer cancel()
	out, err := nova.Console(ctx, t.site.Compute, t.server, consoleLines)
	if err != nil {
		return ""
	}
	return out
}

// dead are lines of a console after which nothing comes.
var dead = regexp.MustCompile(`Kernel panic - not syncing|No bootable device|grub rescue>|You are in emergency mode|` +
	`dracut: Refusing to continue|Unable to find a medium containing a live file system`)

// deadLine is the first such line of a console log.
func deadLine(log string) error {
	at := dead.FindStringIndex(log)
	if at == nil {
		return nil
	}
	line := log[strings.LastIndexByte(log[:at[0]], '\n')+1:]
	line, _, _ = strings.Cut(line, "\n")
	return errors.New("the console says: " + strings.TrimSpace(line))
}
