package share

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

const (
	cleanupTime = 2 * time.Minute // for taking back what was done, after the caller's time is over
	undoTries   = 6
	undoPause   = 100 * time.Millisecond // doubles with each try
)

// journal is how to take back what was done. An entry is made before its request is sent, so that
// one whose answer never came is taken back as well.
type journal struct {
	mu      sync.Mutex
	entries []*entry
}

type entry struct {
	mu     sync.Mutex
	what   string
	undo   func(context.Context) error
	voided bool
}

func (j *journal) add(what string, undo func(context.Context) error) *entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	e := &entry{what: what, undo: undo}
	j.entries = append(j.entries, e)
	return e
}

// void says that the request turned out to have changed nothing.
func (e *entry) void() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.voided = true
}

// takeBack undoes everything, newest first, and returns why it had to. It goes on after the
// caller has cancelled.
func (r *run) takeBack(ctx context.Context, why error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	left := r.journal.undo(ctx)
	if len(left) == 0 {
		// A request whose answer never came may have taken effect late: look once more.
		left = r.journal.undo(ctx)
	}
	if len(left) > 0 {
		return fault.Wrap(fault.Partial, fault.Advise("look with %s and remove what is left with %s", fault.Do("share", "list"), fault.Do("share", "remove")),
			fmt.Errorf("%w; and not everything could be taken back: %w", why, errors.Join(left...)))
	}
	r.rep.Step("It failed, and what it had changed is taken back")
	return why
}

// undo takes everything back, newest first. Taken back twice changes nothing the second time.
func (j *journal) undo(ctx context.Context) (left []error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	tries := undoTries
	for _, e := range slices.Backward(j.entries) {
		if e.voided {
			continue
		}
		if err := persist(ctx, tries, e.undo); err != nil {
			left = append(left, fmt.Errorf("taking back %s: %w", e.what, err))
			tries = 2 // where waiting didn't help once, it hardly will again
		}
	}
	return left
}

// persist tries for a while: a cloud that failed a moment ago is likely to fail once more.
func persist(ctx context.Context, tries int, undo func(context.Context) error) error {
	pause := undoPause
	for try := 1; ; try++ {
		err := undo(ctx)
		if err == nil || try >= tries {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(pause):
		}
		pause *= 2
	}
}

// removeMember takes a member away that may never have come to be.
func removeMember(ctx context.Context, site *Site, image, project string) error {
	_, err := site.Images.Member(ctx, image, project)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return site.Images.RemoveMember(ctx, image, project)
}

// restoreStatus gives a member the status back that it had.
func restoreStatus(ctx context.Context, m *Member, image, status string) error {
	now, err := m.acceptor.Member(ctx, image, m.Project)
	switch {
	case fault.Is(err, fault.NotFound):
		return nil // who removed the member since then knows why
	case err != nil:
		return err
	case now.Status == status:
		return nil
	}
	return m.acceptor.SetMemberStatus(ctx, image, m.Project, status)
}

// opened is an image as it was before it was made ready.
type opened struct {
	change  *Change
	image   *glance.Image
	members map[string]string // that it had kept, once that is known
}

// restore puts back what differs. An image stays shared where somebody else has added members in
// the meantime.
func (o *opened) restore(ctx context.Context) error {
	client := o.change.site.Images
	now, err := client.Image(ctx, o.image.ID)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	var patch glance.Patch
	for _, key := range []string{ExpiresKey, SuspendedKey} {
		before, had := o.image.Properties[key]
		after, has := now.Properties[key]
		switch {
		case had && before != after:
			patch = patch.Set(key, before)
		case !had && has:
			patch = patch.Remove(key)
		}
	}
	if now.Visibility == glance.Shared && o.image.Visibility == glance.Private {
		if err := o.onlyOurs(ctx); err != nil {
			return err
		}
		patch = patch.Visibility(glance.Private)
	}
	if len(patch) == 0 {
		return nil
	}
	_, err = client.Update(ctx, o.image.ID, patch)
	return err
}

// onlyOurs is an error where the image has members that it hadn't when it was private.
func (o *opened) onlyOurs(ctx context.Context) error {
	if o.members == nil {
		return nil // it failed before anybody could be added
	}
	now, err := statuses(ctx, o.change.site, o.image)
	if err != nil {
		return err
	}
	for _, id := range sortedKeys(now) {
		if _, kept := o.members[id]; !kept {
			return fault.New(fault.Conflict, "", "image %s stays shared: project %s was added in the meantime", o.image, id)
		}
	}
	return nil
}
