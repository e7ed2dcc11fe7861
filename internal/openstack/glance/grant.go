package glance

import (
	"cmp"
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// How many members of an image are granted access at a time; the transport holds more connections than that.
const grantsAtATime = 8

// Grant is a membership that a project is to have.
type Grant struct {
	Project string
	Before  string  // the project's status, "" if it isn't a member
	Status  string  // that it is to have; if it is Before, it is only read back
	Answers *Client // may set the status; used only if it has to change after adding the project
}

// Granting is how grants are made.
type Granting struct {
	// Undo gets the undo of what is changed: members that these grants added, and statuses that they set.
	// nil is for a caller who keeps a record of its own.
	Undo *change.Undo

	// Guest says that the client is the member's, which can read its own membership only.
	Guest bool

	// Each, if set, is called after each grant, by several goroutines at once.
	Each func()
}

// Grant makes projects members of an image that is shared, with their statuses, and reads them back. It
// stops at the first failure; a membership that isn't as granted when it is read back is fault.Conflict.
func (c *Client) Grant(ctx context.Context, img *Image, grants []Grant, how Granting) error {
	how.Undo = cmp.Or(how.Undo, new(change.Undo))
	group, work := errgroup.WithContext(ctx)
	group.SetLimit(grantsAtATime)
	for _, g := range grants {
		group.Go(func() error {
			err := c.grant(work, img, g, how.Undo)
			if err == nil && how.Each != nil {
				how.Each()
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return c.readBack(ctx, img, grants, how.Guest)
}

// grant adds one project and sets its status. A write that is under way when everything stops may
// end: it has to be known what it did.
func (c *Client) grant(stopping context.Context, img *Image, g Grant, undo *change.Undo) error {
	if stopping.Err() != nil {
		return context.Cause(stopping)
	}
	ctx, done := cloud.Grace(stopping)
	defer done()
	what := fmt.Sprintf("project %s of image %s", g.Project, img)
	if g.Before == "" {
		step := undo.Add(what, func(ctx context.Context) (bool, error) { return c.withdraw(ctx, img.ID, g.Project) })
		made, err := c.EnsureMember(ctx, img.ID, g.Project)
		if err != nil {
			return err
		}
		if !made {
			// Somebody else added it since Before was read: it isn't ours to take away.
			step.Void()
		}
	}
	before := cmp.Or(g.Before, Pending)
	if g.Status == before {
		return nil
	}
	if g.Before != "" {
		undo.Add(what+", as "+before, func(ctx context.Context) (bool, error) {
			return g.Answers.restoreStatus(ctx, img.ID, g.Project, before)
		})
	}
	return g.Answers.SetMemberStatus(ctx, img.ID, g.Project, g.Status)
}

// readBack makes sure that the memberships are as granted.
func (c *Client) readBack(ctx context.Context, img *Image, grants []Grant, guest bool) error {
	now, err := c.granted(ctx, img.ID, grants, guest)
	if err != nil {
		return err
	}
	for _, g := range grants {
		if now[g.Project] != g.Status {
			return fault.New(fault.Conflict, "run it again",
				"project %s is %q on image %s after it was made %q: somebody else is changing it",
				g.Project, now[g.Project], img, g.Status)
		}
	}
	return nil
}

func (c *Client) granted(ctx context.Context, image string, grants []Grant, guest bool) (map[string]string, error) {
	if !guest {
		return c.Statuses(ctx, image)
	}
	now := map[string]string{}
	for _, g := range grants {
		m, err := c.Member(ctx, image, g.Project)
		if err != nil {
			return nil, err
		}
		now[m.ProjectID] = m.Status
	}
	return now, nil
}

// Statuses are the members' statuses by project id, of an image as for Members.
func (c *Client) Statuses(ctx context.Context, image string) (map[string]string, error) {
	members, err := c.Members(ctx, image)
	if err != nil {
		return nil, err
	}
	now := make(map[string]string, len(members))
	for _, m := range members {
		now[m.ProjectID] = m.Status
	}
	return now, nil
}

// withdraw removes a member that may never have been added.
func (c *Client) withdraw(ctx context.Context, image, project string) (changed bool, err error) {
	ok, err := c.isMember(ctx, image, project)
	if err != nil || !ok {
		return false, err
	}
	return true, c.RemoveMember(ctx, image, project)
}

// restoreStatus restores a member's status.
func (c *Client) restoreStatus(ctx context.Context, image, project, status string) (changed bool, err error) {
	now, err := c.Member(ctx, image, project)
	switch {
	case fault.Is(err, fault.NotFound):
		return false, nil // who removed the member since then knows why
	case err != nil:
		return false, err
	case now.Status == status:
		return false, nil
	}
	return true, c.SetMemberStatus(ctx, image, project, status)
}
