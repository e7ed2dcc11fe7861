// Package reference writes the reference of the commands, as Markdown and as man pages, from the same
// descriptions that the help is made of.
package reference

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"

	"github.com/imgctl/packer-plugin-openstack/internal/host/command"
)

// Man writes a man page for each of the commands and all below them into the folder.
func Man(dir string, commands []*cobra.Command, version string) error {
	for _, c := range commands {
		if !c.IsAvailableCommand() && c.HasParent() {
			continue
		}
		if err := page(dir, c, version); err != nil {
			return err
		}
		if c.HasParent() {
			if err := Man(dir, c.Commands(), version); err != nil {
				return err
			}
		}
	}
	return nil
}

func page(dir string, c *cobra.Command, version string) error {
	name := strings.ReplaceAll(c.CommandPath(), " ", "-")
	f, err := os.Create(filepath.Join(dir, name+".1"))
	if err != nil {
		return err
	}
	long := c.Long
	defer func() { c.Long = long }()
	c.Long = cmp.Or(c.Long, c.Short)
	if arguments := command.Arguments(c); arguments != "" {
		c.Long += "\n\nArguments:\n\n" + indent(arguments)
	}
	c.DisableAutoGenTag = true
	header := &doc.GenManHeader{Title: strings.ToUpper(name), Section: "1", Source: "imgctl " + version, Manual: "imgctl"}
	if err := doc.GenMan(c, header, f); err != nil {
		f.Close()
		return fmt.Errorf("writing the man page of %s: %w", c.CommandPath(), err)
	}
	return f.Close()
}

// indent makes a block of the lines.
func indent(text string) string {
	return "    " + strings.TrimSuffix(strings.ReplaceAll(text, "\n", "\n    "), "    ")
}

// Markdown writes a page for each of the first words into the folder, and an index with the flags
// that all commands have.
func Markdown(dir string, root *cobra.Command, words []*cobra.Command) error {
	var b strings.Builder
	b.WriteString("# imgctl\n\n" + root.Long + "\n\n| command | |\n|---|---|\n")
	for _, c := range words {
		if !c.IsAvailableCommand() {
			continue
		}
		if err := write(dir, c.Name(), word(c)); err != nil {
			return err
		}
		for _, leaf := range leaves(c) {
			fmt.Fprintf(&b, "| [`%s`](%s.md#%s) | %s |\n", leaf.CommandPath(), c.Name(), anchor(leaf.CommandPath()), leaf.Short)
		}
	}
	b.WriteString("\n## Global flags\n\n" + table(root.PersistentFlags()))
	return write(dir, "index", b.String())
}

func write(dir, name, text string) error {
	return os.WriteFile(filepath.Join(dir, name+".md"), []byte(strings.TrimRight(text, "\n")+"\n"), 0o644)
}

// word is the page of a first word.
func word(c *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n", c.CommandPath())
	for _, leaf := range leaves(c) {
		section(&b, leaf)
	}
	b.WriteString("\nEvery command also has the [global flags](index.md#global-flags).\n")
	return b.String()
}

// leaves are the commands that do something, c among them.
func leaves(c *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	if !command.IsNoun(c) {
		all = append(all, c)
	}
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			all = append(all, leaves(sub)...)
		}
	}
	return all
}

func section(b *strings.Builder, c *cobra.Command) {
	fmt.Fprintf(b, "\n## %s\n\n%s\n\n```text\n%s\n```\n", c.CommandPath(), cmp.Or(c.Long, c.Short), c.UseLine())
	if len(c.Aliases) > 0 {
		fmt.Fprintf(b, "\nAlso: `%s`\n", strings.Join(c.Aliases, "`, `"))
	}
	if arguments := command.Arguments(c); arguments != "" {
		b.WriteString("\n| argument | |\n|---|---|\n")
		for line := range strings.Lines(arguments) {
			name, help, _ := strings.Cut(strings.TrimSpace(line), " ")
			fmt.Fprintf(b, "| `%s` | %s |\n", name, cell(strings.TrimSpace(help)))
		}
	}
	own, output := command.Split(c.LocalFlags())
	if flags := table(own); flags != "" {
		b.WriteString("\n" + flags)
	}
	if names := names(output); len(names) > 0 {
		fmt.Fprintf(b, "\nOutput flags: `%s`\n", strings.Join(names, "`, `"))
	}
	if c.Example != "" {
		fmt.Fprintf(b, "\n```text\n%s\n```\n", unindent(c.Example))
	}
}

func names(flags *pflag.FlagSet) []string {
	var all []string
	flags.VisitAll(func(f *pflag.Flag) {
		all = append(all, "--"+f.Name)
	})
	return all
}

// table is the flags with their help; "" if there are none.
func table(flags *pflag.FlagSet) string {
	var b strings.Builder
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		if kind, _ := pflag.UnquoteUsage(f); kind != "" && kind != "count" {
			name += " " + kind
		}
		help := f.Usage
		if !slices.Contains(zero, f.DefValue) {
			help += " (default `" + f.DefValue + "`)"
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", strings.ReplaceAll(name, "|", `\|`), cell(help))
	})
	if b.Len() == 0 {
		return ""
	}
	return "| flag | |\n|---|---|\n" + b.String()
}

// zero are the defaults that need no mention.
var zero = []string{"", "false", "0", "[]"}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

func unindent(text string) string {
	return strings.TrimPrefix(strings.ReplaceAll(text, "\n  ", "\n"), "  ")
}

// anchor is a heading's, as GitHub makes it.
func anchor(heading string) string { return strings.ReplaceAll(strings.ToLower(heading), " ", "-") }
