// Command imgctl-sandbox is an embedded OpenStack: serve runs it until stopped, run gives one to a command.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/imgctl/packer-plugin-openstack/internal/sandbox/guest"
)

func main() {
	guest.Main(os.Args) // does not return when this process is a server's init

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := rootCmd().ExecuteContext(ctx)
	stop()
	var status exitStatus
	switch {
	case errors.As(err, &status):
		os.Exit(int(status))
	case err != nil:
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// exitStatus is the status of the command that run ran.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

func rootCmd() *cobra.Command {
	root := &cobra.Command{
		Use:           "imgctl-sandbox",
		Short:         "An OpenStack on your machine, for trials and tests",
		Long:          "imgctl-sandbox serves Keystone, Glance, Nova, Neutron and Cinder from one process, on loopback.\nServers are real places: they boot from an image, take SSH, and can be saved as images.",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(serveCmd(), runCmd())
	return root
}
