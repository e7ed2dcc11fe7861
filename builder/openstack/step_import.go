package openstack

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/imageimport"
	"github.com/hashicorp/packer-plugin-sdk/multistep"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// stepImport has the cloud download the source image from a URL.
type stepImport struct{}

func (*stepImport) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	b := from(state)
	if b.config.ExternalSourceImageURL == "" {
		return multistep.ActionContinue
	}
	b.report.Step("Importing %s", b.config.ExternalSourceImageURL)
	if err := b.importSource(ctx); err != nil {
		return next(state, fmt.Errorf("external_source_image_url: %w", err))
	}
	return multistep.ActionContinue
}

func (b *build) importSource(ctx context.Context) error {
	name := staging(b.config.run) + "-source"
	attributes := map[string]any{
		"name": name, "container_format": "bare", "disk_format": b.config.ExternalSourceImageFormat,
		"visibility": glance.Private,
	}
	for k, v := range b.config.ExternalSourceImageProperties {
		attributes[k] = v
	}
	for k, v := range b.marks() {
		attributes[k] = v
	}
	thing := b.expectUsed(&cloud.Thing{
		Kind: "imported source image",
		Find: func(ctx context.Context) ([]string, error) {
			found, err := b.images.Images(ctx, glance.Query{Name: name, Owner: b.cloud.Project().ID})
			var ids []string
			for _, img := range found {
				ids = append(ids, img.ID)
			}
			return ids, err
		},
		Delete: b.images.Delete,
	})
	img, err := b.images.Create(ctx, attributes, cloud.RunKey, string(b.config.run))
	if err != nil {
		return thing.Settle("", err)
	}
	thing.Made(img.ID)
	err = imageimport.Create(cloud.Repeatable(ctx), b.imageAPI, img.ID, imageimport.CreateOpts{
		Name: imageimport.WebDownloadMethod, URI: b.config.ExternalSourceImageURL,
	}).ExtractErr()
	refused := importHint(cloud.Classify(err))
	// A conflict can mean that the first of two tries took effect; the status will show.
	if err != nil && !gophercloud.ResponseCodeIs(err, http.StatusConflict) {
		return refused
	}
	b.source, err = b.waitImport(ctx, img.ID, refused)
	return err
}

// queuedFor is how long an image may be queued before the build looks for the reason.
const queuedFor = 2 * time.Second

func importHint(err error) error {
	switch fault.KindOf(err) {
	case fault.Forbidden, fault.NotFound:
		return fault.Wrap(fault.KindOf(err), "the Image service has to offer the import method web-download; else upload the image, "+
			"and use source_image", err)
	}
	return err
}

// waitImport waits for the download and detects a failure, after which the image stays queued. refused is
// why the download may never have begun.
func (b *build) waitImport(ctx context.Context, id string, refused error) (img *glance.Image, err error) {
	started, began := time.Now(), false
	err = b.poll(ctx, "image to be imported", b.config.ImportTimeout, func(ctx context.Context) (bool, error) {
		if img, err = b.images.Image(ctx, id); err != nil {
			return false, err
		}
		switch img.Status {
		case glance.StatusActive:
			return true, nil
		case glance.StatusQueued:
			if img.Properties["os_glance_failed_import"] == "" && !began && time.Since(started) < queuedFor {
				return false, nil
			}
			if err := b.importFailure(ctx, img); err != nil || began {
				return false, err
			}
			return false, refused
		case glance.StatusKilled, "deleted", "pending_delete":
			return false, fault.New(fault.Conflict, "check that the cloud reaches the URL", "the import failed: the image's status is %s",
				img.Status)
		default:
			began = true
		}
		return false, nil
	})
	return img, err
}

// importFailure reads the reason for a failure from the import's task; nil if the task is still running.
func (b *build) importFailure(ctx context.Context, img *glance.Image) error {
	var list struct {
		Tasks []struct{ Status, Message string }
	}
	resp, err := b.imageAPI.Get(ctx, b.imageAPI.ServiceURL("images", img.ID, "tasks"), &list, nil)
	if err == nil {
		resp.Body.Close()
	}
	const hint = "check that the cloud reaches the URL, and external_source_image_format"
	for _, t := range list.Tasks {
		if t.Status == "failure" {
			return fault.New(fault.Conflict, hint, "the import failed: %s", t.Message)
		}
	}
	if img.Properties["os_glance_failed_import"] != "" {
		return fault.New(fault.Conflict, hint, "the import failed")
	}
	return nil
}

func (*stepImport) Cleanup(multistep.StateBag) {}
