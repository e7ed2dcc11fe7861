package host

import (
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/host/clouds"
	"github.com/imgctl/packer-plugin-openstack/internal/host/command"
	"github.com/imgctl/packer-plugin-openstack/internal/host/doctor"
	"github.com/imgctl/packer-plugin-openstack/internal/host/render"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

func (h *Host) doctorCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "doctor [CLOUD...]", Short: "Find out why something doesn't work",
		Long: "doctor examines what imgctl depends on: the files that it reads, the plugins and whether they are trusted, imgctl's own " +
			"files, the terminal, and for each cloud the sign-in, the services, and what the credentials may. It changes nothing.\n\n" +
			"It examines the default cloud, or the entries of clouds.yaml that you name; --no-cloud examines none. What it prints has no " +
			"secrets in it. It exits with code 1 if it has found an error.",
		Args: command.ArgumentsAny("CLOUD"), ValidArgsFunction: command.CompleteClouds,
	}
	output := command.AddOutput(c, render.ListFormats)
	var none bool
	c.Flags().BoolVar(&none, "no-cloud", false, "examine no cloud, and so send no request")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if none && len(args) > 0 {
			return fault.New(fault.Usage, "name clouds, or set --no-cloud", "both clouds and --no-cloud are given")
		}
		return h.examine(cmd, output, h.examined(args, none))
	}
	return c
}

// examined are the clouds to examine.
func (h *Host) examined(names []string, none bool) []cloud.Access {
	if none {
		return nil
	}
	own := h.global.Default()
	if own.Cloud == "" {
		own.Cloud = os.Getenv("OS_CLOUD")
	}
	if len(names) == 0 {
		return []cloud.Access{own.ByDefault()}
	}
	all := make([]cloud.Access, len(names))
	for i, name := range names {
		all[i] = cloud.Other(name)
		all[i].Insecure, all[i].CACert = own.Insecure, own.CACert
	}
	return all
}

func (h *Host) examine(cmd *cobra.Command, output *command.Output, examined []cloud.Access) error {
	ctx := cmd.Context()
	width, _ := h.console.Size()
	o := output.Options(cmd, width)
	o.Redact = h.redactor.String
	list, err := render.NewList(h.console.Results(output.Format()), []render.Column{
		{Title: "Area"}, {Title: "What"}, {Title: "State"}, {Title: "Found"}, {Title: "Advice"},
	}, o)
	if err != nil {
		return err
	}
	executable, err := os.Executable()
	if err != nil {
		executable = "imgctl"
	}
	wrong := 0
	err = doctor.Examine(ctx, doctor.Options{
		Version: h.version, Executable: executable, Clouds: examined, Inventory: h.inventory, Judge: h.judge,
		Console: h.console, Getenv: os.Getenv, Secret: h.redactor.Add,
		ReadSettings: func() error {
			_, err := readSettings(h.paths.settings())
			return err
		},
		Files: map[string]string{
			doctor.Settings: h.paths.settings(), "trusted plugins": h.paths.lock(),
			"cache": h.paths.manifest(), "cached completions": h.paths.answers(),
		},
	}, func(f doctor.Finding) error {
		if f.Cause != nil {
			f.Found = strings.Join(strings.Fields(fault.Spelled(f.Cause, clouds.Words).Error()), " ")
		}
		if f.State == doctor.Wrong {
			wrong++
		}
		return list.Row([]any{f.Area, f.What, string(f.State), f.Found, f.Advice})
	})
	if err != nil {
		return err
	}
	if err := list.Close(); err != nil {
		return err
	}
	if wrong > 0 {
		return fault.New(fault.Internal, "", "errors found: %d", wrong)
	}
	return nil
}
