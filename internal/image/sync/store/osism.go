package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
	"github.com/imgctl/packer-plugin-openstack/internal/image/upload"
)

// Osism is a catalogue of osism's image manager. An image with multi: true has one name, under which its
// newest version is current; any other has a name for each version.
type Osism struct {
	Get  *Getter
	Text []byte // the catalogue, YAML
	From string // its file
}

type osismImage struct {
	name, format, login, visibility, separator string
	enabled, multi                             bool
	minDisk, minRAM                            int
	tags                                       []string
	meta                                       map[string]string
	versions                                   []osismVersion
}

type osismVersion struct {
	version, url, mirror, checksum, list, build, os, visibility, description string
	hidden                                                                   bool
	meta                                                                     map[string]string
}

// Offers implements Store.
func (c *Osism) Offers(context.Context) ([]*Offer, error) {
	top, err := foreignfile.Parse(c.Text, "images: []")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.From, err)
	}
	var offers []*Offer
	err = top.Map(foreignfile.Keys{"images": foreignfile.Some(func(n *foreignfile.Node) error {
		i := osismImage{enabled: true, separator: " "}
		if err := i.read(n); err != nil {
			return err
		}
		offers = append(offers, c.offers(&i)...)
		return nil
	})}, "images")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.From, err)
	}
	return checked(offers), nil
}

func ignored(*foreignfile.Node) error { return nil }

func (i *osismImage) read(n *foreignfile.Node) error {
	return n.Map(foreignfile.Keys{
		"name": foreignfile.Text(&i.name), "enable": foreignfile.Bool(&i.enabled), "format": foreignfile.Text(&i.format),
		"login": foreignfile.Text(&i.login), "min_disk": foreignfile.Int(&i.minDisk, 0), "min_ram": foreignfile.Int(&i.minRAM, 0),
		"multi": foreignfile.Bool(&i.multi), "separator": foreignfile.Text(&i.separator),
		"visibility": foreignfile.OneOf(&i.visibility, "public", "private", "community", "shared"),
		"tags":       foreignfile.Texts(&i.tags), "meta": texts(&i.meta),
		"versions": foreignfile.Each(func(n *foreignfile.Node) error {
			var v osismVersion
			err := v.read(n)
			i.versions = append(i.versions, v)
			return err
		}),
		// What these say is for people, for other tools, or for retention.
		"status": ignored, "keep": ignored, "password": ignored, "shortname": ignored, "latest_url": ignored,
		"latest_checksum_url": ignored,
	}, "name", "format", "versions")
}

func (v *osismVersion) read(n *foreignfile.Node) error {
	return n.Map(foreignfile.Keys{
		"version": foreignfile.Text(&v.version), "url": foreignfile.Text(&v.url), "mirror_url": foreignfile.Text(&v.mirror),
		"checksum": foreignfile.Text(&v.checksum), "checksums_url": foreignfile.Text(&v.list), "checksum_url": foreignfile.Text(&v.list),
		"build_date": foreignfile.Text(&v.build), "os_version": foreignfile.Text(&v.os), "hidden": foreignfile.Bool(&v.hidden),
		"visibility": foreignfile.OneOf(&v.visibility, "public", "private", "community", "shared"),
		"meta":       texts(&v.meta), "image_description": foreignfile.Text(&v.description), "source": ignored, "id": ignored,
	}, "version", "url")
}

// texts reads a mapping of scalars; a value that is null is left out.
func texts(into *map[string]string) foreignfile.Reader {
	return func(n *foreignfile.Node) error {
		*into = map[string]string{}
		return n.Pairs(func(key string, _, value *foreignfile.Node) error {
			if value.IsNull() {
				return nil
			}
			var text string
			err := foreignfile.Text(&text)(value)
			(*into)[key] = text
			return err
		})
	}
}

func (c *Osism) offers(i *osismImage) (offers []*Offer) {
	if !i.enabled || len(i.versions) == 0 {
		return nil
	}
	slices.SortStableFunc(i.versions, func(a, b osismVersion) int {
		return cmp.Or(cmp.Compare(a.build, b.build), natural(a.version, b.version))
	})
	if i.multi {
		return []*Offer{c.offer(i, &i.versions[len(i.versions)-1], i.name)}
	}
	for n := range i.versions {
		v := &i.versions[n]
		offers = append(offers, c.offer(i, v, i.name+i.separator+v.version))
	}
	return offers
}

// offer makes properties as the image manager does, so that both see each other's images.
func (c *Osism) offer(i *osismImage, v *osismVersion, name string) *Offer {
	o := &Offer{
		Name: name, Release: v.version, From: c.From, Marks: map[string]string{"internal_version": v.version},
		Distro: i.meta["os_distro"], Version: cmp.Or(v.os, i.meta["os_version"]), Variant: i.meta["os_purpose"],
		Visibility: cmp.Or(v.visibility, i.visibility), Hidden: v.hidden, Source: c.source(v),
	}
	p := maps.Clone(i.meta)
	if p == nil {
		p = map[string]string{}
	}
	maps.Copy(p, v.meta)
	for key, value := range map[string]string{
		"internal_version": v.version, "image_source": v.url, "image_build_date": v.build, "image_original_user": i.login,
		"image_name": i.name, "os_version": v.os, "image_description": v.description,
	} {
		if value != "" {
			p[key] = value
		}
	}
	o.Source.Format = i.format
	o.Image = upload.Image{MinDisk: i.minDisk, MinRAM: i.minRAM, Properties: p, Tags: append(slices.Clone(i.tags), "managed_by_osism")}
	if o.Distro != "" {
		o.Image.Tags = append(o.Image.Tags, "os:"+o.Distro)
	}
	if v.version == "latest" {
		o.Marks = nil // only the checksum tells one from another
	}
	o.More = func(ctx context.Context) error { return c.sums(ctx, o, v) }
	if v.checksum != "" {
		o.Source.Sums, o.Problem = upload.ParseSums(v.checksum)
		p["upstream_checksum"] = v.checksum
	}
	return o
}

// source is the data of the mirror, or of the original address if the mirror doesn't have it.
func (c *Osism) source(v *osismVersion) upload.Source {
	original := c.Get.Web(v.url)
	if v.mirror == "" {
		return original
	}
	mirror := c.Get.Web(v.mirror)
	open, other := mirror.Open, original.Open
	mirror.Open = func(ctx context.Context, offset int64) (*upload.Opened, error) {
		data, err := open(ctx, offset)
		if err == nil || offset > 0 || other == nil || ctx.Err() != nil {
			return data, err
		}
		data, originally := other(ctx, 0)
		if originally != nil {
			return nil, fmt.Errorf("%w; and the mirror: %w", originally, err)
		}
		open, other = original.Open, nil
		return data, nil
	}
	return mirror
}

// sums reads the checksum from the file that the catalogue names.
func (c *Osism) sums(ctx context.Context, o *Offer, v *osismVersion) error {
	if v.checksum != "" || v.list == "" {
		return nil
	}
	text, err := c.Get.get(ctx, v.list, maxText)
	if err != nil {
		return err
	}
	file := path.Base(strings.SplitN(v.url, "?", 2)[0])
	list, err := readSums(v.list, text)
	if err != nil {
		return err
	}
	found := list[file]
	if found == nil {
		return fault.New(fault.NotFound, "", "%s has no checksum of the file %q", upload.Shown(v.list), file)
	}
	o.Source.Sums = found
	return nil
}

// natural compares texts with numbers in them: 9 before 10.
func natural(a, b string) int {
	for a != "" && b != "" {
		x, y := run(a), run(b)
		if order := cmp.Or(cmp.Compare(len(x), len(y))*digits(x, y), cmp.Compare(x, y)); order != 0 {
			return order
		}
		a, b = a[len(x):], b[len(y):]
	}
	return cmp.Compare(len(a), len(b))
}

// run is the digits that a text begins with, or else its first byte.
func run(text string) string {
	n := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	switch n {
	case -1:
		return text
	case 0:
		return text[:1]
	}
	return text[:n]
}

func digits(x, y string) int {
	if x[0] >= '0' && x[0] <= '9' && y[0] >= '0' && y[0] <= '9' {
		return 1
	}
	return 0
}
