package leaks

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	vols "github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// volumes lists the volumes that servers booted from and that were left: made from an image, without a name, and not
// attached. What somebody has named isn't a leak.
func volumes(ctx context.Context, p *project) ([]*Leak, error) {
	sc, err := p.BlockStorage()
	if err != nil {
		return nil, err
	}
	pages, err := vols.List(sc, nil).AllPages(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing volumes: %w", cloud.Classify(err))
	}
	all, err := vols.ExtractVolumes(pages)
	if err != nil {
		return nil, fmt.Errorf("listing volumes: %w", err)
	}
	leaked := func(v vols.Volume) bool {
		_, ours := cloud.MetadataMarks(v.Metadata)
		return v.TenantID == p.Project().ID && !ours && v.Name == "" && v.Description == "" && len(v.Attachments) == 0 &&
			(v.Status == "available" || v.Status == "error") && len(v.VolumeImageMetadata) > 0
	}
	var found []*Leak
	for _, v := range all {
		if !leaked(v) {
			continue
		}
		found = append(found, &Leak{
			Kind: Volume, ID: v.ID, Name: v.Name, Created: v.CreatedAt,
			Why: "a server booted from it, and it is attached to none",
			still: func(ctx context.Context) (bool, error) {
				now, err := vols.Get(ctx, sc, v.ID).Extract()
				if err != nil {
					return false, err
				}
				return leaked(*now) || now.Status == "deleting", nil
			},
			remove: func(ctx context.Context) error { return vols.Delete(ctx, sc, v.ID, nil).ExtractErr() },
			gone:   func(ctx context.Context) (bool, error) { return cloud.VolumeDeleted(ctx, sc, v.ID) },
		})
	}
	return found, nil
}

// uploaded is the name of an image that nodepool uploads: the diskimage's, and when it was uploaded.
var uploaded = regexp.MustCompile(`^(.+)-(\d{10})$`)

// keptReady is how many ready images of a diskimage nodepool never deletes.
const keptReady = 2

// marked reports whether nodepool says on an image that it uploaded it.
func marked(i *glance.Image) bool {
	return i.Properties["nodepool_build_id"] != "" || i.Properties["nodepool_upload_id"] != ""
}

// images lists the project's images that nodepool uploaded and no longer needs: of diskimages that aren't configured, older
// than the newest two of a diskimage, or never completed. One that a server was booted from is kept.
func images(ctx context.Context, p *project) ([]*Leak, error) {
	sc, err := p.Image()
	if err != nil {
		return nil, err
	}
	there, err := p.servers()
	if err != nil {
		return nil, err
	}
	client := glance.New(sc)
	all, err := client.Images(ctx, glance.Query{Owner: p.Project().ID, BothHidden: true})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b *glance.Image) int { // newest first; Glance tells seconds, as names do
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.Name, a.Name))
	})
	ready := map[[2]string]int{} // by provider and diskimage
	var found []*Leak
	for _, img := range all {
		stem := diskImage(img)
		configured := slices.Contains(p.DiskImages, stem)
		provider := img.Properties["nodepool_provider_name"]
		others := p.Known && provider != "" && !slices.Contains(p.Providers, provider)
		if !marked(img) && !configured || there[img.ID] || img.Protected || others {
			continue
		}
		why := ""
		switch {
		case p.Known && !configured:
			why = fmt.Sprintf("nodepool has no diskimage %q in this cloud", stem)
		case img.Status != "active" && img.Status != "deactivated":
			why = "its upload was never completed"
		default:
			of := [2]string{provider, stem}
			if ready[of]++; ready[of] > keptReady {
				why = fmt.Sprintf("there are %d newer images of diskimage %q", keptReady, stem)
			}
		}
		if why == "" {
			continue
		}
		found = append(found, &Leak{
			Kind: Image, ID: img.ID, Name: img.Name, Created: img.CreatedAt, Why: why,
			still: func(ctx context.Context) (bool, error) {
				now, err := client.Image(ctx, img.ID)
				return err == nil && now.Name == img.Name && now.Status == img.Status && !now.Protected, err
			},
			remove: func(ctx context.Context) error { return client.Delete(ctx, img.ID) },
		})
	}
	return found, nil
}

func diskImage(i *glance.Image) string {
	if m := uploaded.FindStringSubmatch(i.Name); m != nil {
		return m[1]
	}
	return strings.TrimSpace(i.Name)
}
