package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/hotfix"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/layout"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/localstore"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/modify"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/rpmfile"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/transaction"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func hotfixCommand() sdk.Command {
	return sdk.Command{
		Path: "prepare hotfix", Kind: sdk.List, Danger: sdk.Changes, Needs: []sdk.Need{sdk.NeedsEnvironment},
		Short: "Add RPM packages to images",
		Long: "Installs packages into images as rpm -U would, without root and without running anything: the packages' files, the " +
			"removal of what they replace and the image's package database become one more layer. The result has the image's name, with " +
			"the tag's text after its own tag, in the same registry or in another one. Nothing is written if a dependency is missing, " +
			"files conflict, a package is older than the installed one, or a scriptlet would have to run that isn't known to be " +
			"harmless. The same image and packages give the same digest.\n\n" +
			"Images whose package database isn't SQLite, such as those of el8, are changed by their own rpm in a container of buildah. " +
			"Scriptlets run there.",
		Examples: []sdk.Example{
			{Text: "See what would change", Command: "imgctl prepare hotfix --image registry.example:5000/ns/openstack-nova-api:17.1 " +
				"--rpms-path ./rpms --tag hotfix --check"},
			{Text: "Two images, pushed to the undercloud's registry", Command: "imgctl prepare hotfix " +
				"--image quay.io/ns/openstack-nova-api:17.1 --image quay.io/ns/openstack-nova-compute:17.1 --rpms-path ./rpms " +
				"--tag hotfix --registry-url 192.168.24.1:8787"},
		},
		Flags: slices.Concat(sdk.Flags{
			sdk.Strings("image", "image to change, in a registry, or containers-storage:NAME for one in this machine's own "+
				"storage").Required().ValueName("IMAGE"),
			sdk.String("rpms-path", "", "folder whose *.rpm files are installed").Required().ValueName("DIR").
				Completes(sdk.CompleteDirectories),
			sdk.String("tag", "latest", "text to add to the images' tags, after a dash").ValueName("TAG"),
			sdk.Bool("check", "only show packages before and after, files and scriptlets"),
			sdk.Strings("key", "OpenPGP public key; with any, packages have to be signed by one of them").ValueName("FILE").
				Completes(sdk.CompleteFiles),
			sdk.Bool("ignore-scriptlets", "install packages whose scriptlets or triggers would have to run, and don't run them"),
			sdk.Bool("oldpackage", "install packages that are older than the installed ones"),
			sdk.Bool("replacepkgs", "install packages that are installed already"),
			sdk.Bool("replacefiles", "take over files of other packages"),
			sdk.Bool("nodeps", "don't check dependencies"),
			sdk.Bool("all-layers", "read the whole image, so that files that no package owns are known, too"),
			sdk.File("layout", "", "OCI image layout, a folder, that has the images; results go there, too, unless --registry-url names a "+
				"registry").Completes(sdk.CompleteDirectories),
			sdk.String("registry-url", "", "registry to put the results into (default: where the image is)").ValueName("HOST:PORT[/PATH]"),
		}, localFlags()[1:], registryFlags()),
		Columns: sdk.Columns{
			{Title: "Source"},
			{Title: "Target"},
			{Title: "State"},
			{Title: "Packages"},
			{Title: "Files"},
			{Title: "Bytes", Unit: sdk.UnitBytes},
			{Title: "Digest", Hidden: true},
			{Title: "Problem"},
		},
		Run: bridge.Run(addPackages),
	}
}

func addPackages(ctx context.Context, in *sdk.Input, out *sdk.Output) (failed error) {
	jobs, err := hotfixJobs(in)
	if err != nil {
		return err
	}
	at, err := sourceDate(in)
	if err != nil {
		return err
	}
	files, err := packages(ctx, in)
	if err != nil {
		return err
	}
	logins := map[string]registry.Login{}
	for _, j := range jobs {
		addLogin(in, out, logins, j.Target.Registry(), "username", "password")
	}
	c, _, err := client(in, registry.Options{Logins: logins}, nil)
	if err != nil {
		return err
	}
	defer c.Close()
	stores := transfer.Registries(c)
	if in.IsSet("layout") {
		l, closes, err := openLayout(in)
		if err != nil {
			return err
		}
		defer func() { failed = errors.Join(failed, closes(ctx, failed != nil)) }()
		inLayout(in, &stores, l, jobs)
	}
	stored, done, err := hotfixLocal(ctx, in, &stores, jobs)
	if err != nil {
		return err
	}
	defer done()
	how := transaction.Options{
		Time: at, Downgrade: in.Bool("oldpackage"), Reinstall: in.Bool("replacepkgs"), ReplaceFiles: in.Bool("replacefiles"),
		IgnoreScripts: in.Bool("ignore-scriptlets"), IgnoreDependencies: in.Bool("nodeps"), Thorough: in.Bool("all-layers"),
	}
	engine := modify.NewInstaller(in.File("rpms-path"), how, engineOptions(in))
	defer func() { failed = errors.Join(failed, engine.Close()) }()
	plan, err := hotfix.NewPlan(ctx, stores, jobs, files, hotfix.Options{Append: "-" + in.String("tag"), Options: how, Engine: engine})
	if err != nil {
		return err
	}
	defer func() { failed = errors.Join(failed, plan.Close()) }()
	if !in.Bool("check") && !in.DryRun() {
		return errors.Join(bridge.CarryOut(ctx, in, out, plan), stored(plan))
	}
	if in.Bool("check") {
		for _, i := range plan.Images {
			for _, line := range i.Details() {
				out.Text(line)
			}
		}
	}
	return errors.Join(bridge.ShowOnly(ctx, in, out, plan), plan.Err())
}

// openLayout opens the layout of the flag. closes writes its list, if the layout may be changed.
func openLayout(in *sdk.Input) (l *layout.Layout, closes func(ctx context.Context, failed bool) error, err error) {
	path := in.File("layout")
	if in.DryRun() || in.Bool("check") || in.IsSet("registry-url") {
		l, err = layout.Open(path)
		return l, func(context.Context, bool) error { return l.Close() }, err
	}
	if _, err := os.Stat(path); err != nil {
		return nil, nil, fault.Wrap(fault.NotFound, "", fault.In("layout", err))
	}
	l, err = layout.Create(path, false)
	return l, func(ctx context.Context, failed bool) error {
		return errors.Join(l.Finish(ctx, failed), l.Close())
	}, err
}

// inLayout has the jobs take the images from the layout, and put the results there if no registry is
// named for them.
func inLayout(in *sdk.Input, stores *transfer.Stores, l *layout.Layout, jobs []hotfix.Job) {
	path := in.File("layout")
	stores.Folders = map[string]transfer.Folder{path: l}
	for n := range jobs {
		jobs[n].SourceFolder = path
		if !in.IsSet("registry-url") {
			jobs[n].TargetFolder = path
		}
	}
}

func hotfixJobs(in *sdk.Input) (jobs []hotfix.Job, err error) {
	tag := in.String("tag")
	for _, text := range in.Strings("image") {
		name, local := strings.CutPrefix(text, localstore.Prefix)
		source, err := reference.Parse(name)
		if err != nil {
			return nil, fault.In("image", err)
		}
		if local && in.IsSet("layout") {
			return nil, fault.Bad("image", "", "%s is in this machine's own storage, and not in the layout", text)
		}
		if source.Digest != "" && source.Tag == "" {
			return nil, fault.Bad("image", "", "%s has no tag that %q could be added to", source, tag)
		}
		target := source
		if in.IsSet("registry-url") {
			to, err := reference.ParseDestination(in.String("registry-url"))
			if err != nil {
				return nil, err
			}
			target = to.Of(source)
		}
		base := source.Tag
		if base == "" {
			base = source.Identifier()
		}
		target = target.WithTag(base + "-" + tag)
		if tag == "" || !reference.ValidTag(target.Tag) {
			return nil, fault.Bad("tag", "", "%q can't be part of a tag", tag)
		}
		job := hotfix.Job{Source: source, Target: target}
		if local {
			job.Source, job.SourceFolder = named(source), ownStorage
			if !in.IsSet("registry-url") {
				job.TargetFolder = ownStorage
			}
		}
		jobs = append(jobs, job)
	}
	return jobs, nil
}

// packages reads the folder of packages.
func packages(ctx context.Context, in *sdk.Input) ([]*rpmfile.File, error) {
	var names []string
	for _, name := range in.Strings("key") {
		names = append(names, in.Path(name))
	}
	keys, err := rpmfile.ReadKeys(names)
	if err != nil {
		return nil, err
	}
	return rpmfile.Folder(ctx, in.File("rpms-path"), keys)
}

// sourceDate is the time that reproducible builds ask for, if any.
func sourceDate(in *sdk.Input) (time.Time, error) {
	text := in.Environment()["SOURCE_DATE_EPOCH"]
	if text == "" {
		return time.Time{}, nil
	}
	seconds, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return time.Time{}, fault.New(fault.Usage, "", "SOURCE_DATE_EPOCH is %q, which is no number of seconds", text)
	}
	return time.Unix(int64(seconds), 0).UTC(), nil
}
