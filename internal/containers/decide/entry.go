package decide

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/envfile"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/imagelist"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/label"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
)

// decision is one entry on its way to images and parameters.
type decision struct {
	*Request
	entry    envfile.Entry
	position int
	services []string
	filtered bool
	result   *Result

	destination *reference.Destination
	template    *label.Template // nil if tags aren't found by label
	tagRule     string
	userTag     bool // the entry says which tag to start from
	prefix      string
	suffix      string
}

// atOnce is how many images are looked up at a time, as in TripleO.
const atOnce = 16

func (d *decision) decide(ctx context.Context) error {
	if err := d.prepare(); err != nil {
		return err
	}
	variables, err := d.variables()
	if err != nil {
		return err
	}
	d.prefix, _ = variables["name_prefix"].(string)
	d.suffix, _ = variables["name_suffix"].(string)
	listed, err := d.List.Render(ctx, variables)
	if err != nil {
		return err
	}
	images, err := d.filter(listed)
	if err != nil {
		return err
	}
	if images, err = d.discover(ctx, images); err != nil {
		return err
	}
	return d.finish(ctx, images)
}

// prepare reads what doesn't depend on an image.
func (d *decision) prepare() error {
	push := d.entry.Push.Destination
	if d.entry.Push.Undercloud {
		push = d.Undercloud
	}
	if push != "" {
		destination, err := reference.ParseDestination(push)
		if err != nil {
			return err
		}
		d.destination = &destination
	}
	d.userTag = imagelist.Truthy(d.entry.Set["tag"])
	d.tagRule = "tag of the list"
	if d.userTag {
		d.tagRule = "tag in set"
	}
	if d.entry.TagFromLabel == "" {
		return nil
	}
	if d.userTag && d.Policy != Legacy {
		d.tagRule = fmt.Sprintf("tag in set; it counts over tag_from_label %q by the modern label policy", d.entry.TagFromLabel)
		return nil
	}
	var err error
	d.template, err = label.Parse(d.entry.TagFromLabel)
	return err
}

// variables are the entry's set over the release's defaults, with the driver that Neutron uses.
func (d *decision) variables() (imagelist.Variables, error) {
	v := d.Release.Defaults().With(d.entry.Set)
	if imagelist.Truthy(d.entry.Set["neutron_driver"]) {
		return v, nil
	}
	drivers, given, err := d.Environment.MechanismDrivers()
	if err != nil {
		return nil, err
	}
	v["neutron_driver"] = NeutronDriver(d.Release.Name, drivers, given)
	return v, nil
}

// NeutronDriver is the driver that the mechanism drivers mean: ovn unless others are given.
func NeutronDriver(release string, mechanisms []string, given bool) string {
	switch {
	case !given || slices.Contains(mechanisms, "ovn"):
		return "ovn"
	case release == "train" && slices.Contains(mechanisms, "opendaylight_v2"):
		return "odl"
	}
	return "other"
}

// filter takes the images of the list that the entry wants: services first, then includes and
// excludes, over the whole name with its starting tag.
func (d *decision) filter(listed []imagelist.Image) ([]*Image, error) {
	includes, err := compile("includes", d.entry.Includes)
	if err != nil {
		return nil, err
	}
	excludes, err := compile("excludes", d.entry.Excludes)
	if err != nil {
		return nil, err
	}
	var images []*Image
	for _, l := range listed {
		why, in, err := d.wants(l, includes, excludes)
		if err != nil {
			return nil, err
		}
		if !in {
			d.result.Left = append(d.result.Left, Left{d.position, l.Name, l.Params, why})
			continue
		}
		image, err := d.image(l)
		if err != nil {
			return nil, err
		}
		image.FilterWhy = why
		images = append(images, image)
	}
	d.unused("includes", includes)
	if len(includes) == 0 { // else excludes have no effect, and aren't tried
		d.unused("excludes", excludes)
	}
	return images, nil
}

func (d *decision) wants(l imagelist.Image, includes, excludes []*pattern) (why string, in bool, err error) {
	why = "no filter"
	if d.filtered {
		i := slices.IndexFunc(l.Services, func(s string) bool { return slices.Contains(d.services, s) })
		if i < 0 {
			return "none of its services is deployed (" + strings.Join(short(l.Services), ", ") + ")", false, nil
		}
		why = "service " + l.Services[i] + " is deployed"
	}
	if len(includes) > 0 {
		p, err := first(includes, l.Name)
		if p == nil {
			return "no include matches", false, err
		}
		return "include " + strconv.Quote(p.text) + " matches", true, err
	}
	p, err := first(excludes, l.Name)
	if p != nil {
		return "exclude " + strconv.Quote(p.text) + " matches", false, err
	}
	return why, true, err
}

func short(services []string) []string {
	all := make([]string, len(services))
	for i, s := range services {
		all[i] = strings.TrimPrefix(s, "OS::TripleO::Services::")
	}
	return all
}

// unused notes the patterns that matched nothing.
func (d *decision) unused(what string, patterns []*pattern) {
	for _, p := range patterns {
		if !p.used {
			d.result.Notes = append(d.result.Notes, fmt.Sprintf("entry %d (%s): %s %q matches no "+
				"image", d.position, d.entry.At, what, p.text))
		}
	}
}

// image is a listed image with source and target, before its tag is found.
func (d *decision) image(l imagelist.Image) (*Image, error) {
	name := l.Name
	if d.entry.PullSource != "" {
		name = strings.TrimRight(d.entry.PullSource, "/") + "/" + name
	}
	source, err := reference.Parse(name)
	if err != nil {
		return nil, err
	}
	return &Image{
		Entry: d.entry.At, Position: d.position, Listed: l, Source: source, TagWhy: d.tagRule, MultiArch: d.multiArch(),
		prefix: d.prefix, suffix: d.suffix,
	}, nil
}

// multiArch is what the entry says, else whether the deployment has further architectures.
func (d *decision) multiArch() bool {
	if d.entry.MultiArch != nil {
		return *d.entry.MultiArch
	}
	return d.Environment.Parameters.Get("AdditionalArchitectures").Truthy()
}

// discover finds the tags that labels name, several images at a time. It gives those to go on with.
func (d *decision) discover(ctx context.Context, images []*Image) ([]*Image, error) {
	labels := len(d.entry.ModifyOnlyLabels) > 0 && d.entry.ModifyRole != ""
	if d.template == nil && !labels {
		return images, nil
	}
	if d.Offline {
		for _, image := range images {
			image.TagWhy += "; labels aren't looked at"
		}
		return images, nil
	}
	found := newLookups(d.Registry, !d.userTag)
	errs := make([]error, len(images))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, image := range images {
		group.Go(func() error {
			errs[i] = d.look(ctx, found, image, labels)
			return nil
		})
	}
	_ = group.Wait() // the errors are kept one by one
	if !d.GoOn || ctx.Err() != nil {
		return images, errors.Join(errs...)
	}
	var read []*Image
	for i, err := range errs {
		if err == nil {
			read = append(read, images[i])
		} else {
			d.result.Unread = append(d.result.Unread, Unread{images[i].Source, err})
		}
	}
	return read, nil
}

// look finds one image's tag, and whether it has one of the labels that an image to change needs.
func (d *decision) look(ctx context.Context, found *lookups, image *Image, labels bool) (err error) {
	switch {
	case d.template == nil:
	case d.Lock != nil:
		err = locked(image, d.Lock)
	default:
		err = found.tag(ctx, image, d.template)
	}
	if err != nil || !labels {
		return err
	}
	source := image.Source
	if d.Lock != nil {
		if source, err = d.Lock.Pin(source); err != nil {
			return err
		}
	}
	return found.modified(ctx, image, source, d.entry.ModifyOnlyLabels)
}

// finish decides targets, changes and parameters.
func (d *decision) finish(_ context.Context, images []*Image) error {
	for _, image := range images {
		image.Final = image.Source
		if d.destination != nil {
			image.Pushed = true
			image.Target = d.destination.Of(image.Source)
			image.Final = image.Target
		}
		if d.changes(image) {
			if image.MultiArch {
				return usage("cannot run a modify role on multi-arch image %s", image.Source)
			}
			image.Modify = &Modify{Role: d.entry.ModifyRole, AppendTag: d.appendTag(), Vars: d.entry.ModifyVars}
			image.Final = image.Final.WithTag(image.Final.Tag + image.Modify.AppendTag)
			if !reference.ValidTag(image.Final.Tag) {
				return usage("image %s: %q with modify_append_tag %q is no tag", image.Source, image.Source.Tag, image.Modify.AppendTag)
			}
		}
		d.result.Images = append(d.result.Images, image)
		for _, name := range image.Listed.Params {
			p := Param{Value: image.Final.String(), Image: image}
			if before, ok := d.result.Params[name]; ok && before.Value != p.Value {
				p.Overrode = slices.Concat(before.Overrode, []string{before.Value})
			}
			d.result.Params[name] = p
		}
	}
	return nil
}

// changes reports whether the entry modifies the image: all, unless it names labels or sources.
func (d *decision) changes(image *Image) bool {
	switch {
	case d.entry.ModifyRole == "":
		return false
	case len(d.entry.ModifyOnlyLabels)+len(d.entry.ModifyOnlySources) == 0:
		return true
	}
	return image.Modify != nil || slices.Contains(d.entry.ModifyOnlySources, image.Listed.Source)
}

func (d *decision) appendTag() string {
	if d.entry.ModifyAppendTag != "" {
		return d.entry.ModifyAppendTag
	}
	return d.Now.Format("-modified-" + strings.NewReplacer("-", "", ":", "", " ", "").Replace(time.DateTime))
}
