package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	stdmaps "maps"
	"slices"
	"strconv"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/factory/packer"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Properties of the images that a worker builds. People and tools may read them, too.
const (
	ImageKey    = "imgctl_build_image"    // the recipe's name
	KeyKey      = "imgctl_build_key"      // SHA-256 of what the image was built from
	SequenceKey = "imgctl_build_sequence" // the message's; of two images of one recipe, the higher one is newer
)

// build makes the image of one template current, and builds it unless it is there.
func (w *worker) build(ctx context.Context, j *job, template string, files handed, log io.Writer) outcome {
	marks := map[string]string{ImageKey: j.Name}
	if j.Sequence > 0 {
		marks[SequenceKey] = strconv.FormatInt(j.Sequence, 10)
	}
	key, err := w.key(j, template)
	if err != nil {
		return outcome{err: err}
	}
	marks[KeyKey] = key
	done, left, err := w.look(ctx, j, key)
	if err != nil {
		return outcome{err: err}
	}
	if len(done) > 0 {
		return outcome{images: done}
	}
	if len(left) > 0 {
		_, _ = fmt.Fprintf(log, "An earlier run has built image %s, which is still to be promoted\n", left[0])
		return outcome{images: left, err: w.promote(ctx, j, left[0], marks)}
	}
	artifacts, err := w.pack(ctx, j, template, files, marks, log)
	if err != nil {
		return outcome{err: err}
	}
	o := outcome{built: true}
	for _, a := range artifacts {
		if !glance.IsID(a.ID) || slices.Contains(o.images, a.ID) {
			continue // the post-processors' artifacts are something else, or the same image
		}
		o.images = append(o.images, a.ID)
		o.err = errors.Join(o.err, w.promote(ctx, j, a.ID, marks))
	}
	if len(o.images) == 0 {
		w.rep.Warn("%s: the build of %s made no image", j.Name, template)
	}
	return o
}

// look looks for what earlier runs have made: images that are or were current already, and one that only has to be
// promoted. It is errSuperseded if an image of a newer message was current.
func (w *worker) look(ctx context.Context, j *job, key string) (done, left []string, err error) {
	images, err := w.Site.Images.Images(ctx, glance.Query{
		Owner: w.Site.Project, BothHidden: true, Properties: map[string]string{ImageKey: j.Name},
	})
	if err != nil {
		return nil, nil, fmt.Errorf("looking for images of earlier builds: %w", err)
	}
	for _, i := range images {
		promoted, archived := i.Properties[promote.PromotedKey] != "", i.Properties[promote.ArchivedFromKey] != ""
		sequence, _ := strconv.ParseInt(i.Properties[SequenceKey], 10, 64)
		// What is to be built in any case is done only by its own message.
		same := i.Properties[KeyKey] == key && i.Status == glance.StatusActive && (!j.Force || sequence == j.Sequence)
		switch {
		case j.Sequence > 0 && promoted && sequence > j.Sequence:
			return nil, nil, fmt.Errorf("image %s: %w", i, errSuperseded)
		case same && promoted && (!archived || j.Sequence > 0 && sequence == j.Sequence):
			done = append(done, i.ID)
		case same && !promoted:
			left = append(left, i.ID)
		}
	}
	return done, left, nil
}

// clear removes what dead workers have built of this recipe for this or an older message, and nobody has promoted: nobody
// will. The caller has the claim on the recipe, and has made its images current.
func (w *worker) clear(ctx context.Context, j *job, current []string) {
	if j.Sequence == 0 {
		return
	}
	images, err := w.Site.Images.Images(ctx, glance.Query{
		Owner: w.Site.Project, BothHidden: true, Properties: map[string]string{ImageKey: j.Name},
	})
	if err != nil {
		w.rep.Warn("%s: looking for images of dead workers: %v", j.Name, err)
		return
	}
	for _, i := range images {
		sequence, _ := strconv.ParseInt(i.Properties[SequenceKey], 10, 64)
		promoted := i.Properties[promote.PromotedKey] != "" || i.Properties[promote.ArchivedFromKey] != ""
		if promoted || sequence == 0 || sequence > j.Sequence || slices.Contains(current, i.ID) {
			continue
		}
		if err := w.Site.Images.Delete(ctx, i.ID); err != nil {
			w.rep.Warn("%s: removing image %s of a dead worker: %v", j.Name, i, err)
			continue
		}
		w.rep.Step("%s: removed image %s, which a dead worker has built", j.Name, i)
	}
}

// pack runs packer.
func (w *worker) pack(ctx context.Context, j *job, template string, files handed, marks map[string]string, log io.Writer) (
	[]packer.Artifact, error,
) {
	b := w.Packer
	b.Template, b.Log, b.Env = template, log, stdmaps.Clone(w.Packer.Env)
	text, err := json.Marshal(marks)
	if err != nil {
		return nil, err
	}
	b.Env[glance.CallersVariable] = string(text)
	b.Variables = map[string]any{
		"image_name": j.Name, "image_key": j.Key, "metadata": j.Metadata, "profile": files.profile, "profile_digest": j.digest,
		"build_key": marks[KeyKey],
	}
	if j.SourceImage != "" {
		b.Variables["source_image"], b.Variables["source_images"] = j.SourceImage, files.sources
	}
	if w.Resolve.NameStyle != "" {
		b.Variables["name_style"] = w.Resolve.NameStyle
	}
	late := fault.New(fault.Internal, fault.Advise("raise %s", fault.Option("build_timeout")), "the build took longer than %s", w.Timeout)
	ctx, cancel := context.WithTimeoutCause(ctx, w.Timeout, late)
	defer cancel()
	return b.Run(ctx)
}

// promote makes a built image current, unless one of a newer message is.
func (w *worker) promote(ctx context.Context, j *job, id string, marks map[string]string) error {
	img, err := w.Site.Images.Image(ctx, id)
	if err != nil {
		return fmt.Errorf("reading the image that was built: %w", err)
	}
	if _, _, err := w.look(ctx, j, marks[KeyKey]); err != nil {
		if errors.Is(err, errSuperseded) && img.Properties[promote.PromotedKey] == "" {
			if gone := w.Site.Images.Delete(ctx, id); gone != nil {
				w.rep.Warn("%s: removing image %s, which is too late: %v", j.Name, img, gone)
			}
		}
		return err
	}
	o := w.Promotion
	o.ImageID, o.Properties = id, marks
	if w.Suffix != "" && img.Properties[promote.PromotedKey] == "" {
		o.Name = strings.TrimSuffix(img.Name, w.Suffix)
	}
	site := w.Site
	site.Run = string(cloud.NewRun())
	plan, err := promote.NewPlan(ctx, site, o)
	if err != nil || plan.Done() {
		return err
	}
	if _, err := promote.Apply(ctx, site, plan, w.rep); err != nil {
		return fmt.Errorf("promoting image %s: %w", img, err)
	}
	return nil
}
