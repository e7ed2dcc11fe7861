// Package host is imgctl: a program that knows no image business. It finds plugins, makes a
// command line of what they can do, carries a command out in its plugin's process, and shows
// what comes back.
package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/host/command"
	"github.com/imgctl/packer-plugin-openstack/internal/host/console"
	"github.com/imgctl/packer-plugin-openstack/internal/host/discover"
	"github.com/imgctl/packer-plugin-openstack/internal/host/inventory"
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
	inventory *inventory.Registry
	root      *cobra.Command
	global    *command.Global
	version   string
}

// paths are the user's folders; each is "" where there is none.
type paths struct{ config, cache string }

func userPaths() paths {
	of := func(variable, fallback string) string {
		if dir := os.Getenv(variable); filepath.IsAbs(dir) {
			return filepath.Join(dir, "imgctl")
		}
		if home := os.Getenv("HOME"); filepath.IsAbs(home) {
			return filepath.Join(home, fallback, "imgctl")
		}
		return ""
	}
	return paths{config: of("XDG_CONFIG_HOME", ".config"), cache: of("XDG_CACHE_HOME", ".cache")}
}

func (p paths) lock() string     { return below(p.config, "plugins.lock.yaml") }
func (p paths) settings() string { return below(p.config, "config.yaml") }
func (p paths) manifest() string { return below(p.cache, inventory.CacheFile) }
func (p paths) answers() string  { return below(p.cache, "complete") }

func below(folder, name string) string {
	if folder == "" {
		return ""
	}
	return filepath.Join(folder, name)
}

// Main runs imgctl with the arguments behind its name, and gives the exit status.
func Main(args []string) int {
	h := &Host{
		console:  console.New(os.Stdin, os.Stdout, os.Stderr, os.Getenv),
		redactor: &redact.Redactor{},
		signals:  make(chan os.Signal, 8),
		paths:    userPaths(),
		version:  currentVersion(),
	}
	signal.Notify(h.signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGWINCH)
	// A closed pipe is an error of the write then, and doesn't end the program before the command
	// has cleaned up.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	err := h.execute(args)
	if closed := h.console.Close(); err == nil && closed != nil {
		err = closed
	}
	return h.finish(err)
}

func currentVersion() string {
	v := version.Version
	if version.Prerelease != "" {
		v += "-" + version.Prerelease
	}
	return v
}

func (h *Host) execute(args []string) error {
	judge, err := trust.NewJudge(h.paths.lock(), trust.PolicyFile)
	if err != nil {
		return err
	}
	h.judge = judge
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
	h.inventory = inventory.Load(ctx, inventory.Config{
		Folders: discover.Folders(os.Getenv, executable), Judge: judge,
		CacheFile: h.paths.manifest(), Version: h.version, Wanted: args,
	})
	h.root = h.tree()
	h.root.SetArgs(args)
	h.root.SetOut(h.console.Out())
	err = h.root.ExecuteContext(ctx)
	if err != nil && errors.Is(err, context.Canceled) {
		err = fault.Wrap(fault.Cancelled, "", err)
	}
	if err != nil && strings.HasPrefix(err.Error(), "if any flags in the group") {
		err = fault.Wrap(fault.Usage, "", err) // the one of cobra's that has no type
	}
	return err
}

// finish shows what went wrong and says which exit status that is.
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
	h.console.Say(h.console.Style(console.Red, "Error:") + " " + h.redactor.String(err.Error()))
	return fault.ExitCode(err)
}

// tree is the whole command line.
func (h *Host) tree() *cobra.Command {
	root := &cobra.Command{
		Use:               "imgctl",
		Short:             "Keep images flowing through OpenStack clouds",
		Long:              "imgctl keeps images flowing through OpenStack clouds. Each of its commands comes from a plugin.",
		Version:           h.version,
		SilenceUsage:      true,
		SilenceErrors:     true,
		Args:              cobra.ArbitraryArgs,
		RunE:              h.missing,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SuggestionsMinimumDistance = 2
	root.SetVersionTemplate("imgctl {{.Version}}\n")
	h.global = command.AddGlobal(root)
	root.AddCommand(
		command.MarkBuiltin(h.versionCommand()),
		command.MarkBuiltin(h.pluginCommand()),
		command.MarkBuiltin(command.Completion(root)),
		command.MarkBuiltin(command.Complete(root)),
	)
	command.Add(root, h.global, h.inventory, h)
	root.SetHelpCommand(h.helpCommand(root))
	root.SetHelpFunc(func(c *cobra.Command, _ []string) {
		var notes []string
		if c == root {
			notes = h.brokenLines()
		}
		width, _ := h.console.Size()
		_ = command.Help(c.OutOrStdout(), c, width, notes)
	})
	return root
}

// brokenLines are the plugins that can't be used, a line each.
func (h *Host) brokenLines() []string {
	var lines []string
	for _, p := range h.inventory.Broken() {
		lines = append(lines, h.console.Style(console.Grey, "  "+p.Name+" — "+p.Reason()))
	}
	return lines
}

// missing answers a command line that names no command.
func (h *Host) missing(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	if p := h.inventory.Claims(args[0]); p != nil {
		return p.Err
	}
	return command.Unknown(cmd, args[0])
}

func (h *Host) helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND...]",
		Short: "Show the help of a command",
		Args:  cobra.ArbitraryArgs,
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var names []string
			if at, _, err := root.Find(args); err == nil {
				for _, c := range at.Commands() {
					if c.IsAvailableCommand() {
						names = append(names, c.Name()+"\t"+c.Short)
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			at, rest, err := root.Find(args)
			switch {
			case err != nil || at == root && len(rest) > 0:
				return h.missing(root, args)
			case len(rest) > 0:
				return command.Unknown(at, rest[0])
			}
			return at.Help()
		},
	}
}

func (h *Host) versionCommand() *cobra.Command {
	c := &cobra.Command{Use: "version", Short: "Show the version", Args: command.Arguments0}
	output := command.AddOutput(c, showFormats)
	c.RunE = func(cmd *cobra.Command, _ []string) error { return h.showVersion(cmd, output) }
	return c
}
