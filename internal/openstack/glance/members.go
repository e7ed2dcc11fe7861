package glance

import (
	"context"
	"net/http"
	"time"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// Statuses of a member. All three let the member use the image by its id; only accepted shows
// it in the member's default list.
const (
	Pending  = "pending"
	Accepted = "accepted"
	Rejected = "rejected"
)

// ShareEndsKey is the property that says when an image's shares end: JSON, project id to RFC 3339
// time. A project that isn't in it is a member for ever.
const ShareEndsKey = "imgctl_share_expires"

// CopyingKey is the property of an unfinished copy: what it is a copy of. It is removed with the run's marks
// when the copy is complete.
const CopyingKey = "imgctl_copying"

// Member is a project that an image is shared with.
type Member struct {
	ImageID   string    `json:"image_id"`
	ProjectID string    `json:"member_id"`
	Status    string    `json:"status"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Members lists the members of an image whose visibility is shared; of any other image the
// service shows none, even if there are some: fault.Forbidden.
func (c *Client) Members(ctx context.Context, image string) ([]Member, error) {
	var list struct {
		Members []Member `json:"members"`
	}
	err := c.shown.certain(ctx, image, func() error {
		resp, err := c.sc.Get(ctx, c.url(image, "members"), &list, nil)
		_, _, err = gophercloud.ParseResponse(resp, err)
		return err
	})
	if err != nil {
		return nil, failed(err, "listing members of image %q", image)
	}
	for _, m := range list.Members {
		c.shown.add(memberKey(image, m.ProjectID))
	}
	return list.Members, nil
}

// Member reads one member of an image; a project that isn't one is fault.NotFound.
func (c *Client) Member(ctx context.Context, image, project string) (Member, error) {
	var m Member
	err := c.shown.certain(ctx, memberKey(image, project), func() error {
		resp, err := c.sc.Get(ctx, c.url(image, "members", project), &m, nil)
		_, _, err = gophercloud.ParseResponse(resp, err)
		return err
	})
	if err != nil {
		return m, failed(err, "reading member %q of image %q", project, image)
	}
	return m, nil
}

// AddMember shares the image with a project, which gets status pending; an existing member keeps its status.
func (c *Client) AddMember(ctx context.Context, image, project string) error {
	_, err := c.EnsureMember(ctx, image, project)
	return err
}

// EnsureMember is AddMember and reports whether this call added the member, because an undo must not remove
// an earlier one. If a response was lost and the member exists, it counts as added.
func (c *Client) EnsureMember(ctx context.Context, image, project string) (made bool, err error) {
	unclear := false
	err = c.write(ctx, image, func(ctx context.Context) error {
		resp, err := c.sc.Post(ctx, c.url(image, "members"), map[string]string{"member": project}, nil,
			&gophercloud.RequestOpts{OkCodes: []int{200}})
		_, _, err = gophercloud.ParseResponse(resp, err)
		unclear = unclear || err != nil && cloud.OutcomeUnknown(err)
		return err
	}, func(ctx context.Context) (bool, error) { return c.isMember(ctx, image, project) })
	if gophercloud.ResponseCodeIs(err, http.StatusConflict) {
		// Conflict is the answer to a duplicate, and to other things.
		if ok, e := c.isMember(ctx, image, project); e == nil && ok {
			return unclear, nil
		}
	}
	if err != nil {
		return false, failed(err, "adding member %q to image %q", project, image)
	}
	c.shown.add(memberKey(image, project))
	return true, nil
}

func (c *Client) isMember(ctx context.Context, image, project string) (bool, error) {
	_, err := c.Member(ctx, image, project)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// SetMemberStatus sets a member's status to pending, accepted or rejected. Only the member
// itself and an admin may do that.
func (c *Client) SetMemberStatus(ctx context.Context, image, project, status string) error {
	c.shown.add(memberKey(image, project)) // by the client that added it, which may be another
	err := c.write(ctx, memberKey(image, project), func(ctx context.Context) error {
		resp, err := c.sc.Put(ctx, c.url(image, "members", project), map[string]string{"status": status}, nil,
			&gophercloud.RequestOpts{OkCodes: []int{200}})
		_, _, err = gophercloud.ParseResponse(resp, err)
		return err
	}, func(ctx context.Context) (bool, error) {
		m, err := c.Member(ctx, image, project)
		return err == nil && m.Status == status, err
	})
	if err != nil {
		return failed(err, "setting member %q of image %q to %s", project, image, status)
	}
	return nil
}

// RemoveMember stops sharing the image with a project; one that isn't a member is no error.
func (c *Client) RemoveMember(ctx context.Context, image, project string) error {
	err := c.write(ctx, memberKey(image, project), func(ctx context.Context) error {
		resp, err := c.sc.Delete(ctx, c.url(image, "members", project), nil)
		_, _, err = gophercloud.ParseResponse(resp, err)
		return err
	}, func(ctx context.Context) (bool, error) {
		ok, err := c.isMember(ctx, image, project)
		return err == nil && !ok, err
	})
	if gophercloud.ResponseCodeIs(err, http.StatusNotFound) {
		return nil
	}
	if err != nil {
		return failed(err, "removing member %q from image %q", project, image)
	}
	c.shown.remove(memberKey(image, project))
	return nil
}
