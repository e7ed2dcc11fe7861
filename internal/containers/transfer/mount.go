package transfer

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// mount is one blob in one repository.
type mount struct{ host, repository, digest string }

// mount makes the blob one of the repository. Where the registry doesn't mount, the blob is there
// already or goes from the registry's one repository to the other.
func (r *run) mount(ctx context.Context, m mount, b *blob) error {
	to := r.stores.at(m.host)
	done, err := to.Mount(ctx, m.host, m.repository, m.digest, b.home)
	if err != nil || done {
		return err
	}
	has, err := to.HasBlob(ctx, m.host, m.repository, b.Descriptor)
	if err != nil || has {
		return err
	}
	return again(ctx, func() error {
		body, err := r.open(ctx, place{m.host, b.home}, b.Descriptor)
		if err != nil {
			return err
		}
		defer body.Close()
		return to.Upload(ctx, m.host, m.repository, b.Descriptor, body)
	})
}

// again repeats what a registry or the way to it may have failed in passing.
func again(ctx context.Context, do func() error) error {
	retry := change.DefaultRetry
	for try := 1; ; try++ {
		err := do()
		if err == nil || !fault.Is(err, fault.Unavailable) || try >= retry.Tries || !change.Sleep(ctx, retry.Pause(try)) {
			return err
		}
	}
}
