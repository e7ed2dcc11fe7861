package glance

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Upload sends an image's data. The service answers when it has stored all of it.
func (c *Client) Upload(ctx context.Context, id string, data io.Reader) error {
	return c.send(ctx, id, "file", data)
}

// Stage sends data that the service keeps until it is asked to import it into the image.
func (c *Client) Stage(ctx context.Context, id string, data io.Reader) error {
	return c.send(ctx, id, "stage", data)
}

func (c *Client) send(ctx context.Context, id, where string, data io.Reader) error {
	resp, err := c.sc.Put(ctx, c.url(id, where), data, nil, &gophercloud.RequestOpts{
		OkCodes:     []int{204},
		MoreHeaders: map[string]string{"Content-Type": "application/octet-stream"},
	})
	if _, _, err = gophercloud.ParseResponse(resp, err); err != nil {
		return failed(err, "uploading image %q", id)
	}
	return nil
}

// Download opens an image's data, which the caller closes. Deactivated images are
// fault.Forbidden for all but admins.
func (c *Client) Download(ctx context.Context, id string) (io.ReadCloser, error) {
	return c.DownloadFrom(ctx, id, 0)
}

// DownloadFrom opens an image's data at an offset in bytes.
func (c *Client) DownloadFrom(ctx context.Context, id string, offset int64) (io.ReadCloser, error) {
	opts := &gophercloud.RequestOpts{OkCodes: []int{http.StatusOK}, KeepResponseBody: true}
	if offset > 0 {
		opts.OkCodes = append(opts.OkCodes, http.StatusPartialContent)
		opts.MoreHeaders = map[string]string{"Range": fmt.Sprintf("bytes=%d-", offset)}
	}
	resp, err := c.sc.Get(ctx, c.url(id, "file"), nil, opts)
	if err != nil {
		return nil, failed(err, "downloading image %q", id)
	}
	if offset > 0 && resp.StatusCode == http.StatusOK { // it doesn't know ranges
		if _, err := io.CopyN(io.Discard, resp.Body, offset); err != nil {
			resp.Body.Close()
			return nil, fault.Wrap(fault.Unavailable, "", fmt.Errorf("downloading image %q: %w", id, err))
		}
	}
	return resp.Body, nil
}
