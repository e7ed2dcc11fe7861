package store

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/upload"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/swift"
)

// Headers is the store of Chameleon's older tools: a Swift container whose objects are named after
// Glance's ids, and say in their headers what they are. Of each kind, the newest is current.
type Headers struct {
	Get       *Getter
	Container string // address
	Supports  *Supports
}

// parallelHeads is how many objects are asked about at once.
const parallelHeads = 16

// Offers implements Store.
func (h *Headers) Offers(ctx context.Context) ([]*Offer, error) {
	objects, err := swift.List(ctx, h.Container, func(ctx context.Context, address string) ([]byte, error) {
		return h.Get.get(ctx, address, maxText)
	})
	if err != nil {
		return nil, err
	}
	found := make([]*Offer, len(objects))
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(parallelHeads)
	for n, object := range objects {
		if !glance.IsID(object.Name) {
			continue
		}
		group.Go(func() (err error) {
			found[n], err = h.object(within, object.Name)
			if fault.Is(err, fault.NotFound) {
				return nil // it was deleted meanwhile
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return checked(newest(found)), nil
}

// object reads an object's headers; nil if it isn't one of the supported images.
func (h *Headers) object(ctx context.Context, id string) (*Offer, error) {
	address := join(h.Container, id)
	header, size, err := h.Get.head(ctx, address)
	if err != nil {
		return nil, err
	}
	meta := objectMeta(header)
	name := h.Supports.production(meta["build-distro"], meta["build-release"], meta["build-variant"], meta["build-ipa"])
	if name == "" || meta["build-timestamp"] == "" {
		return nil, nil
	}
	o := &Offer{
		Name: name, Release: meta["build-timestamp"], ID: id, From: upload.Shown(h.Container),
		Distro: meta["build-distro"], Version: meta["build-release"], Variant: meta["build-variant"],
		Marks:  map[string]string{"build-timestamp": meta["build-timestamp"]},
		Source: h.Get.Web(address),
	}
	if revision, ok := meta["build-os-base-image-revision"]; ok {
		o.Marks["build-os-base-image-revision"] = revision
	}
	o.Image.Properties = map[string]string{}
	for k, v := range meta {
		if strings.HasPrefix(k, "build-") {
			o.Image.Properties[k] = v
		}
	}
	o.Source.Size, o.Source.Format, o.Source.Sums = size, meta["disk-format"], swiftSums(header)
	if _, ok := moment(o.Release); !ok {
		o.Problem = fault.New(fault.Forbidden, "", "its build-timestamp %q is no time", o.Release)
	}
	return o, nil
}

// objectMeta is an object's metadata, with lower-case keys, as the images have them.
func objectMeta(header http.Header) map[string]string {
	meta := map[string]string{}
	for k, v := range header {
		if key, ok := strings.CutPrefix(strings.ToLower(k), "x-object-meta-"); ok && len(v) > 0 {
			meta[key] = v[0]
		}
	}
	return meta
}

// newest leaves the newest image of each name. One whose time can't be read counts as the oldest.
func newest(found []*Offer) (offers []*Offer) {
	best := map[string]*Offer{}
	for _, o := range found {
		if o == nil {
			continue
		}
		other := best[o.Name]
		if other == nil || newer(o, other) {
			best[o.Name] = o
		}
	}
	for _, o := range best {
		offers = append(offers, o)
	}
	return offers
}

func newer(a, b *Offer) bool {
	at, _ := moment(a.Release)
	other, _ := moment(b.Release)
	return at.After(other) || at.Equal(other) && a.ID > b.ID
}

// moment reads a build-timestamp: seconds since 1970 with a fraction, or a date and time.
func moment(text string) (time.Time, bool) {
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds > -1e11 && seconds < 1e11 {
		return time.UnixMicro(int64(seconds * 1e6)).UTC(), true
	}
	for _, layout := range []string{"2006-01-02 15:04:05.999999", time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
