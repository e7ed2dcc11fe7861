package promote

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	registryimage "github.com/hashicorp/packer-plugin-sdk/packer/registry/image"
	"github.com/mitchellh/mapstructure"

	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
)

// BuilderID identifies the artifacts of this post-processor.
const BuilderID = "imgctl.openstack-promote"

// artifact is the build's artifact, with what the promotion did.
type artifact struct {
	packersdk.Artifact
	result promote.Result
	region string // of the cloud in which the image is
}

// BuilderId identifies this post-processor.
func (a *artifact) BuilderId() string { return BuilderID }

// Id is the id of the image that is current now.
func (a *artifact) Id() string { return a.result.ImageID }

// String says what happened to the images.
func (a *artifact) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "image %s is current under %q", a.result.ImageID, a.result.Name)
	for _, id := range slices.Sorted(maps.Keys(a.result.Archived)) {
		fmt.Fprintf(&b, "; image %s is archived as %q", id, a.result.Archived[id])
	}
	return b.String()
}

// State returns image_id, image_name, archived (new names by id), what HCP Packer can know about the image, and for other
// keys the state of the build's artifact.
func (a *artifact) State(name string) any {
	switch name {
	case "image_id":
		return a.result.ImageID
	case "image_name":
		return a.result.Name
	case "archived":
		return a.result.Archived
	case registryimage.ArtifactStateURI:
		return a.metadata()
	}
	return a.Artifact.State(name)
}

// metadata is for HCP Packer: what the build's artifact says about the image, with the name that it has now.
func (a *artifact) metadata() []registryimage.Image {
	var all []registryimage.Image
	// Between processes, an image is a map. One that can't be read is as good as none.
	if err := mapstructure.WeakDecode(a.Artifact.State(registryimage.ArtifactStateURI), &all); err != nil {
		all = nil
	}
	own := slices.IndexFunc(all, func(i registryimage.Image) bool { return i.ImageID == a.result.ImageID })
	if own < 0 {
		all = append(all, registryimage.Image{ImageID: a.result.ImageID, ProviderName: "openstack", ProviderRegion: a.region})
		own = len(all) - 1
	}
	labels := map[string]string{}
	maps.Copy(labels, all[own].Labels)
	labels["image_name"] = a.result.Name
	all[own].Labels = labels
	return all
}

var uuid = regexp.MustCompile(`[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}`)

// imageID finds the image id in the artifact of any builder: in its state image_id, or as the
// only UUID in its id, which some builders write as "REGION:ID".
func imageID(a packersdk.Artifact) (string, error) {
	if id, _ := a.State("image_id").(string); id != "" {
		return id, nil
	}
	ids := slices.Compact(slices.Sorted(slices.Values(uuid.FindAllString(a.Id(), -1))))
	switch len(ids) {
	case 1:
		return ids[0], nil
	case 0:
		return "", fmt.Errorf("image_id: the artifact %q of builder %s carries no image id; set image_id", a.Id(), a.BuilderId())
	}
	return "", fmt.Errorf("image_id: the artifact %q of builder %s carries several image ids; set image_id to one of them",
		a.Id(), a.BuilderId())
}
