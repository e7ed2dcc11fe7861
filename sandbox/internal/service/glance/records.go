package glance

import (
	"maps"
	"net/http"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

func (s *Service) show(w http.ResponseWriter, r *http.Request) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	i, err := s.lookup(front.CallerOf(r), r.PathValue("id"))
	if err != nil {
		return err
	}
	front.JSON(w, http.StatusOK, i.body())
	return nil
}

func (s *Service) create(w http.ResponseWriter, r *http.Request) error {
	q, err := object(r, errServer)
	if err != nil {
		return err
	}
	c := front.CallerOf(r)
	draft := newImage(c, Spec{})
	for _, name := range slices.Sorted(maps.Keys(q)) {
		if err := draft.setNew(c, name, q[name]); err != nil {
			return err
		}
	}
	if !mayWrite(c, draft.Owner) {
		if c.Is("member") {
			return failDetail(http.StatusForbidden, "You are not permitted to create images owned by '%s'", draft.Owner)
		}
		return forbidden("add_image")
	}
	if err := maySet(c, draft.Visibility); err != nil {
		return err
	}
	if err := s.quotas.check(draft, nil); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.count(draft.Owner); s.quotas.CountTotal > 0 && n >= s.quotas.CountTotal {
		return overProject(draft.Owner, "image_count_total", s.quotas.CountTotal, n, 1)
	}
	if !s.images.add(draft) {
		return front.Fail(http.StatusConflict, "Image ID %s already exists!", draft.ID)
	}
	w.Header().Set("Location", front.Base(r)+"/v2/images/"+draft.ID)
	w.Header().Set("OpenStack-image-import-methods", joined(importMethods))
	w.Header().Set("OpenStack-image-store-ids", defaultStore)
	front.JSON(w, http.StatusCreated, draft.body())
	return nil
}

func (s *Service) delete(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := r.PathValue("id")
	c := front.CallerOf(r)
	if _, err := s.lookup(c, id); err != nil {
		return front.Fail(http.StatusNotFound, "Failed to find image %s to delete", id)
	}
	i, err := s.lookupOwn(c, id, "delete_image")
	if err != nil {
		return err
	}
	if i.Protected {
		return front.Fail(http.StatusForbidden, "Image %s is protected and cannot be deleted.", id)
	}
	if s.InUse != nil && s.InUse(id) {
		return front.Fail(http.StatusConflict, "Image %s could not be deleted because it is in use: The image cannot be deleted because it is in use through the backend store outside of Glance.", id)
	}
	s.remove(i)
	noContent(w)
	return nil
}

// tagged finds the image of a request about tags, which has its own words for none.
func (s *Service) tagged(r *http.Request) (*Image, error) {
	c, id := front.CallerOf(r), r.PathValue("id")
	if _, err := s.shared(c, id); err != nil {
		return nil, err
	}
	return s.lookupOwn(c, id, "modify_image")
}

func (s *Service) addTag(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, err := s.tagged(r)
	if err != nil {
		return err
	}
	tag := r.PathValue("tag")
	if len([]rune(tag)) > 255 {
		return mismatch("%s is too long", repr(tag))
	}
	next := *i
	next.Tags = withTag(i.Tags, tag)
	if err := s.quotas.check(&next, i); err != nil {
		return front.Fail(http.StatusRequestEntityTooLarge, "Image tag limit exceeded for image %s: %s:", i.ID, err)
	}
	i.Tags, i.UpdatedAt = next.Tags, now()
	noContent(w)
	return nil
}

func withTag(tags []string, tag string) []string {
	out := append(slices.Clone(tags), tag)
	slices.Sort(out)
	return slices.Compact(out)
}

func (s *Service) removeTag(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, err := s.tagged(r)
	if err != nil {
		return err
	}
	at := slices.Index(i.Tags, r.PathValue("tag"))
	if at < 0 {
		return front.Fail(http.StatusNotFound, "The resource could not be found.")
	}
	i.Tags, i.UpdatedAt = slices.Delete(slices.Clone(i.Tags), at, at+1), now()
	noContent(w)
	return nil
}

func (s *Service) deactivate(w http.ResponseWriter, r *http.Request) error {
	return s.switchTo(w, r, Deactivated, "deactivate", Active)
}

func (s *Service) reactivate(w http.ResponseWriter, r *http.Request) error {
	return s.switchTo(w, r, Active, "reactivate", Deactivated)
}

func (s *Service) switchTo(w http.ResponseWriter, r *http.Request, to, action, from string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, err := s.lookupOwn(front.CallerOf(r), r.PathValue("id"), action)
	if err != nil {
		return err
	}
	if i.Status != from && i.Status != to {
		return front.Fail(http.StatusForbidden, "Not allowed to %s image in status '%s'", action, i.Status)
	}
	i.Status, i.UpdatedAt = to, now()
	noContent(w)
	return nil
}

// check holds an image against the quotas; what was over before may stay or shrink.
func (q Quotas) check(next, before *Image) error {
	var hadProperties, hadTags int
	if before != nil {
		hadProperties, hadTags = len(before.Properties), len(before.Tags)
	}
	if n := len(next.Properties); q.Properties >= 0 && n > q.Properties && n > hadProperties {
		return overLimit("properties", "", n, q.Properties)
	}
	if n := len(next.Tags); q.Tags >= 0 && n > q.Tags && n > hadTags {
		return overLimit("tags", "", n, q.Tags)
	}
	return nil
}

// overProject quotes Keystone's limits, as Glance does.
func overProject(project, resource string, limit, usage, delta int) error {
	return front.Fail(http.StatusRequestEntityTooLarge, "The request returned a 413 Request Entity Too Large. This generally means that rate limiting or a quota threshold was breached.\n\nThe response body:\nProject %s is over a limit for [Resource %s is over limit of %d due to current usage %d and delta %d]",
		project, resource, limit, usage, delta)
}

func overLimit(what, where string, attempted, most int) error {
	return front.Fail(http.StatusRequestEntityTooLarge,
		"The limit has been exceeded on the number of allowed image %s%s. Attempted: %d, Maximum: %d", what, where, attempted, most)
}
