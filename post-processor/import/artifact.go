package imports

import (
	"fmt"
	"strings"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	registryimage "github.com/hashicorp/packer-plugin-sdk/packer/registry/image"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// result is what became of the file in one cloud.
type result struct {
	cloud   string
	image   string // id, "" if there is none
	current bool   // what was asked for is so: the image is current, or there under its name
	err     error
}

// artifact is the file's artifact, with the image in each cloud.
type artifact struct {
	packersdk.Artifact
	name     string
	promoted bool // images become current
	results  []result
}

// BuilderId identifies this post-processor.
func (*artifact) BuilderId() string { return BuilderID }

// Id is CLOUD:IMAGE ID for each cloud that has the image, separated by commas.
func (a *artifact) Id() string {
	var all []string
	for _, r := range a.results {
		if r.current {
			all = append(all, r.cloud+":"+r.image)
		}
	}
	return strings.Join(all, ",")
}

// String says for each cloud what became of the file.
func (a *artifact) String() string {
	if all := strings.ReplaceAll(a.Id(), ",", ", "); strings.Count(all, ":") == len(a.results) {
		if a.promoted {
			return fmt.Sprintf("%q is current in: %s", a.name, all)
		}
		return fmt.Sprintf("%q is in: %s", a.name, all)
	}
	var lines []string
	for _, r := range a.results {
		lines = append(lines, a.line(r))
	}
	return strings.Join(lines, "\n")
}

// line says what is so in one cloud.
func (a *artifact) line(r result) string {
	switch {
	case r.current && a.promoted:
		return fmt.Sprintf("cloud %s: image %s is current under %q", r.cloud, r.image, a.name)
	case r.current:
		return fmt.Sprintf("cloud %s: image %s has the name %q", r.cloud, r.image, a.name)
	case r.image != "":
		return fmt.Sprintf("cloud %s: image %s isn't %q: it stays hidden, with the reason", r.cloud, r.image, a.name)
	}
	reason, _ := fault.Spell(r.err, fault.Neutral)
	return fmt.Sprintf("cloud %s: nothing is changed: %s", r.cloud, reason)
}

// State returns image_name, images (ids by cloud), what HCP Packer can know about them, and for other keys the state of
// the file's artifact.
func (a *artifact) State(name string) any {
	switch name {
	case "image_name":
		return a.name
	case "images":
		ids := map[string]string{}
		for _, r := range a.results {
			if r.current {
				ids[r.cloud] = r.image
			}
		}
		return ids
	case registryimage.ArtifactStateURI:
		return a.metadata()
	}
	return a.Artifact.State(name)
}

// metadata is for HCP Packer. The clouds' names tell the images apart there: regions of different clouds often have
// the same name.
func (a *artifact) metadata() []*registryimage.Image {
	var all []*registryimage.Image
	for _, r := range a.results {
		if r.current {
			all = append(all, &registryimage.Image{
				ImageID: r.image, ProviderName: "openstack", ProviderRegion: r.cloud, Labels: map[string]string{"image_name": a.name},
			})
		}
	}
	return all
}
