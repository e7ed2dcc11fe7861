package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/shell"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/decide"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/modify"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// modifyFlags say how images are changed on their way.
func modifyFlags() sdk.Flags {
	return sdk.Flags{
		sdk.Strings("modify-role", "command that carries out a modify_role, such as site-harden=/usr/local/bin/harden; it gets the "+
			"image as an OCI layout").ValueName("ROLE=COMMAND"),
		sdk.Enum("modify-by", "auto", "what changes images: what each change needs, only what runs nothing in images, or always "+
			"buildah", "auto", modify.Native, modify.Buildah),
		sdk.Int("parallel-modify", 2, "images that are changed at once"),
		sdk.Duration("modify-timeout", 0, "how long changing one image may take (default: an hour)"),
		sdk.File("scratch", "", "folder where images are unpacked (default: TMPDIR, else /var/tmp)").Completes(sdk.CompleteDirectories),
	}
}

func modifyOptions(in *sdk.Input) (modify.Options, error) {
	o := modify.Options{
		Folder: in.WorkDir(), AtOnce: in.Int("parallel-modify"), Timeout: in.Duration("modify-timeout"), Scratch: in.File("scratch"),
		Roles: map[string][]string{},
	}
	if o.AtOnce < 1 {
		return o, fault.Bad("parallel_modify", "", "has to be at least 1")
	}
	if in.IsSet("modify-timeout") && o.Timeout <= 0 {
		return o, fault.Bad("modify_timeout", "", "has to be more than 0")
	}
	usual := engineOptions(in)
	o.Env = usual.Env
	if o.Scratch == "" {
		o.Scratch = usual.Scratch
	}
	if by := in.String("modify-by"); by != "auto" {
		o.Executor = by
	}
	for _, text := range in.Strings("modify-role") {
		role, line, ok := strings.Cut(text, "=")
		command, err := shell.Fields(line, func(string) string { return "" })
		if !ok || role == "" || err != nil || len(command) == 0 {
			return o, fault.Bad("modify_role", "", "%q is not ROLE=COMMAND", text)
		}
		if strings.Contains(command[0], "/") {
			command[0] = in.Path(command[0])
		}
		o.Roles[role] = command
	}
	return o, nil
}

// engineOptions are what programs are started with, and where they may unpack images.
func engineOptions(in *sdk.Input) modify.Options {
	o := modify.Options{Folder: in.WorkDir(), Scratch: in.Environment()["TMPDIR"]}
	for name, value := range in.Environment() {
		o.Env = append(o.Env, name+"="+value)
	}
	slices.Sort(o.Env)
	return o
}

// modifyJobs are the images that have to be changed.
func modifyJobs(result *decide.Result) (jobs []modify.Job, err error) {
	for _, i := range result.All() {
		if i.Modify == nil {
			continue
		}
		if !i.Pushed {
			return nil, fault.New(fault.Usage, "add push_destination to the entry", "entry at %s: image %s has to be changed by %s, but "+
				"without push_destination the result has no place to go", i.Entry, i.Source, i.Modify.Role)
		}
		jobs = append(jobs, modify.Job{
			Source: i.Source, Copy: i.Target, Target: i.Final, Role: i.Modify.Role, AppendTag: i.Modify.AppendTag, Vars: i.Modify.Vars,
			At: i.Entry,
		})
	}
	return jobs, nil
}

// expect tells in a dry run how images would be changed, and refuses what can't be.
func expect(ctx context.Context, in *sdk.Input, out *sdk.Output, d *deployment, result *decide.Result) error {
	o, err := modifyOptions(in)
	if err != nil {
		return err
	}
	jobs, err := modifyJobs(result)
	if err != nil {
		return err
	}
	s, err := openStores(in, d.client, d.Undercloud, toPlan(targets(result)))
	if err != nil {
		return err
	}
	defer s.close()
	if len(jobs) == 0 {
		return nil
	}
	lines, err := modify.Expect(ctx, jobs, o)
	if err != nil {
		return err
	}
	for _, line := range lines {
		out.Text(line)
	}
	return nil
}

// modifySummary says what a plan changes, and why it doesn't change the rest.
func modifySummary(plan *modify.Plan) (lines []string) {
	if len(plan.Modify) == 0 {
		return nil
	}
	by := map[string]int{}
	for _, i := range plan.Modify {
		switch i.State {
		case modify.Planned:
			by[i.Executor]++
			lines = append(lines, fmt.Sprintf("to modify: %s by %s: %s", i.Target, i.Executor, i.Why))
		case modify.Failed:
			lines = append(lines, fmt.Sprintf("can't be modified: %s: %v", i.Target, i.Err))
		default:
			lines = append(lines, fmt.Sprintf("up to date: %s: %s", i.Target, i.Why))
		}
	}
	slices.Sort(lines)
	total := []string{fmt.Sprintf("images to modify: %d", by[modify.Native]+by[modify.Buildah]+by[modify.Command])}
	for _, name := range []string{modify.Native, modify.Buildah, modify.Command} {
		if by[name] > 0 {
			total = append(total, fmt.Sprintf("by %s: %d", name, by[name]))
		}
	}
	return append(lines, strings.Join(total, ", "))
}
