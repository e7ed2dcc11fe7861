package glance

import (
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// visible reports whether the caller may read an image by its id. All member states do.
func visible(c front.Caller, i *Image) bool {
	switch {
	case c.Is("admin"), i.Owner == "", i.Visibility == Public, i.Visibility == Community, i.Owner == c.ProjectID:
		return true
	case i.Visibility == Shared:
		return i.members[c.ProjectID] != nil
	}
	return false
}

// mayWrite reports whether the caller may change what its project owns.
func mayWrite(c front.Caller, owner string) bool {
	return c.Is("admin") || (c.Is("member") && c.ProjectID != "" && c.ProjectID == owner)
}

// lookup finds an image that the caller may see. The caller of lookup holds the lock.
func (s *Service) lookup(c front.Caller, id string) (*Image, error) {
	i, ok := s.images.byID[id]
	if !ok || !visible(c, i) {
		return nil, notFound(id)
	}
	return i, nil
}

// lookupOwn finds an image that the caller may change by a policy's action.
func (s *Service) lookupOwn(c front.Caller, id, action string) (*Image, error) {
	i, err := s.lookup(c, id)
	if err != nil {
		return nil, err
	}
	if !mayWrite(c, i.Owner) {
		return nil, forbidden(action)
	}
	return i, nil
}

// maySet reports whether the caller may give an image of an owner this visibility.
func maySet(c front.Caller, visibility string) error {
	if visibility == Public && !c.Is("admin") {
		return forbidden("publicize_image")
	}
	return nil
}
