package modify

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// ownCommand has a site's own command change the image. It gets the image as an OCI layout and has
// to write the result as another; what it is to do is JSON on its standard input.
type ownCommand struct{}

// request is what a command reads.
type request struct {
	Role         string         `json:"role"`
	SourceImage  string         `json:"source_image"`
	SourceDigest string         `json:"source_digest"`
	SourceLayout string         `json:"source_layout"`
	TargetImage  string         `json:"target_image"`
	TargetLayout string         `json:"target_layout"`
	AppendTag    string         `json:"modified_append_tag"`
	Variables    map[string]any `json:"variables"`
}

func (ownCommand) modify(ctx context.Context, w *work) (v1.Image, error) {
	r := request{
		Role: w.recipe.role, SourceImage: w.Source.String(), SourceDigest: w.SourceDigest, TargetImage: w.Target.String(),
		SourceLayout: filepath.Join(w.folder, "source"), TargetLayout: filepath.Join(w.folder, "target"),
		AppendTag: w.AppendTag, Variables: w.recipe.vars,
	}
	if r.Variables == nil {
		r.Variables = map[string]any{}
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, err
	}
	if err := w.run.layout(w.base, r.SourceLayout); err != nil {
		return nil, err
	}
	if err := os.Mkdir(r.TargetLayout, 0o755); err != nil {
		return nil, err
	}
	p := &programs{&w.run.o}
	cmd := command{
		name: w.recipe.command[0], args: w.recipe.command[1:], folder: w.folder, stdin: string(text) + "\n",
		env: append(p.env(), "IMGCTL_SOURCE_IMAGE="+r.SourceImage, "IMGCTL_SOURCE_LAYOUT="+r.SourceLayout,
			"IMGCTL_TARGET_IMAGE="+r.TargetImage, "IMGCTL_TARGET_LAYOUT="+r.TargetLayout),
		lines: func(line string) { w.rep.Step("%s: %s", w.Source.Base(), line) },
	}
	if err := cmd.run(ctx, nil); err != nil {
		return nil, err
	}
	return single(r.TargetLayout)
}

// single is the one image of a layout, checked to its last byte.
func single(folder string) (v1.Image, error) {
	index, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		return nil, fault.New(fault.Usage, "", "the command left no OCI layout in %s: %v", folder, err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, fmt.Errorf("the command's result: %w", err)
	}
	if len(manifest.Manifests) != 1 || !manifest.Manifests[0].MediaType.IsImage() {
		return nil, fault.New(fault.Usage, "", "the command's result has to be one image, but the layout's index lists %d manifests, "+
			"or no image", len(manifest.Manifests))
	}
	image, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		return nil, fmt.Errorf("the command's result: %w", err)
	}
	if err := validate.Image(image); err != nil {
		return nil, fault.New(fault.Usage, "", "the command's result is broken: %v", err)
	}
	return image, nil
}

// layout writes an image as an OCI layout. Its layers are links to the run's own files.
func (r *run) layout(image v1.Image, folder string) error {
	to, err := layout.Write(folder, empty.Index)
	if err != nil {
		return err
	}
	layers, err := image.Layers()
	if err != nil {
		return err
	}
	blobs := filepath.Join(folder, "blobs", "sha256")
	if err := os.MkdirAll(blobs, 0o755); err != nil {
		return err
	}
	for _, l := range layers {
		digest, err := l.Digest()
		if err != nil {
			return err
		}
		if err := r.link(l, filepath.Join(blobs, digest.Hex)); err != nil {
			return err
		}
	}
	return to.AppendImage(image)
}

// link puts a layer where it is wanted, as a link to the run's one copy or as a copy of that.
func (r *run) link(l v1.Layer, to string) error {
	file, err := r.scratch.blob(l)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(to); err == nil {
		return nil // twice in one image
	}
	if os.Link(file, to) == nil {
		return nil
	}
	from, err := os.Open(file)
	if err != nil {
		return err
	}
	defer from.Close()
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(f, from)
	return err
}
