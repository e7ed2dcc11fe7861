package main

import (
	"context"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/aquilon/profile"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/config"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/watch"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// byHand are the flags that describe an image without a profile.
var byHand = []string{"personality", "archetype", "os", "release", "arch", "domain", "sandbox", "hostname"}

func enqueueCommand() sdk.Command {
	return sdk.Command{
		Path: "factory enqueue", Kind: sdk.List, Danger: sdk.Changes,
		Short: "Ask for the build of an image by hand",
		Long: "Sends a request to build an image to the factory's queue: for each PROFILE, or for the personality and operating " +
			"system that the flags name. The flags and their defaults are those of packuilon.py; its --os_ver is --release.\n\n" +
			"A request replaces older ones for the same image that still wait in the queue. The command returns when the queue has " +
			"confirmed that it stored the request.",
		Examples: []sdk.Example{
			{Text: "Build an image for a personality", Command: "imgctl factory enqueue --personality web --os sl --release 7x"},
			{Text: "From a sandbox", Command: "imgctl factory enqueue --personality web --sandbox jane/new-kernel"},
			{Text: "For the host of a profile", Command: "imgctl factory enqueue profiles/web.cloud.template.json"},
		},
		Args: []sdk.Arg{sdk.ZeroOrMore("PROFILE", "profile, by path or URL").Completes(sdk.CompleteFiles)},
		Flags: sdk.Flags{
			configFlag(),
			sdk.String("personality", "", "personality of the image").ValueName("NAME"),
			sdk.String("archetype", "ral-tier1", "archetype").ValueName("NAME"),
			sdk.String("os", "sl", "operating system").ValueName("NAME"),
			sdk.String("release", "7x", "version of the operating system").ValueName("VERSION"),
			sdk.String("arch", "x86_64", "architecture").ValueName("NAME"),
			sdk.String("domain", "", "Aquilon domain (default: prod)").ValueName("NAME"),
			sdk.String("sandbox", "", "Aquilon sandbox, in place of a domain").ValueName("OWNER/NAME"),
			sdk.String("hostname", "", "host name, where images are named after it").ValueName("NAME"),
			sdk.Bool("force", "build the image even if nothing has changed since its last build"),
			legacyFlag(),
		},
		Columns: sdk.Columns{{Title: "Image"}, {Title: "Profile"}, {Title: "State"}, {Title: "Message"}},
		Run:     bridge.Run(enqueue),
	}
}

func legacyFlag() sdk.Flag {
	return sdk.Bool("legacy", "send the bare profile to packuilon's queue, for packuilon's worker")
}

func enqueue(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	c, err := readConfig(in, out)
	if err != nil {
		return err
	}
	if err := reachable(ctx, in, c); err != nil {
		return err
	}
	requests, err := requested(ctx, in)
	if err != nil {
		return err
	}
	if in.Bool("force") && in.Bool("legacy") {
		return fault.New(fault.Usage, "", "packuilon's worker builds in any case: leave out %s", fault.Option("force"))
	}
	for n := range requests {
		requests[n].Force = in.Bool("force")
	}
	p, err := watch.PlanEnqueue(sink(c, in.Bool("legacy")), c.NameStyle, requests...)
	if err != nil {
		return err
	}
	return bridge.CarryOut(ctx, in, out, p)
}

func requested(ctx context.Context, in *sdk.Input) (requests []watch.Request, err error) {
	set := slices.IndexFunc(byHand, in.IsSet)
	files := in.ArgValues("PROFILE")
	switch {
	case len(files) > 0 && set >= 0:
		return nil, fault.New(fault.Usage, "", "give either profiles or %s", fault.Option(byHand[set]))
	case len(files) == 0 && in.String("personality") == "":
		return nil, fault.New(fault.Usage, "", "give a profile or %s", fault.Option("personality"))
	case len(files) == 0:
		w := watch.Wanted{
			Personality: in.String("personality"), Archetype: in.String("archetype"), OS: in.String("os"), OSVersion: in.String("release"),
			Arch: in.String("arch"), Domain: in.String("domain"), Sandbox: in.String("sandbox"), Hostname: in.String("hostname"),
		}
		if w.Domain == "" && w.Sandbox == "" {
			w.Domain = "prod"
		}
		text, err := w.Profile()
		return []watch.Request{{Source: "the command line", Text: text}}, err
	}
	for _, file := range files {
		location := location(in, file)
		text, err := profile.Read(ctx, location)
		if err != nil {
			return nil, err
		}
		requests = append(requests, watch.Request{Source: profile.Shown(file), Text: text})
	}
	return requests, nil
}

// sink is the configured queue, or packuilon's.
func sink(c *config.Config, legacy bool) watch.Sink {
	s := watch.Sink{Open: c.OpenQueue}
	if legacy {
		s.Legacy = c.LegacyQueue
	}
	return s
}
