package cinder

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
)

func (s *Service) forceDelete(w http.ResponseWriter, r *http.Request, _ json.RawMessage) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.visible(r, "volume_extension:volume_admin_actions:force_delete")
	if err != nil {
		return err
	}
	if !front.CallerOf(r).Is("admin") {
		return answer.Fail(http.StatusForbidden, "Policy doesn't allow volume_extension:volume_admin_actions:force_delete to be performed.")
	}
	if err := s.delete(v, []string{v.Status}); err != nil {
		return err
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}

var deletable = []string{Available, Error, "error_restoring", "error_extending", "error_managing"}

// Delete begins to delete a volume that is attached to nothing.
func (s *Service) Delete(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.volumes[id]
	if v == nil {
		return notFound(id)
	}
	return s.delete(v, deletable)
}

// delete begins to delete a volume that is in one of the states. The caller holds the lock.
func (s *Service) delete(v *Volume, in []string) error {
	hasSnapshots := slices.ContainsFunc(s.snapshots.Rows(), func(o *resource.Row) bool { return o.Text("volume_id") == v.ID })
	if hasSnapshots || !slices.Contains(in, v.Status) {
		return invalidVolume("Volume status must be available or error or error_restoring or error_extending or error_managing and " +
			"must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or be disassociated from " +
			"snapshots after volume transfer.")
	}
	v.Status = Deleting
	id := v.ID
	s.clock.After(func(context.Context) {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.volumes, id)
		s.order = slices.DeleteFunc(s.order, func(o *Volume) bool { return o == v })
		_ = os.Remove(s.content(id))
	})
	return nil
}

func (s *Service) deleteVolume(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.visible(r, "volume:delete")
	if err != nil {
		return err
	}
	if strings.EqualFold(r.URL.Query().Get("cascade"), "true") {
		for _, o := range slices.Clone(s.snapshots.Rows()) {
			if o.Text("volume_id") == v.ID {
				s.snapshots.Forget(o.ID())
				_ = os.Remove(s.content(o.ID()))
			}
		}
	}
	if err := s.delete(v, deletable); err != nil {
		return err
	}
	done(w, http.StatusAccepted)
	return nil
}
