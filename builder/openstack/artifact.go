package openstack

import (
	"context"
	"log"
	"strings"
	"time"

	registryimage "github.com/hashicorp/packer-plugin-sdk/packer/registry/image"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Artifact is the image that a build made.
type Artifact struct {
	image  *glance.Image
	source *glance.Image
	access cloud.Access
	region string
	state  map[string]any
}

func newArtifact(b *build, generated map[string]any) *Artifact {
	img := b.image
	return &Artifact{
		image: img, source: b.source, access: b.config.Access, region: b.cloud.Region(),
		state: map[string]any{
			"generated_data":    generated,
			"image_id":          img.ID,
			"image_name":        img.Name,
			"source_image_id":   b.source.ID,
			"source_image_name": b.source.Name,
			"project_id":        b.cloud.Project().ID,
			"owner":             img.Owner,
			"cloud":             b.cloud.Name(),
			"region":            b.cloud.Region(),
			"visibility":        img.Visibility,
			"checksum":          img.Checksum,
			"os_hash_algo":      img.HashAlgo,
			"os_hash_value":     img.HashValue,
			"size":              img.Size,
			"run_id":            string(b.config.run),
		},
	}
}

// BuilderId is the kind of builder that made the artifact.
func (*Artifact) BuilderId() string { return BuilderID }

// Files are none: the image is in the cloud.
func (*Artifact) Files() []string { return nil }

// Id is the image's id.
func (a *Artifact) Id() string { return a.image.ID }

// String names the image. It is identical to HashiCorp's, because scripts read what follows the second
// colon in Packer's line.
func (a *Artifact) String() string { return "An image was created: " + a.image.ID }

// State is what post-processors and HCP Packer can know about the image: image_id, image_name,
// source_image_id, source_image_name, project_id, owner, cloud, region, visibility, checksum,
// os_hash_algo, os_hash_value, size (bytes), run_id and generated_data.
func (a *Artifact) State(name string) any {
	if name != registryimage.ArtifactStateURI {
		return a.state[name]
	}
	img, err := registryimage.FromArtifact(a,
		registryimage.WithProvider("openstack"),
		registryimage.WithRegion(a.region),
		registryimage.WithSourceID(a.source.ID),
		registryimage.SetLabels(a.labels()),
	)
	if err != nil {
		log.Printf("[WARN] no metadata for HCP Packer: %s", err)
		return nil
	}
	return img
}

func (a *Artifact) labels() map[string]any {
	labels := map[string]any{
		"image_name": a.image.Name, "source_image_name": a.source.Name, "owner": a.image.Owner,
		"visibility": a.image.Visibility, "checksum": a.image.Checksum,
		a.image.HashAlgo: a.image.HashValue, "tags": strings.Join(a.image.Tags, ","),
	}
	for _, key := range []string{"os_distro", "os_version", "os_type", "architecture"} {
		labels[key] = a.image.Properties[key]
	}
	for key, value := range labels {
		if key == "" || value == "" {
			delete(labels, key)
		}
	}
	return labels
}

// destroyTimeout limits the deletion of an image that Packer discards.
const destroyTimeout = 5 * time.Minute

// Destroy deletes the image.
func (a *Artifact) Destroy() error {
	ctx, cancel := context.WithTimeout(context.Background(), destroyTimeout)
	defer cancel()
	c, err := cloud.Connect(ctx, a.access)
	if err != nil {
		return err
	}
	defer c.Close()
	api, err := c.Image()
	if err != nil {
		return err
	}
	images := glance.New(api)
	if a.image.Protected {
		if _, err := images.Update(ctx, a.image.ID, glance.Patch{}.Protected(false)); err != nil {
			return err
		}
	}
	return images.Delete(ctx, a.image.ID)
}
