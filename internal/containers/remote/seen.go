package remote

import (
	"context"
	"sync"

	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// Seen are answers to which manifest an image has, for the plan of a copy that is made right after its tags were
// looked for. Each is given once. The zero value is ready.
type Seen struct{ answers sync.Map } // registry.Descriptor by registry.Image

// Client is a client that takes answers from there, where there are some, in place of a request.
func (s *Seen) Client(c *registry.Client) *Remembering { return &Remembering{c, s} }

// Remembering is a registry.Client that doesn't ask again.
type Remembering struct {
	*registry.Client

	seen *Seen
}

// Head is what was seen of the image, else what its registry says.
func (r *Remembering) Head(ctx context.Context, i registry.Image) (d registry.Descriptor, found bool, err error) {
	if known, ok := r.seen.answers.LoadAndDelete(i); ok {
		d, found = known.(registry.Descriptor)
		return d, found, nil
	}
	return r.Client.Head(ctx, i)
}
