// Package command builds the command line from the plugins' manifests: nouns and verbs, arguments,
// flags, help and completion work the same for all plugins, whoever wrote them.
package command

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/host/inventory"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// Invocation is a command that the user has asked for, parsed and checked.
type Invocation struct {
	Plugin  *inventory.Plugin
	Spec    *pluginv1.Command
	Args    []string
	Flags   []*pluginv1.FlagValue
	Global  *Global
	Output  *Output // nil if the command has no formats
	Yes     bool
	DryRun  bool
	Command *cobra.Command

	secretFiles map[string]string // by flag
}

// Runner runs invocations.
type Runner interface {
	Run(Invocation) error
	// Complete gives the plugin's suggestions for a flag, or for the argument at index if flag is "".
	Complete(inv Invocation, flag string, index int, prefix string) []string
}

// Add adds the plugins' commands to the root.
func Add(root *cobra.Command, global *Global, all *inventory.Inventory, runner Runner) {
	for _, p := range all.Plugins {
		if p.Err != nil {
			continue
		}
		for _, spec := range p.Manifest.GetCommands() {
			add(root, global, p, spec, runner)
		}
	}
	describeNouns(root, purposes(all))
}

// add puts a command where its path says, below nouns that are made as needed.
func add(root *cobra.Command, global *Global, p *inventory.Plugin, spec *pluginv1.Command, runner Runner) {
	parent := root
	words := spec.GetPath()
	for _, word := range words[:len(words)-1] {
		child := find(parent, word)
		if child == nil {
			child = Noun(word)
			child.GroupID = group(root, parent, spec)
			parent.AddCommand(child)
		}
		parent = child
	}
	c := leaf(p, spec, global, runner)
	c.GroupID = group(root, parent, spec)
	if there := find(parent, words[len(words)-1]); there != nil {
		c.AddCommand(there.Commands()...) // a noun that is a command as well
		parent.RemoveCommand(there)
	}
	parent.AddCommand(c)
}

// group is the heading for a first word, which is made as needed.
func group(root, parent *cobra.Command, spec *pluginv1.Command) string {
	title := spec.GetGroup()
	if parent != root || title == "" {
		return ""
	}
	if !root.ContainsGroup(title) {
		root.AddGroup(&cobra.Group{ID: title, Title: title})
	}
	return title
}

func find(parent *cobra.Command, name string) *cobra.Command {
	for _, c := range parent.Commands() {
		if c.Name() == name {
			return c
		}
	}
	return nil
}

// Noun is a word that needs another one after it.
func Noun(word string) *cobra.Command {
	return &cobra.Command{
		Use:         word,
		Args:        cobra.ArbitraryArgs,
		Annotations: map[string]string{noun: "true"},

		SuggestionsMinimumDistance: 2,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return Unknown(cmd, args[0])
			}
			cmd.SetOut(cmd.ErrOrStderr())
			_ = cmd.Help()
			return fault.New(fault.Usage, "choose one of them", "%s is not a whole command", cmd.CommandPath())
		},
	}
}

// noun marks what Noun made.
const noun = "imgctl_noun"

// IsNoun reports whether the command needs another word after it.
func IsNoun(c *cobra.Command) bool { return c.Annotations[noun] != "" }

// Unknown is the error for a word that isn't a command of cmd's, with the closest ones.
func Unknown(cmd *cobra.Command, word string) error {
	hint := fmt.Sprintf("%s --help lists the commands", cmd.CommandPath())
	if near := cmd.SuggestionsFor(word); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return fault.New(fault.Usage, hint, "%s has no command %q", cmd.CommandPath(), word)
}

// purposes are the plugins' descriptions by first word: the plugin's only one, or the one with the plugin's
// name.
func purposes(all *inventory.Inventory) map[string]string {
	known := map[string]string{}
	for _, p := range all.Plugins {
		words := inventory.FirstWords(p.Manifest)
		if p.Err != nil || p.Manifest.GetShort() == "" {
			continue
		}
		if len(words) == 1 {
			known[words[0]] = cmp.Or(known[words[0]], p.Manifest.GetShort())
		} else if slices.Contains(words, p.Name) {
			known[p.Name] = p.Manifest.GetShort()
		}
	}
	return known
}

// describeNouns says what each first word is for, and of each other noun which verbs it has, or what its only one does.
func describeNouns(parent *cobra.Command, purposes map[string]string) {
	for _, c := range parent.Commands() {
		describeNouns(c, nil)
		if c.Short != "" {
			continue
		}
		var verbs []string
		only := ""
		for _, verb := range c.Commands() {
			if !verb.Hidden {
				verbs, only = append(verbs, verb.Name()), verb.Short
			}
		}
		slices.Sort(verbs)
		if len(verbs) != 1 {
			only = ""
		}
		c.Short = cmp.Or(purposes[c.Name()], only, strings.Join(verbs, ", "))
		c.Hidden = len(verbs) == 0
	}
}

// leaf is one command.
func leaf(p *inventory.Plugin, spec *pluginv1.Command, global *Global, runner Runner) *cobra.Command {
	words := spec.GetPath()
	c := &cobra.Command{
		Use:     words[len(words)-1] + usage(spec),
		Aliases: spec.GetAliases(),
		Short:   spec.GetShort(),
		Long:    spec.GetLong(),
		Example: examples(spec),
		Hidden:  spec.GetHidden() || spec.GetDeprecated() != "",
		Args:    func(_ *cobra.Command, args []string) error { return checkArgs(spec, args) },
	}
	c.Flags().SortFlags = false
	inv := Invocation{Plugin: p, Spec: spec, Global: global, Command: c}
	values := addFlags(c, spec)
	if formats := formatsOf(spec.GetKind()); formats != nil {
		inv.Output = AddOutput(c, formats)
	}
	if danger := spec.GetDanger(); danger == pluginv1.Danger_DANGER_CHANGES || danger == pluginv1.Danger_DANGER_DESTROYS {
		c.Flags().BoolVar(&inv.DryRun, "dry-run", false, "only show what would be done")
		c.Flags().BoolVarP(&inv.Yes, "yes", "y", false, "answer yes to all prompts")
	}
	filled := func(args []string) (Invocation, error) {
		filled := inv
		var err error
		filled.Args = args
		filled.Flags, err = values.collect()
		filled.secretFiles = values.secretFiles()
		return filled, err
	}
	c.RunE = func(_ *cobra.Command, args []string) error {
		filled, err := filled(args)
		if err != nil {
			return err
		}
		if err := filled.checkFiles(); err != nil {
			return err
		}
		warnOfDeprecated(c, spec)
		return runner.Run(filled)
	}
	addCompletion(c, spec, func(args []string) Invocation {
		partly, _ := filled(args) // what is wrong with the rest of the line doesn't matter yet
		return partly
	}, runner)
	describeHelp(c, spec)
	return c
}

func examples(spec *pluginv1.Command) string {
	var b strings.Builder
	for i, e := range spec.GetExamples() {
		if i > 0 {
			b.WriteString("\n\n")
		}
		if e.GetText() != "" {
			b.WriteString("  # " + e.GetText() + "\n")
		}
		b.WriteString("  " + strings.ReplaceAll(e.GetCommand(), "\n", "\n  "))
	}
	return b.String()
}
