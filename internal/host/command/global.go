package command

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/agext/levenshtein"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// Global is the flags that every command has.
type Global struct {
	Access  cloud.Access
	Debug   bool
	Verbose int
	Quiet   bool
	Timeout time.Duration

	user, project cloud.Domain
}

// Default is the access to the default cloud.
func (g *Global) Default() cloud.Access { return g.Access.InDomains(g.user, g.project) }

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
	text(&g.Access.Username, "os-username", "NAME", "user name")
	text(&g.Access.TenantName, "os-project-name", "NAME", "project, by name")
	text(&g.Access.TenantID, "os-project-id", "ID", "project, by id")
	text(&g.project.Name, "os-project-domain-name", "NAME", "domain of the project, by name")
	text(&g.project.ID, "os-project-domain-id", "ID", "domain of the project, by id")
	text(&g.user.Name, "os-user-domain-name", "NAME", "domain of the user, by name")
	text(&g.user.ID, "os-user-domain-id", "ID", "domain of the user, by id")
	text(&g.Access.CACert, "os-cacert", "FILE", "CA certificates to trust")
	text(&g.Access.ClientCert, "os-cert", "FILE", "client certificate")
	text(&g.Access.ClientKey, "os-key", "FILE", "client certificate's key")
	f.BoolVar(&g.Access.Insecure, "insecure", false, "don't verify the services' certificates")
	f.Var((*span)(&g.Timeout), "timeout", "stop the command after this time, such as 10m")
	f.Lookup("timeout").DefValue = ""
	f.VarPF((*counter)(&g.Verbose), "verbose", "v", "more messages; -vv for all").NoOptDefVal = "true"
	f.BoolVarP(&g.Quiet, "quiet", "q", false, "no progress and no messages except warnings and errors")
	f.BoolVar(&g.Debug, "debug", false, "as -vv, and show what imgctl and the plugin tell each other")
	_ = root.RegisterFlagCompletionFunc("os-cloud", CompleteClouds)
	_ = root.RegisterFlagCompletionFunc("os-interface", cobra.FixedCompletions([]string{"public", "internal", "admin"},
		cobra.ShellCompDirectiveNoFileComp))
	for _, of := range []string{"os-project-domain-", "os-user-domain-"} {
		root.MarkFlagsMutuallyExclusive(of+"name", of+"id")
	}
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

// flagError is the error for a wrong flag, with the closest one.
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
	hint := cmd.CommandPath() + " --help lists the flags"
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
