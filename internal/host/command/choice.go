package command

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// named is a flag's value with a name in help.
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

// span is a time that something may take.
type span time.Duration

// Set takes a time, which has to be in the future.
func (s *span) Set(text string) error {
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return errors.New("write a time such as 90s or 10m")
	case d <= 0:
		return errors.New("the time has to be more than 0")
	}
	*s = span(d)
	return nil
}

// String is the time.
func (s *span) String() string { return time.Duration(*s).String() }

// Type is its name in help.
func (s *span) Type() string { return "DURATION" }

// counter counts how often a flag is given.
type counter int

// Set counts, or takes a number.
func (c *counter) Set(text string) error {
	if text == "true" {
		*c++
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return errors.New("it takes no value")
	}
	*c = counter(n)
	return nil
}

// String is the number.
func (c *counter) String() string { return strconv.Itoa(int(*c)) }

// Type is one for which help shows no value.
func (c *counter) Type() string { return "bool" }

// width is how wide something may be.
type width int

// Set takes a number of columns.
func (w *width) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return errors.New("write a number of columns, or 0 for any")
	}
	*w = width(n)
	return nil
}

// String is the number.
func (w *width) String() string { return strconv.Itoa(int(*w)) }

// Type is its name in help.
func (w *width) Type() string { return "N" }
