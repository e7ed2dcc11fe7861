package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/watch"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/wholefile"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func watchCommand() sdk.Command {
	return sdk.Command{
		Path: "cloud watch", Kind: sdk.List, Danger: sdk.Changes, Needs: []sdk.Need{sdk.NeedsClouds},
		Short: "Measure how a cloud does, and tell when it gets worse",
		Long: "Measures how long the services take to answer and how often they fail, and reads from Nova how long servers took to " +
			"become active; it boots none. With --upload, it also uploads an image of that size and deletes it. Each run adds a " +
			"sample to the history, a small file, and compares the last day with the four weeks before.\n\n" +
			"The exit code is 8 if a figure is worse: --tolerance times as bad, and by more than noise. Run it every 15 minutes or " +
			"so. A dry run uploads nothing and writes no file.",
		Examples: []sdk.Example{
			{Text: "From a timer", Command: "imgctl cloud watch zuul --history /var/lib/imgctl/zuul.json --upload 64MiB"},
			{Text: "With a page", Command: "imgctl cloud watch zuul --history zuul.json --html zuul.html"},
		},
		Args: []sdk.Arg{projectsCloud()},
		Flags: append(sdk.Flags{
			sdk.File("history", "", "file that keeps the samples").Required(),
			sdk.Bytes("upload", 0, "size of an image to upload and delete, such as 64MiB (default: none)"),
			sdk.Float("tolerance", 1.5, "how many times as bad the last day may be"),
			sdk.File("html", "", "write a page with plots to this file").ValueName("FILE").Writes(),
		}, bridge.ScheduleFlags()...),
		Columns: sdk.Columns{
			{Title: "Figure"}, {Title: "Unit"}, {Title: "Last Day"}, {Title: "Before"}, {Title: "Days"}, {Title: "Worse"},
		},
		Run: bridge.Run(runWatch),
	}
}

func runWatch(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	tolerance := in.Float("tolerance")
	if tolerance <= 1 {
		return fault.Bad("tolerance", "use a number above 1, such as 1.5", "%g would call every day worse", tolerance)
	}
	o := watch.Options{At: in.Now(), Upload: in.Bytes("upload"), Run: cloud.Run(in.RunID())}
	if err := o.Validate(); err != nil {
		return err
	}
	return bridge.Scheduled(in, "watch", in.Arg("CLOUD"), func(run *bridge.ScheduledRun) error {
		c, err := bridge.Cloud(ctx, in, in.Arg("CLOUD"))
		if err != nil {
			return err
		}
		defer c.Close()
		run.Cloud = c.Name()
		history, err := watch.Read(in.File("history"), c.Name(), c.Region())
		if err != nil {
			return err
		}
		o.Since = history.Last()
		if in.DryRun() {
			o.Upload = 0
		}
		sample, err := watch.Measure(ctx, c, o)
		if err != nil {
			return err
		}
		if in.DryRun() {
			history.Add(sample)
		} else if history, err = watch.Record(ctx, in.File("history"), c.Name(), c.Region(), sample); err != nil {
			return err
		}
		run.Gauges, run.Help = history.Gauges()
		return tell(in, out, history, tolerance)
	})
}

// tell shows the verdicts, and writes the page.
func tell(in *sdk.Input, out *sdk.Output, history *watch.History, tolerance float64) error {
	var worse []string
	for _, v := range history.Judge(tolerance) {
		var now, before any
		if v.Known {
			now = fmt.Sprintf("%.3g", v.Now)
		}
		if v.Days > 0 {
			before = fmt.Sprintf("%.3g", v.Before)
		}
		out.Row(v.Title, v.Unit, now, before, v.Days, v.Worse)
		if v.Worse {
			worse = append(worse, v.String())
		}
	}
	if file := in.File("html"); file != "" && !in.DryRun() {
		if err := wholefile.Write(file, 0o644, func(w io.Writer) error { return history.WriteHTML(w, tolerance) }); err != nil {
			return err
		}
	}
	if len(worse) > 0 {
		return fault.New(fault.Drift, "", "cloud %s got worse: %s", history.Cloud, strings.Join(worse, "; "))
	}
	return nil
}
