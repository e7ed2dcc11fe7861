// Package program is the sandbox as a program: serve runs a sandbox until stopped, run runs a command with one.
// Its executable is also the servers' init.
package program

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/host"
)

// Init doesn't return if this process is a server's init. A main function calls it first.
func Init(args []string) { host.Main(args) }

// Main runs the program under a name, such as "imgctl-sandbox", and returns its exit code. A main function
// calls Init first.
func Main(name string, args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p := program{name: name}
	root := p.rootCmd()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var status exitStatus
	switch {
	case errors.As(err, &status):
		return int(status)
	case err != nil:
		fmt.Fprintln(os.Stderr, "Error:", err)
		return 1
	}
	return 0
}

// program is what the user calls.
type program struct{ name string }

// exitStatus is the status of the command that run ran.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

func (p program) rootCmd() *cobra.Command {
	root := &cobra.Command{
		Use:   p.name,
		Short: "An OpenStack on your machine, for trials and tests",
		Long: p.name + " serves Keystone, Glance, Nova, Neutron, Cinder and Ironic from one process, on loopback.\nServers boot from " +
			"images, accept SSH, and can be saved as images.",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(p.serveCmd(), p.runCmd())
	return root
}
