package launch

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	imagesync "github.com/imgctl/packer-plugin-openstack/internal/image/sync"
	"github.com/imgctl/packer-plugin-openstack/internal/image/sync/store"
	"github.com/imgctl/packer-plugin-openstack/internal/image/upload"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/layout"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// nameKey has the name that an image was made for: an archived one has another, and isn't pruned.
const nameKey = MarkKey + "_name"

var images = &kind{name: "images", noun: "image", judge: judgeImage, find: findImage, loses: true}

// ownImages are the images of the project, read once, until one is changed.
type ownImages struct {
	mu   sync.Mutex
	read bool
	all  []*glance.Image
	err  error
}

func (w *world) glance() (*glance.Client, error) {
	sc, err := w.cloud.Image()
	if err != nil {
		return nil, err
	}
	return glance.New(sc), nil
}

func (w *world) ownImages(ctx context.Context) ([]*glance.Image, error) {
	w.images.mu.Lock()
	defer w.images.mu.Unlock()
	if !w.images.read {
		client, err := w.glance()
		if err != nil {
			return nil, err
		}
		w.images.all, w.images.err = client.Images(ctx, glance.Query{Owner: w.project(), BothHidden: true})
		w.images.read = true
	}
	return w.images.all, w.images.err
}

func (w *world) forgetImages() {
	w.images.mu.Lock()
	defer w.images.mu.Unlock()
	w.images.read = false
}

// current are the images that are current under a name. Those of runs that died aren't.
func current(all []*glance.Image, name string) (found []*glance.Image) {
	for _, img := range all {
		staged := img.Properties[imagesync.ForKey] != "" && !promote.Concerns(img)
		if (img.Name == name || img.Properties[promote.CurrentKey] == name) && img.Status == glance.StatusActive && !staged {
			found = append(found, img)
		}
	}
	return found
}

func findImage(ctx context.Context, w *world, _ *kind, r *layout.Resource) (found []object, err error) {
	all, err := w.ownImages(ctx)
	for _, img := range current(all, r.Name) {
		found = append(found, object{"id": img.ID, "name": img.Name})
	}
	return found, err
}

// imagesElsewhere finds public images, and those that the project has accepted.
func (w *world) imagesElsewhere(ctx context.Context, name string) (found []object, err error) {
	client, err := w.glance()
	if err != nil {
		return nil, err
	}
	all, err := client.Images(ctx, glance.Query{Name: name})
	for _, img := range all {
		found = append(found, object{"id": img.ID, "name": img.Name})
	}
	return found, err
}

// judgeImage decides about an image. Its data counts if the layout has a checksum; otherwise only its name does, as for
// Ansible. New data becomes current by a promotion.
func judgeImage(ctx context.Context, w *world, _ *kind, r *layout.Resource) (v verdict, err error) {
	all, err := w.ownImages(ctx)
	if err != nil {
		return v, err
	}
	found := current(all, r.Name)
	switch {
	case len(found) > 1:
		return v, fault.New(fault.Ambiguous, "", "%d images of the project are current under the name:\n%s", len(found), glance.List(found))
	case r.Absent && len(found) == 0:
		return verdict{action: Same, reason: "it isn't there"}, nil
	case r.Absent:
		return w.imageRemoval(found[0]), nil
	}
	offer, err := w.offer(ctx, r)
	if err != nil {
		return v, err
	}
	unsettled := slices.ContainsFunc(all, func(img *glance.Image) bool {
		return img.Properties[imagesync.ForKey] == r.Name && !promote.Concerns(img) || promote.Claims(img, r.Name) ||
			img.Name == r.Name && promote.Unsettled(img)
	})
	switch {
	case len(found) == 0:
		return w.bring(offer, verdict{action: Create, reason: "it isn't there"}), nil
	case unsettled:
		return w.bring(offer, verdict{action: Update, reason: "a run that ended early left it unfinished", id: found[0].ID}), nil
	}
	if len(offer.Source.Sums) > 0 {
		same, known := upload.Holds(found[0], offer.Source.Sums)
		if !same {
			reason := "the current image has other data"
			if !known {
				reason = "the current image has no checksum to compare"
			}
			return w.bring(offer, verdict{action: Update, reason: reason, id: found[0].ID}), nil
		}
	}
	return w.imageUpdate(ctx, r, offer, found[0])
}

// imageUpdate compares the attributes of an image.
func (w *world) imageUpdate(_ context.Context, r *layout.Resource, offer *store.Offer, img *glance.Image) (verdict, error) {
	patch, changes := glance.Patch{}, []string{}
	if least, given := r.Fields["min_disk"].(int); given && img.MinDisk < least {
		patch, changes = patch.MinDisk(least), append(changes, fmt.Sprintf("min_disk: %d -> %d", img.MinDisk, least))
	}
	if least, given := r.Fields["min_ram"].(int); given && img.MinRAM != least {
		patch, changes = patch.MinRAM(least), append(changes, fmt.Sprintf("min_ram: %d -> %d", img.MinRAM, least))
	}
	if v := offer.Visibility; v != "" && img.Visibility != v && (v == glance.Public || img.Visibility == glance.Public) {
		patch, changes = patch.Visibility(v), append(changes, fmt.Sprintf("visibility: %s -> %s", img.Visibility, v))
	}
	for _, key := range slices.Sorted(maps.Keys(offer.Image.Properties)) {
		value := offer.Image.Properties[key]
		if key == MarkKey || key == nameKey || img.Properties[key] == value {
			continue
		}
		patch, changes = patch.Set(key, value), append(changes, fmt.Sprintf("%s: %s -> %s", key, shown(img.Properties[key]), shown(value)))
	}
	if len(changes) == 0 {
		return verdict{action: Same, id: img.ID}, nil
	}
	return verdict{action: Update, reason: strings.Join(changes, ", "), id: img.ID, do: func(ctx context.Context) (string, error) {
		client, err := w.glance()
		if err == nil {
			_, err = client.Update(ctx, img.ID, patch)
		}
		w.forgetImages()
		return img.ID, err
	}}, nil
}

func (w *world) imageRemoval(img *glance.Image) verdict {
	return verdict{action: Absent, id: img.ID, do: func(ctx context.Context) (string, error) {
		client, err := w.glance()
		if err == nil {
			err = client.Delete(ctx, img.ID)
		}
		w.forgetImages()
		return img.ID, err
	}}
}

// one is a store with one image.
type one struct{ offer *store.Offer }

func (o one) Offers(context.Context) ([]*store.Offer, error) {
	again := *o.offer
	return []*store.Offer{&again}, nil
}

// bring has an image uploaded and promoted.
func (w *world) bring(offer *store.Offer, v verdict) verdict {
	v.do = func(ctx context.Context) (string, error) {
		defer w.forgetImages()
		site, err := imagesync.NewSite(w.cloud)
		if err != nil {
			return "", err
		}
		p, err := imagesync.NewPlan(ctx, site, imagesync.Options{From: []imagesync.From{{
			Store: one{offer}, Unchecked: len(offer.Source.Sums) == 0, Visibility: offer.Visibility,
		}}})
		if err != nil {
			return "", err
		}
		err = p.Apply(ctx, w.rep)
		id := ""
		for _, i := range p.Items {
			id = i.ImageID
			if i.Outcome == imagesync.Busy {
				err = cmp.Or(err, fault.New(fault.Conflict, "", "another run is bringing the image: %s", i.Reason))
			}
		}
		return id, err
	}
	return v
}

// offer is the image that a layout describes.
func (w *world) offer(ctx context.Context, r *layout.Resource) (*store.Offer, error) {
	f := r.Fields
	if c := f.Text("container_format"); c != "" && c != "bare" {
		return nil, fault.New(fault.Usage, "", "%s: the container format %q isn't supported; images are bare", r.At, c)
	}
	if o := f.Text("owner"); o != "" && o != w.project() && o != w.cloud.Project().Name {
		return nil, fault.New(fault.Usage, "use an entry of clouds.yaml for that project", "%s: the image is for project %q, "+
			"and the credentials are for %q", r.At, o, w.cloud.Project().Name)
	}
	o := &store.Offer{Name: r.Name, From: "the layout"}
	properties, _ := f["properties"].(map[string]string)
	o.Image.Properties = map[string]string{MarkKey: w.asked.Name, nameKey: r.Name}
	maps.Copy(o.Image.Properties, properties)
	for key, property := range map[string]string{"kernel": "kernel_id", "ramdisk": "ramdisk_id"} {
		if name := f.Text(key); name != "" {
			id, err := w.ref(ctx, "images", name, r)
			if err != nil {
				return nil, err
			}
			if id != "" {
				o.Image.Properties[property] = id
			}
		}
	}
	o.Image.MinDisk, _ = f["min_disk"].(int)
	o.Image.MinRAM, _ = f["min_ram"].(int)
	if public, given := f["is_public"].(bool); given {
		o.Visibility = map[bool]string{true: glance.Public, false: glance.Private}[public]
	}
	return o, w.source(ctx, r, o)
}

// source is where an image's data comes from: its address, or else a file on this machine.
func (w *world) source(ctx context.Context, r *layout.Resource, o *store.Offer) error {
	f := r.Fields
	address, file := f.Text("download_image_url"), f.Text("filename")
	local, isFile := strings.CutPrefix(address, "file://")
	switch {
	case isFile:
		o.Source = upload.File(local)
	case address != "":
		o.Source = store.NewGetter().Web(address)
	case file != "":
		o.Source = upload.File(file)
	default:
		o.Source.Open = func(context.Context, int64) (*upload.Opened, error) {
			return nil, fault.New(fault.Usage, "give it an address or a file", "%s: the layout doesn't say where image %q comes from",
				r.At, r.Name)
		}
	}
	o.Source.Format = f.Text("disk_format")
	sum := f.Text("checksum")
	if sum == "" {
		o.Marks = map[string]string{MarkKey: w.asked.Name, nameKey: r.Name} // by which a run that goes on knows its image
		return nil
	}
	algorithm, list, _ := strings.Cut(sum, ":")
	if u, err := url.Parse(sum); err == nil && u.Host != "" {
		list = sum
	} else if u, err := url.Parse(list); err != nil || u.Host == "" {
		o.Source.Sums, err = upload.ParseSums(sum)
		if err != nil {
			return fmt.Errorf("%s: checksum: %w", r.At, err)
		}
		o.Release = o.Source.Sums.Best()[:min(len(sum), len(algorithm)+13)]
		return nil
	}
	published := &store.Distribution{
		Get: store.NewGetter(), Sums: list, Images: []store.Pick{{File: path.Base(cmp.Or(address, file)), Name: r.Name}},
	}
	offers, err := published.Offers(ctx)
	if err != nil {
		return err
	}
	o.Source.Sums, o.Release, o.Problem = offers[0].Source.Sums, offers[0].Release, offers[0].Problem
	return o.Problem
}
