package promote

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
)

// BuilderID identifies the artifacts of this post-processor.
const BuilderID = "imgctl.openstack-promote"

// artifact is the build's artifact, with what the promotion did.
type artifact struct {
	packersdk.Artifact
	result promote.Result
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

// State returns image_id, image_name and archived (new names by id), and for other keys the state of
// the build's artifact.
func (a *artifact) State(name string) any {
	switch name {
	case "image_id":
		return a.result.ImageID
	case "image_name":
		return a.result.Name
	case "archived":
		return a.result.Archived
	}
	return a.Artifact.State(name)
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
