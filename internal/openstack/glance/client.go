package glance

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// Client speaks to one cloud's Image service with one project's credentials.
type Client struct {
	sc    *gophercloud.ServiceClient
	shown shown
}

// New makes a client from an Image service client.
func New(sc *gophercloud.ServiceClient) *Client { return &Client{sc: sc} }

// Image reads an image by its id. An image that the project can't see is fault.NotFound.
func (c *Client) Image(ctx context.Context, id string) (*Image, error) {
	img, _, err := c.ImageAt(ctx, id)
	return img, err
}

// ImageAt reads an image and the time by the service's clock at which it was read; the time is
// zero if the service didn't say.
func (c *Client) ImageAt(ctx context.Context, id string) (*Image, time.Time, error) {
	var img Image
	var at time.Time
	err := c.shown.certain(ctx, id, func() error {
		resp, err := c.sc.Get(ctx, c.url(id), &img, nil)
		_, header, err := gophercloud.ParseResponse(resp, err)
		at, _ = http.ParseTime(header.Get("Date"))
		return err
	})
	if err != nil {
		return nil, time.Time{}, failed(err, "reading image %q", id)
	}
	c.shown.add(id)
	return &img, at, nil
}

// Create creates an image record in status queued. With an id among the attributes, the call is an atomic
// claim: if several create the same id, one succeeds and the others get fault.Conflict. An id is never free
// again, even after the image was deleted. After a lost response, Create recognises its own record by the
// property key and its value, which only this call sets.
func (c *Client) Create(ctx context.Context, attributes map[string]any, key, value string) (*Image, error) {
	id, _ := attributes["id"].(string)
	var img Image
	err := c.write(ctx, allImages, func(ctx context.Context) error {
		resp, err := c.sc.Post(ctx, c.sc.ServiceURL("images"), attributes, &img, &gophercloud.RequestOpts{OkCodes: []int{201}})
		_, _, err = gophercloud.ParseResponse(resp, err)
		return err
	}, func(ctx context.Context) (bool, error) {
		found, err := c.created(ctx, id, key, value)
		if found != nil {
			img = *found
		}
		return found != nil, err
	})
	if err != nil {
		return nil, failed(err, "creating image %q", attributes["name"])
	}
	c.shown.add(img.ID)
	return &img, nil
}

func (c *Client) created(ctx context.Context, id, key, value string) (*Image, error) {
	if id != "" {
		img, err := c.Image(ctx, id)
		switch {
		case fault.Is(err, fault.NotFound):
			return nil, nil
		case err != nil:
			return nil, err
		case img.Properties[key] != value:
			return nil, nil
		}
		return img, nil
	}
	found, err := c.Images(ctx, Query{Properties: map[string]string{key: value}, BothHidden: true})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// Update applies the patch in one request. If the response is lost, it reads the image, and sends the patch
// again only if it didn't take effect.
func (c *Client) Update(ctx context.Context, id string, p Patch) (*Image, error) {
	var img Image
	err := c.write(ctx, id, func(ctx context.Context) error {
		resp, err := c.sc.Patch(ctx, c.url(id), p, &img, &gophercloud.RequestOpts{
			OkCodes:     []int{200},
			MoreHeaders: map[string]string{"Content-Type": "application/openstack-images-v2.1-json-patch"},
		})
		_, _, err = gophercloud.ParseResponse(resp, err)
		return err
	}, func(ctx context.Context) (bool, error) {
		now, err := c.Image(ctx, id)
		if err != nil {
			return false, err
		}
		img = *now
		return now.reflects(p), nil
	})
	if err != nil {
		return nil, failed(err, "updating image %q", id)
	}
	return &img, nil
}

// Delete deletes an image; it is no error if the image doesn't exist.
func (c *Client) Delete(ctx context.Context, id string) error {
	err := c.write(ctx, id, func(ctx context.Context) error {
		resp, err := c.sc.Delete(ctx, c.url(id), nil)
		_, _, err = gophercloud.ParseResponse(resp, err)
		return err
	}, func(ctx context.Context) (bool, error) {
		_, err := c.Image(ctx, id)
		if fault.Is(err, fault.NotFound) {
			return true, nil
		}
		return false, err
	})
	if gophercloud.ResponseCodeIs(err, http.StatusNotFound) {
		return nil
	}
	if err != nil {
		return failed(err, "deleting image %q", id)
	}
	c.shown.remove(id)
	return nil
}

// Deactivate makes an image's data unreadable for all but admins. Some clouds allow it to
// admins only: fault.Forbidden.
func (c *Client) Deactivate(ctx context.Context, id string) error {
	return c.action(ctx, id, "deactivate", StatusDeactivated)
}

// Reactivate undoes Deactivate.
func (c *Client) Reactivate(ctx context.Context, id string) error {
	return c.action(ctx, id, "reactivate", StatusActive)
}

func (c *Client) action(ctx context.Context, id, action, status string) error {
	err := c.write(ctx, id, func(ctx context.Context) error {
		resp, err := c.sc.Post(ctx, c.url(id, "actions", action), nil, nil, &gophercloud.RequestOpts{OkCodes: []int{204}})
		_, _, err = gophercloud.ParseResponse(resp, err)
		return err
	}, func(ctx context.Context) (bool, error) {
		img, err := c.Image(ctx, id)
		if err != nil {
			return false, err
		}
		return img.Status == status, nil
	})
	if err != nil {
		return failed(err, "asking to %s image %q", action, id)
	}
	return nil
}

func (c *Client) url(parts ...string) string {
	for n := range parts {
		parts[n] = url.PathEscape(parts[n])
	}
	return c.sc.ServiceURL(append([]string{"images"}, parts...)...)
}

// write sends a request that changes something, and finds out whether it took effect. key is the object of
// the request, as in shown.
func (c *Client) write(ctx context.Context, key string, do func(context.Context) error, done func(context.Context) (bool, error)) error {
	return change.Write(ctx, cloud.Outcome, func(ctx context.Context) error {
		return c.shown.certain(ctx, key, func() error { return do(ctx) })
	}, done)
}

// failed adds what was being done, and classifies the service's response.
func failed(err error, format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, cloud.Classify(err))...)
}
