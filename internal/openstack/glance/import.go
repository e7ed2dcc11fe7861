package glance

import (
	"context"
	"net/http"
	"time"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// ImportMethod is a way to get data into an image that the service follows by itself.
type ImportMethod struct {
	Name string `json:"name"` // web-download, or glance-direct for data that was staged
	URI  string `json:"uri,omitempty"`
}

// queuedFor is how long an image may be queued before Import looks for the reason.
const queuedFor = 2 * time.Second

var importHint = fault.Advise("the Image service has to offer this import method; else upload the image from here")

// Import has the service get an image's data, and waits until the image is active. A failed import leaves
// the image in the state queued.
func (c *Client) Import(ctx context.Context, id string, m ImportMethod, timeout time.Duration) error {
	resp, err := c.sc.Post(cloud.Repeatable(ctx), c.url(id, "import"), map[string]any{"method": m}, nil,
		&gophercloud.RequestOpts{OkCodes: []int{202}})
	_, _, err = gophercloud.ParseResponse(resp, err)
	// A conflict can mean that the first of two tries took effect; the status will show.
	conflict := gophercloud.ResponseCodeIs(err, http.StatusConflict)
	if err != nil {
		err = failed(err, "importing image %q by %s", id, m.Name)
		if kind := fault.KindOf(err); kind == fault.Forbidden || kind == fault.NotFound {
			err = fault.Wrap(kind, importHint, err)
		}
		if !conflict {
			return err
		}
	}
	return c.waitImport(ctx, id, timeout, err)
}

// waitImport waits for the import and detects a failure. refused is why the import may never have begun.
func (c *Client) waitImport(ctx context.Context, id string, timeout time.Duration, refused error) error {
	started, began := time.Now(), false
	return change.DefaultPace.Wait(ctx, "image to be imported", timeout, func(ctx context.Context) (bool, error) {
		img, err := c.Image(ctx, id)
		if err != nil {
			return false, err
		}
		switch img.Status {
		case StatusActive:
			return true, nil
		case StatusQueued, "uploading":
			if img.Properties["os_glance_failed_import"] == "" && !began && time.Since(started) < queuedFor {
				return false, nil
			}
			if err := c.importFailure(ctx, img); err != nil || began {
				return false, err
			}
			return false, refused
		case StatusKilled, "deleted", "pending_delete":
			return false, fault.New(fault.Conflict, "check that the cloud reaches the address",
				"the import failed: the image's status is %s", img.Status)
		default:
			began = true
		}
		return false, nil
	})
}

// importFailure reads the reason for a failure from the import's task; nil if the task is still running.
func (c *Client) importFailure(ctx context.Context, img *Image) error {
	var list struct {
		Tasks []struct{ Status, Message string }
	}
	resp, err := c.sc.Get(ctx, c.url(img.ID, "tasks"), &list, nil)
	if err == nil {
		resp.Body.Close()
	}
	const hint = "check that the cloud reaches the address, and the image's format"
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
