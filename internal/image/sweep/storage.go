package sweep

import (
	"context"
	"fmt"
	"strings"

	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"

	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// findVolumes lists the project's volumes that have a run's marks in their metadata. Without
// all_tenants an administrator, too, is shown no other project's.
func findVolumes(ctx context.Context, c *cloud.Cloud) ([]*Leftover, error) {
	sc, err := service(c.BlockStorage)
	if err != nil {
		return nil, err
	}
	pages, err := volumes.List(sc, nil).AllPages(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing volumes: %w", cloud.Classify(err))
	}
	all, err := volumes.ExtractVolumes(pages)
	if err != nil {
		return nil, fmt.Errorf("listing volumes: %w", err)
	}
	var found []*Leftover
	for _, v := range all {
		marks, ok := cloud.MetadataMarks(v.Metadata)
		if !ok || v.TenantID != c.Project().ID {
			continue
		}
		found = append(found, &Leftover{
			Kind: Volume, ID: v.ID, Name: v.Name, Run: marks.Run, Created: v.CreatedAt, Deadline: marks.Deadline, Action: Delete,
			afterServer: true,
			ours: func(ctx context.Context) error {
				now, err := volumes.Get(ctx, sc, v.ID).Extract()
				if err != nil {
					return err
				}
				return still(marks.Run, cloud.Run(now.Metadata[cloud.RunKey]))
			},
			remove: func(ctx context.Context) error { return volumes.Delete(ctx, sc, v.ID, nil).ExtractErr() },
			gone:   func(ctx context.Context) (bool, error) { return cloud.VolumeDeleted(ctx, sc, v.ID) },
		})
	}
	return found, nil
}

// findImages lists the project's images that a build hadn't finished, by their staging name, or that a
// share was copying; the request that completes an image removes both marks.
func findImages(ctx context.Context, c *cloud.Cloud) ([]*Leftover, error) {
	images, err := imageClient(c)
	if err != nil {
		return nil, err
	}
	all, err := images.Images(ctx, glance.Query{Owner: c.Project().ID, BothHidden: true})
	if err != nil {
		return nil, err
	}
	var found []*Leftover
	for _, img := range all {
		run, ok := staged(img)
		if !ok {
			continue
		}
		marks, _ := cloud.MetadataMarks(img.Properties)
		found = append(found, &Leftover{
			Kind: Image, ID: img.ID, Name: img.Name, Run: run, Created: img.CreatedAt, Deadline: marks.Deadline, Action: Delete,
			afterServer: true,
			ours: func(ctx context.Context) error {
				now, err := images.Image(ctx, img.ID)
				if err != nil {
					return err
				}
				is, _ := staged(now)
				return still(run, is)
			},
			remove: func(ctx context.Context) error { return images.Delete(ctx, img.ID) },
		})
	}
	return found, nil
}

// importSuffix ends the name of an image that was imported for a build.
const importSuffix = "-source"

// staged is the run that was still at the image. One that a volume was made into can be without
// marks, as not every cloud lets a volume have them; no image may contradict its name.
func staged(img *glance.Image) (cloud.Run, bool) {
	if run := cloud.Run(img.Properties[cloud.RunKey]); img.Properties[glance.CopyingKey] != "" && run.Valid() {
		return run, true // a copy that was never finished
	}
	run, ok := cloud.NamedRun(strings.TrimSuffix(img.Name, importSuffix))
	mark, marked := img.Properties[cloud.RunKey]
	if !ok || marked && cloud.Run(mark) != run || promote.Concerns(img) {
		return "", false
	}
	return run, true
}

// findClaims lists the claims of names that promotions left which died.
func findClaims(ctx context.Context, c *cloud.Cloud) ([]*Leftover, error) {
	images, err := imageClient(c)
	if err != nil {
		return nil, err
	}
	dead, err := promote.DeadClaims(ctx, images, c.Project().ID)
	if err != nil {
		return nil, err
	}
	var found []*Leftover
	for _, claim := range dead {
		marks, ok := cloud.MetadataMarks(claim.Properties)
		if !ok {
			continue
		}
		found = append(found, &Leftover{
			Kind: Claim, ID: claim.ID, Name: promote.ClaimedName(claim), Run: marks.Run, Created: claim.CreatedAt, Action: Delete,
			ours: func(ctx context.Context) error {
				now, err := promote.DeadClaim(ctx, images, claim.ID)
				if err == nil && now == nil {
					err = errKept
				}
				return err
			},
			remove: func(ctx context.Context) error { return images.Delete(ctx, claim.ID) },
		})
	}
	return found, nil
}

func imageClient(c *cloud.Cloud) (*glance.Client, error) {
	sc, err := service(c.Image)
	if err != nil {
		return nil, err
	}
	return glance.New(sc), nil
}
