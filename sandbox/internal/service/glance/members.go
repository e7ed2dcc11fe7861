package glance

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

func (m *member) body(image string) map[string]any {
	return map[string]any{
		"member_id": m.id, "image_id": image, "status": m.status,
		"created_at": stamp(m.createdAt), "updated_at": stamp(m.updatedAt), "schema": "/v2/schemas/member",
	}
}

// shared finds an image that the caller may see; the members' API has its own words for none.
func (s *Service) shared(c front.Caller, id string) (*Image, error) {
	i, err := s.lookup(c, id)
	if err != nil {
		return nil, answer.Fail(http.StatusNotFound, "Image %s not found.", id)
	}
	return i, nil
}

// ruler reports whether the caller sees and changes the whole list of an image's members.
func ruler(c front.Caller, i *Image) bool { return c.Is("admin") || c.ProjectID == i.Owner }

func (s *Service) listMembers(w http.ResponseWriter, r *http.Request) error {
	c := front.CallerOf(r)
	s.mu.RLock()
	defer s.mu.RUnlock()
	i, err := s.shared(c, r.PathValue("id"))
	if err != nil {
		return err
	}
	if i.Visibility != Shared {
		return answer.Fail(http.StatusForbidden, "Not allowed to list members for image %s: %s", i.ID, onlyShared)
	}
	out := []map[string]any{}
	for _, m := range i.sortedMembers() {
		if ruler(c, i) || m.id == c.ProjectID {
			out = append(out, m.body(i.ID))
		}
	}
	answer.JSON(w, http.StatusOK, map[string]any{"members": out, "schema": "/v2/schemas/members"})
	return nil
}

func (i *Image) sortedMembers() []*member {
	out := make([]*member, 0, len(i.members))
	for _, m := range i.members {
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b *member) int {
		if n := a.createdAt.Compare(b.createdAt); n != 0 {
			return n
		}
		return strings.Compare(a.id, b.id)
	})
	return out
}

func (s *Service) addMember(w http.ResponseWriter, r *http.Request) error {
	q, err := object(r, answer.Fail(http.StatusBadRequest, `Expected a member in the form: {"member": "image_id"}`))
	if err != nil {
		return err
	}
	given, ok := q["member"]
	id, _ := given.(string)
	switch {
	case !ok:
		return answer.Fail(http.StatusBadRequest, "Member to be added not specified")
	case id == "":
		return answer.Fail(http.StatusBadRequest, "Member can't be empty")
	case len([]rune(id)) > 255:
		return errServer // the database refuses it
	}
	c := front.CallerOf(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	i, err := s.shared(c, r.PathValue("id"))
	if err != nil {
		return err
	}
	if i.Visibility != Shared {
		return membersForbidden("create", i.ID)
	}
	if !mayWrite(c, i.Owner) {
		return forbidden("add_member")
	}
	if n := len(i.members) + 1; s.quotas.Members >= 0 && n > s.quotas.Members {
		return answer.Fail(http.StatusRequestEntityTooLarge, "Image member limit exceeded for image %s: %s:", i.ID,
			overLimit("members", " for this image", n, s.quotas.Members))
	}
	if i.members[id] != nil {
		return answer.Fail(http.StatusConflict, "Member %s is duplicated for image %s", id, i.ID)
	}
	t := s.now()
	m := &member{id: id, status: "pending", createdAt: t, updatedAt: t}
	i.members[id] = m
	i.UpdatedAt = t
	answer.JSON(w, http.StatusOK, m.body(i.ID))
	return nil
}

// member finds a member of an image that the caller may know of.
func (s *Service) member(r *http.Request) (*Image, *member, error) {
	c := front.CallerOf(r)
	i, err := s.shared(c, r.PathValue("id"))
	if err != nil {
		return nil, nil, err
	}
	id := r.PathValue("member")
	m := i.members[id]
	if m == nil || (!ruler(c, i) && id != c.ProjectID) {
		return nil, nil, memberNotFound(id, i.ID)
	}
	return i, m, nil
}

// changing is member for a request that changes it, which only an image that is shared lets happen.
func (s *Service) changing(verb string, r *http.Request) (*Image, *member, error) {
	i, m, err := s.member(r)
	if err == nil && i.Visibility != Shared {
		err = membersForbidden(verb, i.ID)
	}
	return i, m, err
}

func (s *Service) showMember(w http.ResponseWriter, r *http.Request) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	i, m, err := s.member(r)
	if err != nil {
		return err
	}
	if i.Visibility != Shared {
		return answer.Fail(http.StatusNotFound, onlyShared)
	}
	answer.JSON(w, http.StatusOK, m.body(i.ID))
	return nil
}

func (s *Service) updateMember(w http.ResponseWriter, r *http.Request) error {
	q, err := object(r, answer.Fail(http.StatusBadRequest, `Expected a status in the form: {"status": "status"}`))
	if err != nil {
		return err
	}
	status, ok := q["status"].(string)
	if !ok {
		return answer.Fail(http.StatusBadRequest, "Status not specified")
	}
	c := front.CallerOf(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	i, m, err := s.changing("update", r)
	if err != nil {
		return err
	}
	if !mayWrite(c, m.id) {
		return forbidden("modify_member")
	}
	if !slices.Contains(memberStates, status) {
		return answer.Fail(http.StatusBadRequest, `Incorrect request: Status must be "pending", "accepted" or "rejected".`)
	}
	m.status, m.updatedAt = status, s.now()
	answer.JSON(w, http.StatusOK, m.body(i.ID))
	return nil
}

func (s *Service) removeMember(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, m, err := s.changing("delete", r)
	if err != nil {
		return err
	}
	if !mayWrite(front.CallerOf(r), i.Owner) {
		return forbidden("delete_member")
	}
	delete(i.members, m.id)
	i.UpdatedAt = s.now()
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// SetMember shares an image with a project in a state, whoever owns it; it is for seeds.
func (s *Service) SetMember(image, project, status string) error {
	if !slices.Contains(memberStates, status) {
		return fmt.Errorf("member status %q is none of %s", status, joined(memberStates))
	}
	return s.Update(image, func(i *Image) {
		t := s.now()
		i.members[project] = &member{id: project, status: status, createdAt: t, updatedAt: t}
	})
}

// Members returns the status of an image's members by their ids.
func (s *Service) Members(image string) map[string]string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := map[string]string{}
	if i, ok := s.images.byID[image]; ok {
		for id, m := range i.members {
			out[id] = m.status
		}
	}
	return out
}
