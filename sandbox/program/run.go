package program

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

func (p program) runCmd() *cobra.Command {
	var o options
	var cloud string
	cmd := &cobra.Command{
		Use:   "run [flags] -- COMMAND [ARGUMENT...]",
		Short: "Run a command with a sandbox of its own",
		Long: `run starts a sandbox, runs the command with OS_CLIENT_CONFIG_FILE and OS_CLOUD set, stops the sandbox and
ends with the command's exit status. Other OS_ variables are taken out of the command's environment.

The servers' SSH listens on port 22 of addresses in 127.77.0.0/16. Where that port is not permitted, run moves into
a user and network namespace of its own; the command then reaches loopback and nothing else.`,
		Example: strings.ReplaceAll("  PROGRAM run -- packer build .\n  PROGRAM run --transition 500ms --faults faults.yaml -- make test",
			"PROGRAM", p.name),
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(sandbox.DefaultSeed().Clouds(), cloud) {
				return fmt.Errorf("cloud %q is unknown; there are %s", cloud, strings.Join(sandbox.DefaultSeed().Clouds(), ", "))
			}
			if err := loopbackUp(); err != nil {
				return err
			}
			if o.needsPrivilege(cmd.Context()) {
				return p.isolate(o.sshPort)
			}
			return run(cmd.Context(), o, cloud, args)
		},
	}
	cmd.Flags().SetInterspersed(false)
	cmd.Flags().StringVar(&cloud, "cloud", sandbox.DefaultCloud, "entry of the clouds.yaml that OS_CLOUD `NAME`s")
	o.register(cmd.Flags())
	return cmd
}

// run starts a sandbox and runs a command with it.
func run(ctx context.Context, o options, cloud string, args []string) error {
	// A signal ends the command, and that ends run: the sandbox outlives the command, for its clean-up.
	c, err := o.start(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	cmd := exec.Command(args[0], args[1:]...) // #nosec G204 -- running a command is its purpose
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "OS_") })
	cmd.Env = append(cmd.Env, c.Env(cloud)...)
	return errors.Join(runError(supervise(cmd)), c.Close())
}

// runError turns the failure to start a command into the status that a shell has for it.
func runError(err error) error {
	var status exitStatus
	if err == nil || errors.As(err, &status) {
		return err
	}
	fmt.Fprintln(os.Stderr, "Error: running the command:", err)
	if errors.Is(err, fs.ErrPermission) {
		return exitStatus(126)
	}
	return exitStatus(127)
}

// supervise runs a command in a process group of its own, in the foreground of the terminal if there
// is one, and forwards signals: so each reaches it once, whoever sent it. The error of a command
// that ran is its exitStatus.
func supervise(cmd *exec.Cmd) error {
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	ownGroup(cmd.SysProcAttr, os.Stdin)
	dieWithParent(cmd.SysProcAttr)
	runtime.LockOSThread() // the signal at the parent's death is sent when the starting thread ends
	defer runtime.UnlockOSThread()
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			if number, ok := s.(syscall.Signal); ok {
				signalGroup(cmd.Process, number)
			}
		case err := <-done:
			return statusOf(err)
		}
	}
}

// statusOf is the exit code of a command as in a shell: 128 plus the signal's number if a signal ended it.
func statusOf(err error) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	if w, ok := exit.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return exitStatus(128 + int(w.Signal()))
	}
	return exitStatus(exit.ExitCode())
}
