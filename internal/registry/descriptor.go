package registry

import (
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Descriptor says what something is, without its bytes.
type Descriptor struct {
	MediaType    string            `json:"mediaType"`
	ArtifactType string            `json:"artifactType,omitempty"` // of a referrer
	Digest       string            `json:"digest"`
	Size         int64             `json:"size"`
	URLs         []string          `json:"urls,omitempty"`
	Platform     *Platform         `json:"platform,omitempty"`
	Annotations  map[string]string `json:"annotations,omitempty"`
}

// IsIndex reports whether it is an index of several manifests.
func (d Descriptor) IsIndex() bool { return isIndex(d.MediaType) }

// Foreign reports whether it is a layer that a registry doesn't have, but somebody else's server.
func (d Descriptor) Foreign() bool {
	media := types.MediaType(d.MediaType)
	return media.IsLayer() && !media.IsDistributable()
}

// Platform is what an image of an index runs on.
type Platform struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
	Variant      string `json:"variant,omitempty"`
}
