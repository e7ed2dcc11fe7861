package program

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

func (p program) serveCmd() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the sandbox until Ctrl-C",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.serve(cmd.Context(), cmd.OutOrStdout(), o)
		},
	}
	o.register(cmd.Flags())
	return cmd
}

func (p program) serve(ctx context.Context, out io.Writer, o options) error {
	if o.needsPrivilege(ctx) {
		return fmt.Errorf("binding port %d for the servers' SSH: not permitted; use --ssh-port 2222, or `%s run -- $SHELL`, or allow "+
			"it with: sysctl -w net.ipv4.ip_unprivileged_port_start=%d", o.sshPort, p.name, o.sshPort)
	}
	c, err := o.start(ctx)
	if err != nil {
		return err
	}
	explain(out, c)
	<-ctx.Done()
	return c.Close()
}

// explain prints how to use a sandbox.
func explain(out io.Writer, c *sandbox.Cloud) {
	fmt.Fprintf(out, "The sandbox serves at %s; its state is in %s. In another shell:\n\n", c.URL(), c.Dir())
	for _, v := range c.Env(sandbox.DefaultCloud) {
		fmt.Fprintf(out, "  export %s\n", v)
	}
	fmt.Fprintf(out, "\nClouds: %s. Stop it with Ctrl-C.\n", strings.Join(c.Clouds(), ", "))
}
