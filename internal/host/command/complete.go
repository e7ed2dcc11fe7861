package command

import (
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imgctl/packer-plugin-openstack/internal/host/shell"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

type completer = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective)

// addCompletion lets the shell complete a command's arguments and flags.
func addCompletion(c *cobra.Command, spec *pluginv1.Command, filled func(args []string) Invocation, runner Runner) {
	c.ValidArgsFunction = func(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
		a := argument(spec, len(args))
		if a == nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return suggest(a.GetCompletion(), a.GetValues(), func(string) []string {
			return slices.DeleteFunc(runner.Complete(filled(args), "", len(args), prefix), isFlag)
		})(cmd, args, prefix)
	}
	for _, f := range spec.GetFlags() {
		completion := f.GetCompletion()
		switch {
		case f.GetType() == pluginv1.FlagType_FLAG_TYPE_BOOL:
			continue
		case f.GetSecret(), completion == pluginv1.Completion_COMPLETION_UNSPECIFIED && f.GetType() == pluginv1.FlagType_FLAG_TYPE_FILE:
			completion = pluginv1.Completion_COMPLETION_FILE
		case f.GetType() == pluginv1.FlagType_FLAG_TYPE_ENUM:
			completion = pluginv1.Completion_COMPLETION_STATIC
		}
		_ = c.RegisterFlagCompletionFunc(f.GetName(), func(cmd *cobra.Command, args []string, typed string) ([]string,
			cobra.ShellCompDirective,
		) {
			done, prefix := "", typed
			if i := strings.LastIndexByte(typed, ','); i >= 0 && f.GetType() == pluginv1.FlagType_FLAG_TYPE_STRING_LIST {
				done, prefix = typed[:i+1], typed[i+1:]
			}
			found, directive := suggest(completion, f.GetValues(), func(string) []string {
				return runner.Complete(filled(args), f.GetName(), 0, prefix)
			})(cmd, args, prefix)
			for i := range found {
				found[i] = done + found[i]
			}
			return found, directive
		})
	}
}

// isFlag reports whether a suggested argument would be parsed as a flag, such as an image named --yes.
func isFlag(value string) bool { return strings.HasPrefix(value, "-") }

// argument is the argument at that place.
func argument(spec *pluginv1.Command, index int) *pluginv1.Arg {
	for _, a := range spec.GetArgs() {
		if a.GetMax() == 0 || index < int(a.GetMax()) {
			return a
		}
		index -= int(a.GetMax())
	}
	return nil
}

func suggest(from pluginv1.Completion, values []string, dynamic func(prefix string) []string) completer {
	return func(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
		switch from {
		case pluginv1.Completion_COMPLETION_FILE:
			return nil, cobra.ShellCompDirectiveDefault
		case pluginv1.Completion_COMPLETION_DIRECTORY:
			return nil, cobra.ShellCompDirectiveFilterDirs
		case pluginv1.Completion_COMPLETION_STATIC:
			return starting(values, prefix), cobra.ShellCompDirectiveNoFileComp
		case pluginv1.Completion_COMPLETION_CLOUD:
			return CompleteClouds(cmd, args, prefix)
		case pluginv1.Completion_COMPLETION_DYNAMIC:
			return dynamic(prefix), cobra.ShellCompDirectiveNoFileComp
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
}

// CompleteClouds are the entries of clouds.yaml; it sends no requests.
func CompleteClouds(_ *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
	names, err := cloud.Names()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return starting(names, prefix), cobra.ShellCompDirectiveNoFileComp
}

func starting(values []string, prefix string) []string {
	var fit []string
	for _, v := range values {
		if strings.HasPrefix(v, prefix) {
			fit = append(fit, v)
		}
	}
	return fit
}

// Completion is the command that writes a shell's completion script.
func Completion(out io.Writer) *cobra.Command {
	choices := strings.Join(shell.Shells[:len(shell.Shells)-1], ", ") + " or " + shell.Shells[len(shell.Shells)-1]
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Write the completion script for " + choices,
		Long: "completion writes a script that completes commands, flags and values.\n\n" +
			"For bash, in ~/.bashrc: source <(imgctl completion bash). For zsh, with compinit run: source <(imgctl completion zsh). " +
			"For fish: imgctl completion fish >~/.config/fish/completions/imgctl.fish.",
		Args:      Arguments1("SHELL", "choose "+choices),
		ValidArgs: shell.Shells,
		RunE: func(_ *cobra.Command, args []string) error {
			script, ok := shell.Script(args[0])
			if !ok {
				return usageError("choose "+choices, "there is no completion for %q", args[0])
			}
			_, err := io.WriteString(out, script)
			return err
		},
	}
}

// Complete is the script for bash under the name that OpenStack's client uses.
func Complete(out io.Writer) *cobra.Command {
	return &cobra.Command{
		Use:   "complete",
		Short: "The same as completion bash",
		Args:  Arguments0,
		RunE: func(*cobra.Command, []string) error {
			script, _ := shell.Script("bash")
			_, err := io.WriteString(out, script)
			return err
		},
	}
}
