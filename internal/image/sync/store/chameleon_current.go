package store

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"strconv"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/upload"
)

// CurrentKey is the property by which Chameleon's deployer tells the release of an image.
const CurrentKey = "current"

// Chameleon is the store of Chameleon's image_deployer: a file of each scope says which release of which
// image is current, and each release of an image has a manifest.
type Chameleon struct {
	Get  *Getter
	Site *ChameleonSite
}

// Offers implements Store.
func (c *Chameleon) Offers(ctx context.Context) ([]*Offer, error) {
	if err := checkSegment("scope", c.Site.Scope); err != nil {
		return nil, err
	}
	var current map[string]string
	if err := c.Get.object(ctx, join(c.Site.Store, c.Site.Container, c.Site.Scope, "current"), maxText, &current); err != nil {
		return nil, err
	}
	var offers []*Offer
	for name, release := range current {
		o := &Offer{
			Name: name, Release: release, From: upload.Shown(c.Site.Store), Marks: map[string]string{CurrentKey: release},
		}
		if o.Problem = checkSegment("name", name); o.Problem == nil {
			o.Problem = checkSegment("release", release)
		}
		o.More = func(ctx context.Context) error { return c.more(ctx, o) }
		offers = append(offers, o)
	}
	return checked(offers), nil
}

// more reads an image's manifest, all of which becomes properties, and what Swift says of its data.
func (c *Chameleon) more(ctx context.Context, o *Offer) error {
	folder := join(c.Site.Store, c.Site.Container, c.Site.Scope, "versions", o.Release)
	address := join(folder, o.Name+".manifest")
	text, err := c.Get.get(ctx, address, maxFields)
	if err != nil {
		return err
	}
	properties, err := manifest(text)
	if err != nil {
		return fault.New(fault.KindOf(err), "", "the manifest %s: %w", upload.Shown(address), err)
	}
	o.Distro, o.Version, o.Variant = properties["build-distro"], properties["build-release"], properties["build-variant"]
	maps.Copy(properties, o.Marks)
	properties[c.Site.Field] = "true"
	o.Image.Properties = properties
	data := join(folder, o.Name+"."+c.Site.Type)
	o.Source = c.Get.Web(data)
	o.Source.Format = c.Site.Type
	header, size, err := c.Get.head(ctx, data)
	if err != nil {
		return err
	}
	o.Source.Size, o.Source.Sums = size, swiftSums(header)
	return nil
}

func manifest(text []byte) (map[string]string, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var fields map[string]any
	if err := decoder.Decode(&fields); err != nil {
		return nil, fault.New(fault.Forbidden, "", "it is no JSON object: %w", err)
	}
	properties, err := scalars(fields)
	if err == nil {
		err = checkProperties(properties)
	}
	return properties, err
}

// swiftSums is the checksum that Swift keeps of an object; none for one in segments, of which it only has
// one of the segments' checksums.
func swiftSums(header http.Header) upload.Sums {
	sums := upload.Sums{}
	large, _ := strconv.ParseBool(header.Get("X-Static-Large-Object"))
	if !large && header.Get("X-Object-Manifest") == "" {
		_ = sums.Add("md5", trimQuotes(header.Get("Etag"))) // one that is none stays out
	}
	return sums
}

func trimQuotes(text string) string { return string(bytes.Trim([]byte(text), `"`)) }
