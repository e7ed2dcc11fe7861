package main

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/decide"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/modify"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/remote"
)

// digests are those of a deployment's images.
type digests map[content]string

// content is what is used of an image: all of an index, or the one image that is copied in its place.
type content struct {
	source reference.Reference
	whole  bool
}

func contentOf(i *decide.Image) content { return content{i.Source, !i.Pushed || i.MultiArch} }

func (d digests) of(i *decide.Image) string { return d[contentOf(i)] }

// finalDigest is that of what the parameters name. An image that has to be changed has one once it was.
func finalDigest(i *decide.Image, plan *modify.Plan, found digests) string {
	if i.Modify == nil {
		return found.of(i)
	}
	if plan == nil {
		return ""
	}
	return plan.Made(i.Final)
}

// digests finds the images' digests: in the lock file if that counts, in the plan of the copy that was
// made, if any, else in the registries.
func (d *deployment) digests(ctx context.Context, result *decide.Result, plan *modify.Plan) (digests, error) {
	found := digests{}
	if plan != nil {
		for _, i := range plan.Images {
			found[content{i.Source, i.MultiArch}] = i.Digest
		}
		for _, i := range plan.Modify {
			found[content{i.Source, false}] = i.SourceDigest
		}
	}
	missing := map[content]bool{}
	for _, i := range result.All() {
		if c := contentOf(i); found[c] == "" {
			missing[c] = true
		}
	}
	var mu sync.Mutex
	var unread []decide.Unread
	var group errgroup.Group
	group.SetLimit(16)
	for c := range missing {
		group.Go(func() error {
			digest, err := d.digest(ctx, c)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				unread = append(unread, decide.Unread{Source: c.source, Err: err})
			}
			found[c] = digest
			return nil
		})
	}
	_ = group.Wait() // each image's error is kept
	if ctx.Err() != nil {
		return found, context.Cause(ctx)
	}
	return found, notRead(unread)
}

func (d *deployment) digest(ctx context.Context, c content) (string, error) {
	if d.Lock == nil {
		return remote.Registry{Client: d.client}.Digest(ctx, c.source, c.whole)
	}
	pinned, err := d.Lock.Pin(c.source)
	return pinned.Digest, err
}
