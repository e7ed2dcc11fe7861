package check

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// ProbeKey marks an image that an active check made, beside its run's marks.
const ProbeKey = "imgctl_probe"

const probeSize = 1 << 20

// probe is a small image.
type probe struct {
	format string
	data   []byte
}

func probes() []probe {
	raw := make([]byte, probeSize)
	for n := 512; n < len(raw); n++ { // what can be compressed says little about the way; the start isn't a boot sector
		raw[n] = byte(rand.Uint32()) // #nosec G404 -- it is no secret
	}
	return []probe{{"raw", raw}, {"qcow2", emptyQCOW2()}}
}

// emptyQCOW2 is an image of 1 MiB without data: the header, the table of reference counts, one block of them, and
// the first table of clusters, in a cluster each.
func emptyQCOW2() []byte {
	const cluster = 1 << 16
	image := make([]byte, 4*cluster)
	put := binary.BigEndian
	copy(image, "QFI\xfb")
	put.PutUint32(image[4:], 3)          // version
	put.PutUint32(image[20:], 16)        // bits of a cluster
	put.PutUint64(image[24:], probeSize) // virtual size
	put.PutUint32(image[36:], 1)         // entries of the table of clusters
	put.PutUint64(image[40:], 3*cluster) // its place
	put.PutUint64(image[48:], cluster)   // place of the table of reference counts
	put.PutUint32(image[56:], 1)         // its clusters
	put.PutUint32(image[96:], 4)         // a count has 2^4 bits
	put.PutUint32(image[100:], 104)      // length of the header
	put.PutUint64(image[cluster:], 2*cluster)
	for n := range 4 {
		put.PutUint16(image[2*cluster+2*n:], 1)
	}
	return image
}

// tryImages uploads an image of each format, tries what can be done with it, and removes it.
func (e *env) tryImages(ctx context.Context, rep report.Reporter) (f finding, left error) {
	sc, err := e.test.there.Image()
	if err != nil {
		return unknown(err), nil
	}
	images := glance.New(sc)
	var things cloud.Leftovers
	defer func() { left = things.Remove(ctx, e.o.Active.CleanupTimeout) }()
	within, cancel := context.WithTimeout(ctx, e.o.Active.Timeout)
	defer cancel()
	var texts, refused []string
	for _, p := range probes() {
		rep.Step("Uploading an image in format %s", p.format)
		took, err := e.tryImage(within, images, &things, p)
		switch {
		case err != nil:
			refused = append(refused, fmt.Sprintf("%s: %v", p.format, err))
		case p.format == "raw":
			texts = append(texts, fmt.Sprintf("raw: %.1f MB/s", float64(len(p.data))/1e6/max(took.Seconds(), 1e-6)))
		default:
			texts = append(texts, fmt.Sprintf("%s in %s", p.format, ms(took)))
		}
	}
	text := strings.Join(append(texts, refused...), "; ")
	switch {
	case len(texts) == 0:
		return found(unmet, fault.Advise("allow the user to upload images"), "%s", text), nil
	case len(refused) > 0:
		return found(barely, fault.Advise("allow the user to upload images in both formats"), "%s", text), nil
	}
	return pass("uploaded %s", text), nil
}

// tryImage uploads one image.
func (e *env) tryImage(ctx context.Context, images *glance.Client, things *cloud.Leftovers, p probe) (time.Duration, error) {
	a, mark := e.o.Active, string(e.o.Active.Run)+"-"+p.format
	thing := things.Expect(&cloud.Thing{
		Kind: "image",
		Find: func(ctx context.Context) (ids []string, err error) {
			found, err := images.Images(ctx, glance.Query{
				Owner: e.test.there.Project().ID, Properties: map[string]string{ProbeKey: mark},
				BothHidden: true,
			})
			for _, i := range found {
				ids = append(ids, i.ID)
			}
			return ids, err
		},
		Delete: images.Delete,
	})
	attributes := map[string]any{
		"name": a.Run.Name(), "disk_format": p.format, "container_format": "bare", "visibility": "private", ProbeKey: mark,
	}
	for k, v := range a.Run.Metadata(a.deadline(e.test.there)) {
		attributes[k] = v
	}
	start := time.Now()
	img, err := images.Create(ctx, attributes, ProbeKey, mark)
	if err != nil {
		return 0, thing.Settle("", err)
	}
	thing.Made(img.ID)
	if err := images.Upload(ctx, img.ID, bytes.NewReader(p.data)); err != nil {
		return 0, err
	}
	if err := becomesActive(ctx, images, img.ID); err != nil {
		return 0, err
	}
	took := time.Since(start)
	if p.format == "raw" {
		e.tryFeatures(ctx, images, img.ID)
	}
	return took, nil
}

func becomesActive(ctx context.Context, images *glance.Client, id string) error {
	return cloud.Poll(ctx, "image to be active", DefaultTimeout, func(ctx context.Context) (bool, error) {
		img, err := images.Image(ctx, id)
		if err != nil {
			return false, err
		}
		if img.Status == "killed" || img.Status == "deleted" {
			return false, fault.New(fault.Conflict, "", "the image has status %q", img.Status)
		}
		return img.Status == glance.StatusActive, nil
	})
}

// tryFeatures tries what not every cloud lets its users do.
func (e *env) tryFeatures(ctx context.Context, images *glance.Client, id string) {
	for _, f := range []struct {
		what string
		do   func() error
	}{
		{"sharing", func() error { _, err := images.Update(ctx, id, glance.Patch{}.Visibility("shared")); return err }},
		{"hiding", func() error { _, err := images.Update(ctx, id, glance.Patch{}.Hidden(true)); return err }},
		{"deactivation", func() error { return images.Deactivate(ctx, id) }},
	} {
		outcome := "works"
		if err := f.do(); err != nil {
			outcome = "is refused"
		}
		e.features = append(e.features, f.what+" "+outcome)
	}
}
