package command

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// named is a flag's value that help calls by a name.
type named struct {
	pflag.Value
	name string
}

// Type is the name.
func (n named) Type() string { return n.name }

// call names a flag's value; what is zero needs no mention as a default.
func call(flags *pflag.FlagSet, flag, value string) {
	f := flags.Lookup(flag)
	f.Value, f.DefValue = named{f.Value, value}, ""
}

// choice is a flag with a few possible values.
type choice struct {
	to       *string
	of       []string
	fallback string
}

// Set takes a value.
func (c *choice) Set(text string) error {
	if !slices.Contains(c.of, text) {
		return errors.New("choose one of " + strings.Join(c.of, ", "))
	}
	*c.to = text
	return nil
}

// String is the value.
func (c *choice) String() string {
	if c.to == nil {
		return ""
	}
	return cmp.Or(*c.to, c.fallback)
}

// Type lists the values for help.
func (c *choice) Type() string { return strings.Join(c.of, "|") }

// Choice adds a flag with a few possible values, of which the first is the default.
func Choice(c *cobra.Command, name, short, help string, of ...string) *string {
	value := of[0]
	c.Flags().VarP(&choice{to: &value, of: of, fallback: of[0]}, name, short, help)
	_ = c.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(of, cobra.ShellCompDirectiveNoFileComp))
	return &value
}
