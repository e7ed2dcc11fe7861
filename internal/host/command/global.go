package command

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agext/levenshtein"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/host/render"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// Global is the flags that every command has.
type Global struct {
	Access  cloud.Access
	Debug   bool
	Verbose int
	Quiet   bool
	Timeout time.Duration
}

// AddGlobal adds them to the root.
func AddGlobal(root *cobra.Command) *Global {
	g := &Global{}
	f := root.PersistentFlags()
	f.SortFlags, root.Flags().SortFlags = false, false
	text := func(to *string, name, value, help string) {
		f.StringVar(to, name, "", help)
		call(f, name, value)
	}
	text(&g.Access.Cloud, "os-cloud", "CLOUD", "entry of clouds.yaml ($OS_CLOUD)")
	text(&g.Access.Region, "os-region-name", "REGION", "region of the cloud")
	text(&g.Access.EndpointType, "os-interface", "INTERFACE", "endpoints to use: public, internal or admin")
	text(&g.Access.IdentityEndpoint, "os-auth-url", "URL", "Keystone's URL")
	text(&g.Access.Username, "os-username", "NAME", "user")
	text(&g.Access.TenantName, "os-project-name", "NAME", "project")
	text(&g.Access.TenantID, "os-project-id", "ID", "project, by its id")
	text(&g.Access.CACert, "os-cacert", "FILE", "certificates of the authorities to trust")
	text(&g.Access.ClientCert, "os-cert", "FILE", "client certificate")
	text(&g.Access.ClientKey, "os-key", "FILE", "client certificate's key")
	f.BoolVar(&g.Access.Insecure, "insecure", false, "don't check the services' certificates")
	f.DurationVar(&g.Timeout, "timeout", 0, "stop the command after this time, such as 10m")
	call(f, "timeout", "DURATION")
	f.CountVarP(&g.Verbose, "verbose", "v", "say more; -vv says everything")
	f.BoolVarP(&g.Quiet, "quiet", "q", false, "no progress, and no news but errors")
	f.BoolVar(&g.Debug, "debug", false, "the same as -vv")
	_ = root.RegisterFlagCompletionFunc("os-cloud", CompleteClouds)
	_ = root.RegisterFlagCompletionFunc("os-interface", cobra.FixedCompletions([]string{"public", "internal", "admin"}, cobra.ShellCompDirectiveNoFileComp))
	root.SetFlagErrorFunc(flagError)
	return g
}

// Verbosity is Start.verbosity.
func (g *Global) Verbosity() int32 {
	switch {
	case g.Quiet:
		return -1
	case g.Debug:
		return 2
	}
	return int32(min(g.Verbose, 2))
}

// flagError is what is wrong with a flag, with the one that may have been meant.
func flagError(cmd *cobra.Command, err error) error {
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		cause := invalid.Unwrap().Error()
		if !strings.HasPrefix(cause, "--") {
			cause = fmt.Sprintf("--%s: %q: %s", invalid.GetFlag().Name, invalid.GetValue(), cause)
		}
		return fault.New(fault.Usage, "", "%s", cause)
	}
	unknown, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok {
		return fault.Wrap(fault.Usage, "", err)
	}
	name := unknown.GetSpecifiedName()
	hint := cmd.CommandPath() + " --help lists what there is"
	if near := nearest(cmd.Flags(), name); near != "" {
		hint = "did you mean --" + near + "?"
	}
	dashes := "--"
	if unknown.GetSpecifiedShortnames() != "" {
		dashes = "-"
	}
	return fault.New(fault.Usage, hint, "%s has no flag %s%s", cmd.CommandPath(), dashes, name)
}

func nearest(flags *pflag.FlagSet, name string) string {
	best, distance := "", 3
	flags.VisitAll(func(f *pflag.Flag) {
		d := levenshtein.Distance(name, f.Name, nil)
		if strings.HasPrefix(f.Name, name) && len(name) > 1 {
			d = 1
		}
		if d < distance && !f.Hidden {
			best, distance = f.Name, d
		}
	})
	return best
}

// Output is the flags that say how results are shown.
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

// AddOutput adds the flags of cliff's formatters, those that the formats have a use for.
func AddOutput(c *cobra.Command, formats []string) *Output {
	o := &Output{formats: formats}
	f := pflag.NewFlagSet("output", pflag.ContinueOnError)
	f.SortFlags = false
	is := func(format string) bool { return slices.Contains(formats, format) }
	format := &choice{to: &o.options.Format, of: formats, fallback: "table"}
	f.VarP(format, "format", "f", "how results are shown")
	f.VarP(format, "output", "o", "the same as --format")
	f.Lookup("output").DefValue = ""
	f.StringArrayVarP(&o.options.Columns, "column", "c", nil, "show only this column; may be repeated")
	call(f, "column", "COLUMN")
	if is("csv") {
		f.StringArrayVar(&o.options.SortColumns, "sort-column", nil, "sort by this column; may be repeated")
		call(f, "sort-column", "COLUMN")
		f.BoolVar(&o.ascending, "sort-ascending", false, "sort in ascending order, which is the default")
		f.BoolVar(&o.descending, "sort-descending", false, "sort in descending order")
		f.Var(&choice{to: &o.options.Quote, of: render.QuoteModes, fallback: "nonnumeric"}, "quote", "which values of csv are quoted")
	}
	f.IntVar(&o.options.MaxWidth, "max-width", 0, "width of a table at most; 0 for any ($CLIFF_MAX_TERM_WIDTH)")
	call(f, "max-width", "N")
	f.BoolVar(&o.options.FitWidth, "fit-width", false, "make a table as wide as the terminal at most ($CLIFF_FIT_WIDTH=1)")
	f.BoolVar(&o.options.PrintEmpty, "print-empty", false, "show a table without rows, too")
	f.BoolVar(&o.options.NoIndent, "noindent", false, "JSON on one line")
	if is("shell") {
		f.StringVar(&o.options.Prefix, "prefix", "", "put this before names of shell variables")
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

// Options are the options for a terminal that wide; 0 where there is none. The environment has
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
