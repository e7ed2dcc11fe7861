// Package localstore takes images out of this machine's own storage, that of podman and buildah, and puts
// images there. Its
// layers lie there unpacked, in a form that is its owners' affair, so that one of their programs writes
// the images as an OCI layout first. Such an image has another digest than the registry's it came from.
package localstore

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Prefix is before the names of images in the storage.
const Prefix = "containers-storage:"

const (
	maxSaid  = 1000 // bytes of what a program says that an error quotes
	stopTime = 10 * time.Second
)

// programs can write an image as a layout, the lightest first: arguments before the image.
var programs = []struct {
	name  string
	words []string
}{{"skopeo", []string{"copy", "-q"}}, {"podman", []string{"push", "-q"}}, {"buildah", []string{"push", "-q"}}}

// Export writes images into a layout in the folder, under their names. environment is the programs', as
// NAME=VALUE; PATH is where they are looked for.
func Export(ctx context.Context, images []reference.Reference, folder string, environment []string) error {
	file, words, err := find(environment)
	if err != nil {
		return err
	}
	for _, i := range images {
		name := i.String()
		if i.Digest == "" {
			name = i.WithTag(i.Identifier()).String()
		}
		var said bytes.Buffer
		cmd := exec.CommandContext(ctx, file, slices.Concat(words, []string{Prefix + name, "oci:" + folder + ":" + name})...)
		cmd.Env, cmd.Stderr, cmd.WaitDelay = environment, &said, stopTime
		if err := cmd.Run(); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			text := strings.TrimSpace(said.String())
			return fault.New(kind(text), "", "reading %s with %s: %w: %s", name, filepath.Base(file), err, text[:min(len(text), maxSaid)])
		}
	}
	return nil
}

// Import writes images of a layout in the folder into the storage, under their names. It needs skopeo.
func Import(ctx context.Context, images []reference.Reference, folder string, environment []string) error {
	file, _, err := find(environment)
	if err != nil {
		return err
	}
	if filepath.Base(file) != programs[0].name {
		return fault.New(fault.Usage, fault.Advise("install %s", programs[0].name), "only %s can write to this machine's own storage, and "+
			"it isn't here", programs[0].name)
	}
	for _, i := range images {
		name := i.String()
		var said bytes.Buffer
		cmd := exec.CommandContext(ctx, file, slices.Concat(programs[0].words, []string{"oci:" + folder + ":" + name, Prefix + name})...)
		cmd.Env, cmd.Stderr, cmd.WaitDelay = environment, &said, stopTime
		if err := cmd.Run(); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			text := strings.TrimSpace(said.String())
			return fault.New(kind(text), "", "writing %s with %s: %w: %s", name, filepath.Base(file), err, text[:min(len(text), maxSaid)])
		}
	}
	return nil
}

// kind is what a program's message means.
func kind(said string) fault.Kind {
	switch {
	case strings.Contains(said, "does not resolve to an image ID"), strings.Contains(said, "no such image"),
		strings.Contains(said, "image not known"):
		return fault.NotFound
	case strings.Contains(said, "permission denied"):
		return fault.Forbidden
	case strings.Contains(said, "no space left"):
		return fault.Quota
	}
	return fault.Internal
}

// find finds the first of the programs that is there.
func find(environment []string) (file string, words []string, err error) {
	var path string
	for _, e := range environment {
		if value, ok := strings.CutPrefix(e, "PATH="); ok {
			path = value
		}
	}
	var names []string
	for _, p := range programs {
		names = append(names, p.name)
		for _, dir := range filepath.SplitList(path) {
			if !filepath.IsAbs(dir) {
				continue
			}
			if file, err := exec.LookPath(filepath.Join(dir, p.name)); err == nil {
				return file, p.words, nil
			}
		}
	}
	return "", nil, fault.New(fault.Usage, fault.Advise("install %s", strings.Join(names, ", or ")),
		"no program is here that reads this machine's own storage: %s", fmt.Sprint(names))
}
