package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/config"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/watch"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func watchCommand() sdk.Command {
	return sdk.Command{
		Path: "factory watch", Kind: sdk.List, Danger: sdk.Changes, Needs: []sdk.Need{sdk.NeedsNoTimeout},
		Short: "Ask for builds of images whose profiles have changed",
		Long: "Reads the index of Aquilon profiles and those profiles that may have changed, and sends a request to the factory's " +
			"queue for each one whose content differs from what was sent last. White space and the order of keys don't count; " +
			"everything else does, including values that were deleted, moved or repeated.\n\n" +
			"Runs once, for cron or ncm-cdispd, or again and again with --every. A change is recorded in CACHE_DIR only after the " +
			"queue has confirmed that it stored the request, so that a run that fails or is killed loses nothing: the next one sends " +
			"the request. Runs at the same time wait for each other.\n\n" +
			"The exit code is 3 if some of the profiles can't be used.",
		Examples: []sdk.Example{
			{Text: "What would be built?", Command: "imgctl factory watch --dry-run"},
			{Text: "Every five minutes, until interrupted", Command: "imgctl factory watch --every 5m"},
			{Text: "Build all images on the first run", Command: "imgctl factory watch --first-run build-all"},
		},
		Args: []sdk.Arg{sdk.Optional("TIME", "Unix time that ncm-cdispd passes; it has no effect")},
		Flags: append(sdk.Flags{
			configFlag(), legacyFlag(),
			sdk.Duration("every", 0, "pause between runs, at least 1s; without it, run once"),
		}, watchFlags()...),
		Columns: sdk.Columns{
			{Title: "Profile"},
			{Title: "Change"},
			{Title: "Image"},
			{Title: "State"},
			{Title: "Problem"},
		},
		Run: bridge.Run(watchProfiles, map[string]string{"TIME": "TIME"}),
	}
}

// watchFlags are those of commands that watch.
func watchFlags() sdk.Flags {
	return sdk.Flags{
		sdk.Enum("first-run", "", "what profiles that are there on the first run count as: seed (built) or build-all (changed) "+
			"(default: FIRST_RUN of the configuration, or seed)", config.Seed, config.BuildAll),
		sdk.Strings("ignore", "value that doesn't count, such as /metadata/time; * stands for any key (default: IGNORE_PATHS)").
			ValueName("PATH"),
	}
}

func watchProfiles(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	if t := in.Arg("TIME"); t != "" {
		if _, err := strconv.ParseInt(t, 10, 64); err != nil {
			return fault.Bad("TIME", "", "expected a Unix time, this is %q", t)
		}
	}
	every := in.Duration("every")
	switch {
	case in.IsSet("every") && every.Seconds() < 1:
		return fault.Bad("every", "", "it has to be at least 1s")
	case every > 0 && in.DryRun():
		return fault.New(fault.Usage, "", "a dry run is one run: leave out %s", fault.Option("every"))
	}
	o, err := watched(ctx, in, out)
	if err != nil {
		return err
	}
	if every == 0 {
		return run(ctx, in, out, o, bridge.CarryOut)
	}
	return watchOn(ctx, in, out, o, every)
}

// watchOn watches until ctx ends; a first run that can't work ends it, too.
func watchOn(ctx context.Context, in *sdk.Input, out *sdk.Output, o watch.Options, every time.Duration) error {
	rep := bridge.Reporter(in, out)
	for first := true; ; first = false {
		err := run(ctx, in, out, o, tell)
		switch {
		case ctx.Err() != nil:
			return fault.Wrap(fault.Cancelled, "", context.Cause(ctx))
		case err != nil && first && fault.Is(err, fault.Usage):
			return err
		case err != nil:
			rep.Warn("%s", bridge.Problem(err))
		}
		if !change.Sleep(ctx, every) {
			return fault.Wrap(fault.Cancelled, "", context.Cause(ctx))
		}
	}
}

// watched are the options of the configuration and the flags.
func watched(ctx context.Context, in *sdk.Input, out *sdk.Output) (o watch.Options, err error) {
	c, err := readConfig(in, out)
	if err != nil {
		return o, err
	}
	if err := reachable(ctx, in, c); err != nil {
		return o, err
	}
	return watchedBy(in, c, in.Bool("legacy"))
}

// watchedBy are the options of a configuration and the flags of watchFlags.
func watchedBy(in *sdk.Input, c *config.Config, legacy bool) (o watch.Options, err error) {
	if o, err = configured(c); err != nil {
		return o, err
	}
	o.Sink, o.ReadOnly = sink(c, legacy), in.DryRun()
	if in.IsSet("first-run") {
		o.BuildAll = in.String("first-run") == config.BuildAll
	}
	if in.IsSet("ignore") {
		o.Ignore = in.Strings("ignore")
	}
	return o, nil
}

// configured are the options of a configuration.
func configured(c *config.Config) (o watch.Options, err error) {
	o = watch.Options{
		Index: c.Index, Profiles: c.Profiles, Match: c.Match, Cache: c.Cache, Ignore: c.Ignore, NameStyle: c.NameStyle,
		BuildAll: c.FirstRun == config.BuildAll, Sink: sink(c, false),
	}
	if c.ProfileCA != "" {
		o.Authorities, err = config.Authorities(c.ProfileCA)
	}
	return o, err
}

// run is one run.
func run(ctx context.Context, in *sdk.Input, out *sdk.Output, o watch.Options,
	carry func(context.Context, *sdk.Input, *sdk.Output, change.Plan) error,
) error {
	p, err := watch.Make(ctx, o)
	if err != nil {
		return err
	}
	defer p.Close()
	return carry(ctx, in, out, p)
}

// tell carries out one of many runs: rows without end would fill the memory.
func tell(ctx context.Context, in *sdk.Input, out *sdk.Output, p change.Plan) error {
	rep := bridge.Reporter(in, out)
	for _, note := range p.Notes() {
		rep.Warn("%s", note)
	}
	err := p.Apply(ctx, rep)
	tellRows(rep, p)
	return err
}

func tellRows(rep report.Reporter, p change.Plan) {
	for _, row := range p.Rows() {
		var words []string
		for _, cell := range row {
			if text, ok := cell.Value.(string); ok && text != "" {
				words = append(words, cell.Key+" "+strconv.Quote(text))
			}
		}
		rep.Step("%s", strings.Join(words, ", "))
	}
}
