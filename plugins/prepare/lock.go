package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/decide"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/lockfile"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// lockColumns are those of the differences between lock files.
var lockColumns = sdk.Columns{{Title: "Image"}, {Title: "Change"}, {Title: "Before"}, {Title: "After"}}

func lockDiffCommand() sdk.Command {
	return sdk.Command{
		Path: "prepare lock diff", Kind: sdk.List, Needs: []sdk.Need{sdk.NeedsEnvironment},
		Short: "Show which images have changed since a lock file was written",
		Long: "Compares a lock file with what the registries have now for the deployment, or with another lock file. Where labels " +
			"name tags, a tag that has changed is a row of its own. The exit code is 8 if anything differs.",
		Examples: []sdk.Example{
			{Text: "What a new copy would change", Command: "imgctl prepare lock diff images.lock -e containers.yaml"},
			{Text: "What two preparations differ in", Command: "imgctl prepare lock diff old.lock new.lock"},
		},
		Args: []sdk.Arg{
			sdk.One("LOCK", "lock file").Completes(sdk.CompleteFiles),
			sdk.Optional("OTHER", "lock file to compare it with (default: what the registries have)").Completes(sdk.CompleteFiles),
		},
		Flags:   slices.Concat(deploymentFlags(), registryFlags()),
		Columns: lockColumns,
		Run:     bridge.Run(lockDiff),
	}
}

func lockUpdateCommand() sdk.Command {
	return sdk.Command{
		Path: "prepare lock update", Kind: sdk.List, Danger: sdk.Changes, Needs: []sdk.Need{sdk.NeedsEnvironment},
		Short: "Write the digests that images have now into a lock file",
		Long: "Asks the registries for the digests of the deployment's images, and writes them into the lock file. Nothing is copied. " +
			"With images named, only their digests change.",
		Examples: []sdk.Example{
			{Text: "Take all images as they are now", Command: "imgctl prepare lock update images.lock -e containers.yaml"},
			{Text: "Take a new nova-api only", Command: "imgctl prepare lock update images.lock nova-api -e containers.yaml"},
		},
		Args: []sdk.Arg{
			sdk.One("LOCK", "lock file; it is created if it doesn't exist").Completes(sdk.CompleteFiles).Writes(),
			sdk.ZeroOrMore("IMAGE", "part of an image's name (default: all images)"),
		},
		Flags:   slices.Concat(deploymentFlags(), registryFlags()),
		Columns: lockColumns,
		Run:     bridge.Run(lockUpdate),
	}
}

func lockDiff(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	before, err := lockfile.Read(in.Path(in.Arg("LOCK")))
	if err != nil {
		return err
	}
	var after *lockfile.File
	var unread *unreadable
	if other := in.ArgValues("OTHER"); len(other) > 0 {
		after, err = lockfile.Read(in.Path(other[0]))
	} else {
		after, err = now(ctx, in, out)
	}
	if found, ok := errors.AsType[*unreadable](err); ok && len(after.Images) > 0 {
		unread, err = found, nil
		for _, image := range unread.images {
			before.Forget(image.Source)
		}
	}
	if err != nil {
		return err
	}
	changes := lockfile.Diff(before, after)
	showChanges(out, changes)
	if unread != nil {
		return fault.Wrap(fault.Partial, "", fmt.Errorf("%d of %d images can't be read, so they aren't compared: %w",
			len(unread.images), len(unread.images)+len(after.Images), unread))
	}
	if len(changes) > 0 {
		return fault.New(fault.Drift, "", "%d differences from the lock file", len(changes))
	}
	return nil
}

func lockUpdate(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	file := in.Path(in.Arg("LOCK"))
	before, err := lockfile.ReadIfThere(file)
	if err != nil {
		return err
	}
	parts := in.ArgValues("IMAGE")
	after, err := now(ctx, in, out)
	if unread, ok := errors.AsType[*unreadable](err); ok && len(parts) > 0 {
		err = unread.of(parts)
	}
	if err != nil {
		return err
	}
	if len(parts) > 0 {
		if after, err = before.With(after, parts); err != nil {
			return err
		}
	}
	changes := lockfile.Diff(before, after)
	showChanges(out, changes)
	if in.DryRun() || len(changes) == 0 && exists(file) {
		return nil
	}
	return writeLock(file, after)
}

// now is a lock file of what the registries have for the deployment. If some images can't be read, it has the others,
// and the error is an unreadable.
func now(ctx context.Context, in *sdk.Input, out *sdk.Output) (*lockfile.File, error) {
	d, err := load(in, out)
	if err != nil {
		return nil, err
	}
	if err := d.reach(in, out); err != nil {
		return nil, err
	}
	defer d.closes()
	d.GoOn = true
	result, err := d.decide(ctx, out)
	if err != nil {
		return nil, err
	}
	unread := result.AllUnread()
	found, err := d.digests(ctx, result, nil)
	if some, ok := errors.AsType[*unreadable](err); ok {
		unread = append(unread, some.images...)
	} else if err != nil {
		return nil, err
	}
	f := lockfile.New()
	return f, cmp.Or(record(f, result, found), notRead(unread))
}

// record puts the result's images into the lock file.
func record(f *lockfile.File, result *decide.Result, found digests) error {
	tags, images := map[string]string{}, map[string]string{}
	for _, i := range result.All() {
		if i.Source.Digest != "" {
			continue // the user's files have the digest
		}
		name, digest := i.Source.String(), found.of(i)
		if other := images[name]; other != "" && digest != "" && other != digest {
			return fault.New(fault.Usage, "give all entries with this image the same multi_arch and push_destination",
				"image %s is used both as an index and as one of its images, of which a lock file can hold one", name)
		}
		if digest != "" { // it could be read
			images[name], f.Images[name] = digest, digest
		}
		if i.Start.Path == "" {
			continue
		}
		start := i.Start.String()
		if other := tags[start]; other != "" && other != i.Source.Tag {
			return fault.New(fault.Usage, "give all entries with this image the same tag_from_label",
				"the labels of %s name the tags %s and %s, of which a lock file can hold one", start, other, i.Source.Tag)
		}
		tags[start], f.Tags[start] = i.Source.Tag, i.Source.Tag
	}
	return nil
}

// keeps says whether a lock file has to be written.
func keeps(in *sdk.Input) bool { return in.File("lock") != "" && !in.Bool("frozen") && !in.DryRun() }

// keep writes the result's digests into the lock file of the flag, if that has to be.
func keep(in *sdk.Input, result *decide.Result, found digests) error {
	if !keeps(in) {
		return nil
	}
	file := in.File("lock")
	f, err := lockfile.ReadIfThere(file)
	if err != nil {
		return err
	}
	if err := record(f, result, found); err != nil {
		return err
	}
	return writeLock(file, f)
}

func writeLock(file string, f *lockfile.File) error {
	text, err := f.Bytes()
	if err != nil {
		return err
	}
	return replace(file, text, false)
}

// readLock reads the lock file that counts over what registries have.
func readLock(in *sdk.Input) (*lockfile.File, error) {
	if in.File("lock") == "" {
		return nil, fault.New(fault.Usage, fault.Advise("name the file with %s", fault.Option("lock")), "%s needs a lock file",
			fault.Option("frozen"))
	}
	return lockfile.Read(in.File("lock"))
}

// freeze has the lock file answer in place of the registries, if the flag says so. One that is to be written is only
// looked at.
func (d *deployment) freeze(in *sdk.Input) error {
	if !in.Bool("frozen") {
		if !keeps(in) {
			return nil
		}
		_, err := lockfile.ReadIfThere(in.File("lock")) // what can't be read is told before anything is copied
		return err
	}
	lock, err := readLock(in)
	if err != nil {
		return err
	}
	d.Lock = lock
	return nil
}

func showChanges(out *sdk.Output, changes []lockfile.Change) {
	for _, c := range changes {
		what := "changed"
		switch {
		case c.Before == "":
			what = "new"
		case c.After == "":
			what = "gone"
		case !strings.Contains(c.After, ":"):
			what = "another tag"
		}
		out.Row(c.Image, what, c.Before, c.After)
	}
}
