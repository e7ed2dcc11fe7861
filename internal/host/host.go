// Package host is imgctl, which itself knows nothing about images. It finds plugins, builds the command
// line from their manifests, runs a command in its plugin's process, and shows the results.
package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/host/clouds"
	"github.com/imgctl/packer-plugin-openstack/internal/host/command"
	"github.com/imgctl/packer-plugin-openstack/internal/host/console"
	"github.com/imgctl/packer-plugin-openstack/internal/host/discover"
	"github.com/imgctl/packer-plugin-openstack/internal/host/inventory"
	"github.com/imgctl/packer-plugin-openstack/internal/host/launch"
	"github.com/imgctl/packer-plugin-openstack/internal/host/redact"
	"github.com/imgctl/packer-plugin-openstack/internal/host/session"
	"github.com/imgctl/packer-plugin-openstack/internal/host/trust"
	"github.com/imgctl/packer-plugin-openstack/version"
)

// Host is one run of imgctl.
type Host struct {
	console   *console.Console
	redactor  *redact.Redactor
	signals   chan os.Signal
	paths     paths
	judge     *trust.Judge
	inventory *inventory.Inventory
	root      *cobra.Command
	global    *command.Global
	version   string
	expire    context.CancelCauseFunc // ends one of imgctl's own commands

	running atomic.Bool                    // a plugin's command, which hears signals itself
	process atomic.Pointer[launch.Process] // its plugin's
}

// Main runs imgctl with the arguments after its name, and returns the exit code.
func Main(args []string) int {
	h := &Host{
		console:  console.New(os.Stdin, os.Stdout, os.Stderr, os.Getenv),
		redactor: &redact.Redactor{},
		signals:  make(chan os.Signal, 8),
		paths:    userPaths(),
		version:  version.String(),
	}
	h.console.Redact = h.redactor.String
	h.hear()
	// A closed pipe is an error of the write then, and doesn't end the program before the command
	// has cleaned up.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	err := h.execute(args)
	if errors.Is(err, session.ErrAbandoned) {
		return h.leave(err)
	}
	if closed := h.console.Close(); err == nil && closed != nil {
		err = closed
	}
	return h.finish(err)
}

func (h *Host) execute(args []string) error {
	h.judge = trust.NewJudge(h.paths.lock(), trust.PolicyFile)
	if !completes(args) {
		h.warnOfTrust()
	}
	executable, err := os.Executable()
	if err == nil {
		executable, err = filepath.EvalSymlinks(executable)
	}
	if err != nil {
		return fmt.Errorf("finding where imgctl is: %w", err)
	}
	// A plugin's command has a way of its own to stop; imgctl's own commands just end.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	ctx, h.expire = context.WithCancelCause(ctx)
	defer h.expire(nil)
	h.inventory = inventory.Load(ctx, inventory.Config{
		Folders: discover.Folders(os.Getenv, executable), Judge: h.judge,
		CacheFile: h.paths.manifest(), KeyFile: h.paths.key(), Version: h.version, Wanted: args,
	})
	h.root = h.tree()
	if completes(args) {
		return h.complete(ctx, args)
	}
	if err := h.cause(args); err != nil {
		return err
	}
	h.root.SetArgs(args)
	h.root.SetOut(h.console.Out())
	h.root.SetErr(h.console.Err())
	err = h.root.ExecuteContext(ctx)
	if err != nil && errors.Is(context.Cause(ctx), errLate) {
		return fault.New(fault.Unavailable, "give it more with --timeout", "timed out after %s", h.global.Timeout)
	}
	if err != nil && errors.Is(err, context.Canceled) {
		err = fault.Wrap(fault.Cancelled, "", err)
	}
	if err != nil && strings.HasPrefix(err.Error(), "if any flags in the group") {
		err = fault.Wrap(fault.Usage, "", err) // the one of cobra's that has no type
	}
	return err
}

// errLate is why one of imgctl's own commands was stopped.
var errLate = errors.New("timed out")

// limit has one of imgctl's own commands stopped after --timeout. A plugin's is interrupted by its session.
func (h *Host) limit(cmd *cobra.Command, _ []string) error {
	first := cmd
	for first.HasParent() && first.Parent().HasParent() {
		first = first.Parent()
	}
	if h.global.Timeout > 0 && command.Builtin(first) {
		time.AfterFunc(h.global.Timeout, func() { h.expire(errLate) })
	}
	return nil
}

// warnOfTrust says which plugins don't run because the file that says which of them may can't be read.
func (h *Host) warnOfTrust() {
	lock, policy := h.judge.Unreadable()
	if lock != nil {
		h.console.Say("Warning: only the plugins that came with imgctl run: " + lock.Error())
	}
	if policy != nil {
		h.console.Say("Warning: only the plugins that root has installed with imgctl run: " + policy.Error())
	}
}

// finish shows the error and returns its exit code.
func (h *Host) finish(err error) int {
	var status session.Status
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	case errors.Is(err, syscall.EPIPE):
		return int(session.ClosedPipe)
	}
	h.console.Say(h.console.Style(console.Red, "Error:") + " " + fault.Spelled(err, clouds.Words).Error())
	return fault.ExitCode(err)
}
