package command

import (
	"os"
	"slices"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/imgctl/packer-plugin-openstack/internal/host/render"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// Output is the output flags.
type Output struct {
	options    render.Options
	formats    []string
	descending bool
	ascending  bool
}

func formatsOf(kind pluginv1.CommandKind) []string {
	switch kind {
	case pluginv1.CommandKind_COMMAND_KIND_LIST:
		return render.ListFormats
	case pluginv1.CommandKind_COMMAND_KIND_SHOW:
		return render.ShowFormats
	case pluginv1.CommandKind_COMMAND_KIND_ACTION:
		return []string{"csv", "json", "shell", "table", "value", "yaml"}
	}
	return nil
}

// outputGroup marks the flags in help.
const outputGroup = "imgctl_output"

// AddOutput adds those flags of cliff's formatters that the formats use.
func AddOutput(c *cobra.Command, formats []string) *Output {
	o := &Output{formats: formats}
	f := pflag.NewFlagSet("output", pflag.ContinueOnError)
	f.SortFlags = false
	is := func(format string) bool { return slices.Contains(formats, format) }
	format := &choice{to: &o.options.Format, of: formats, fallback: "table"}
	f.VarP(format, "format", "f", "output format")
	f.VarP(format, "output", "o", "the same as --format")
	f.Lookup("output").DefValue = ""
	f.StringArrayVarP(&o.options.Columns, "column", "c", nil, "show only this column; may be repeated")
	call(f, "column", "COLUMN")
	if is("csv") {
		f.StringArrayVar(&o.options.SortColumns, "sort-column", nil, "sort by this column; may be repeated")
		call(f, "sort-column", "COLUMN")
		f.BoolVar(&o.ascending, "sort-ascending", false, "sort in ascending order (the default)")
		f.BoolVar(&o.descending, "sort-descending", false, "sort in descending order")
		f.Var(&choice{to: &o.options.Quote, of: render.QuoteModes, fallback: "nonnumeric"}, "quote", "which csv values to quote")
	}
	f.Var((*width)(&o.options.MaxWidth), "max-width", "maximum width of a table; 0 for no limit ($CLIFF_MAX_TERM_WIDTH)")
	f.Lookup("max-width").DefValue = ""
	f.BoolVar(&o.options.FitWidth, "fit-width", false, "fit a table to the terminal's width ($CLIFF_FIT_WIDTH=1)")
	f.BoolVar(&o.options.PrintEmpty, "print-empty", false, "also show a table without rows")
	f.BoolVar(&o.options.NoIndent, "noindent", false, "JSON on one line")
	if is("shell") {
		f.StringVar(&o.options.Prefix, "prefix", "", "prefix for the names of shell variables")
		call(f, "prefix", "TEXT")
	}
	f.VisitAll(func(flag *pflag.Flag) {
		flag.Annotations = map[string][]string{outputGroup: {"true"}}
		if c.Flags().Lookup(flag.Name) == nil { // a plugin may have a prefix of its own
			c.Flags().AddFlag(flag)
		}
	})
	for _, name := range []string{"format", "output"} {
		_ = c.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	}
	if is("csv") {
		_ = c.RegisterFlagCompletionFunc("quote", cobra.FixedCompletions(render.QuoteModes, cobra.ShellCompDirectiveNoFileComp))
		c.MarkFlagsMutuallyExclusive("sort-ascending", "sort-descending")
	}
	return o
}

// Format is the chosen format.
func (o *Output) Format() string { return o.options.Format }

// Options are the options for a terminal that wide; 0 if there is none. The environment has
// cliff's variables.
func (o *Output) Options(c *cobra.Command, termWidth int) render.Options {
	options := o.options
	options.Descending = o.descending
	options.TermWidth = termWidth
	if !c.Flags().Changed("max-width") {
		options.MaxWidth, _ = strconv.Atoi(os.Getenv("CLIFF_MAX_TERM_WIDTH"))
	}
	if n, err := strconv.Atoi(os.Getenv("CLIFF_FIT_WIDTH")); err == nil && n != 0 {
		options.FitWidth = true
	}
	return options
}
