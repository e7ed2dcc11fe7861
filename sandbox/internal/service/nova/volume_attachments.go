package nova

import (
	"context"
	"net/http"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

func attachmentBody(r *http.Request, v *Server, a VolumeAttachment) map[string]any {
	b := map[string]any{"id": a.VolumeID, "volumeId": a.VolumeID, "serverId": v.ID, "device": a.Device}
	if minor(r) >= 70 {
		b["tag"] = orNull(a.Tag)
	}
	if minor(r) >= 79 {
		b["delete_on_termination"] = a.DeleteOnTermination
	}
	if minor(r) >= 89 {
		delete(b, "id")
		b["attachment_id"], b["bdm_uuid"] = a.VolumeID, a.VolumeID
	}
	return b
}

func (s *Service) listAttachments(w http.ResponseWriter, r *http.Request, v *Server) error {
	out := []any{}
	for _, a := range v.Volumes {
		out = append(out, attachmentBody(r, v, a))
	}
	answer.JSON(w, http.StatusOK, map[string]any{"volumeAttachments": out})
	return nil
}

func (v *Server) attachment(id string) (VolumeAttachment, error) {
	i := slices.IndexFunc(v.Volumes, func(a VolumeAttachment) bool { return a.VolumeID == id })
	if i < 0 {
		return VolumeAttachment{}, answer.Fail(http.StatusNotFound, "Instance %s is not attached to volume %s", v.ID, id)
	}
	return v.Volumes[i], nil
}

func (s *Service) showAttachment(w http.ResponseWriter, r *http.Request, v *Server) error {
	a, err := v.attachment(r.PathValue("volume"))
	if err != nil {
		return err
	}
	answer.JSON(w, http.StatusOK, map[string]any{"volumeAttachment": attachmentBody(r, v, a)})
	return nil
}

func (s *Service) attachVolume(w http.ResponseWriter, r *http.Request) error {
	q, err := decode[struct {
		VolumeID            string `json:"volumeId"`
		Device              string `json:"device"`
		Tag                 string `json:"tag"`
		DeleteOnTermination bool   `json:"delete_on_termination"`
	}](r, "volumeAttachment")
	if err != nil {
		return err
	}
	v, err := s.locked(r, "os-volumes-attachments:create", "attach_volume", vmActive, vmStopped)
	if err != nil {
		return err
	}
	if _, ok := s.vols.Visible(front.CallerOf(r), q.VolumeID); !ok {
		return answer.Fail(http.StatusNotFound, "Volume %s could not be found.", q.VolumeID)
	}
	if err := s.vols.Reserve(q.VolumeID); err != nil {
		return err
	}
	a := VolumeAttachment{VolumeID: q.VolumeID, Device: q.Device, Tag: q.Tag, DeleteOnTermination: q.DeleteOnTermination}
	s.mu.Lock()
	if a.Device == "" {
		a.Device = "/dev/vd" + string(rune('b'+len(v.Volumes)))
	}
	v.Volumes = append(v.Volumes, a)
	s.note(v, w, r, "attach_volume")
	b := attachmentBody(r, v, a)
	s.mu.Unlock()
	s.clock.After(func(context.Context) { _ = s.vols.Attach(q.VolumeID, v.ID, a.Device) })
	answer.JSON(w, http.StatusOK, map[string]any{"volumeAttachment": b})
	return nil
}

func (s *Service) detachVolume(w http.ResponseWriter, r *http.Request) error {
	v, err := s.locked(r, "os-volumes-attachments:delete", "detach_volume", vmActive, vmStopped)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := v.attachment(r.PathValue("volume"))
	if err != nil {
		return err
	}
	if a.Root {
		return answer.Fail(http.StatusForbidden, "Cannot detach a root device volume")
	}
	s.note(v, w, r, "detach_volume")
	s.clock.After(func(context.Context) {
		s.vols.Detach(a.VolumeID, v.ID)
		s.change(v, func() {
			v.Volumes = slices.DeleteFunc(slices.Clone(v.Volumes), func(b VolumeAttachment) bool { return b.VolumeID == a.VolumeID })
		})
	})
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// VolumeAttachment is a volume of a server.
type VolumeAttachment struct {
	VolumeID, Device, Tag string
	DeleteOnTermination   bool
	Root                  bool
}
