package plugincommand

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/host/command"
	"github.com/imgctl/packer-plugin-openstack/internal/host/console"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/plugintest/conformance"
)

func (m *Manager) check() *cobra.Command {
	c := &cobra.Command{
		Use:   "check FILE",
		Short: "Test a plugin against the rules of the protocol",
		Long: "check starts the plugin at FILE, or the one of that name, repeatedly and tests whether it follows the rules that " +
			"imgctl relies on. " +
			"It needs no cloud: the check provides one. The plugin may be written in any language and need not be trusted or installed.",
		Args: command.Arguments1("FILE", "name the plugin's executable"),
	}
	format := command.Choice(c, "format", "f", "output format", "tap", "json")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		path := args[0]
		if p := m.Inventory.Find(path); p != nil && filepath.Base(path) == path {
			path = p.Path
		}
		if _, err := os.Stat(path); err != nil {
			return fault.New(fault.NotFound, "", "checking %s: %w", path, err)
		}
		path, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		results, err := conformance.Check(cmd.Context(), path, conformance.Options{Seen: m.seen()})
		if err = errors.Join(err, cmd.Context().Err()); err != nil {
			return err
		}
		write := conformance.WriteTAP
		if *format == "json" {
			write = conformance.WriteJSON
		}
		if err := write(m.Console.Out(), results); err != nil {
			return err
		}
		if broken := count(results, conformance.Broken); broken > 0 || !conformance.Conforms(results) {
			return fmt.Errorf("%s breaks %d of %d rules", path, broken, len(results))
		}
		return nil
	}
	return c
}

// seen shows the last result on a terminal.
func (m *Manager) seen() func(conformance.Result) {
	judged := int64(0)
	return func(r conformance.Result) {
		if judged++; m.Console.ErrTTY {
			m.Console.Progress(console.Progress{ID: "check", Label: "rules", Done: judged, Detail: r.String()})
		}
	}
}

func count(results []conformance.Result, status conformance.Status) int {
	n := 0
	for _, r := range results {
		if r.Status == status {
			n++
		}
	}
	return n
}
