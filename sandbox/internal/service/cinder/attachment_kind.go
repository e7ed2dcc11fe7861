package cinder

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
)

// attached is an attachment as the calls about attachments see it.
type attached struct {
	*Volume
	*Attachment
}

// ID is the attachment's.
func (a attached) ID() string { return a.Attachment.ID }

// Owner is the volume's project.
func (a attached) Owner() string { return a.ProjectID }

// Field is what lists filter by.
func (a attached) Field(name string) (any, bool) {
	v, ok := map[string]any{
		"volume_id": a.Volume.ID, "instance_id": a.ServerID, "status": a.state(), "id": a.Attachment.ID, "project_id": a.ProjectID,
	}[name]
	return v, ok
}

// Body is the attachment.
func (a attached) Body(*http.Request) map[string]any {
	var at any
	if a.state() == "attached" {
		at = stamp(a.AttachedAt)
	}
	connection := map[string]any{}
	if a.Attachment.Status != Reserved {
		connection = map[string]any{
			"access_mode": "rw", "attachment_id": a.Attachment.ID, "driver_volume_type": "nfs", "name": "volume-" + a.Volume.ID,
			"export": "sandbox:/volumes", "encrypted": a.KeyID != "", "qos_specs": nil, "cacheable": false,
		}
	}
	mode := "rw"
	if a.Attachment.Status == Reserved {
		mode = "null"
	}
	return map[string]any{
		"id": a.Attachment.ID, "status": a.state(), "instance": orNull(a.ServerID), "volume_id": a.Volume.ID,
		"attached_at": at, "detached_at": nil, "attach_mode": mode, "connection_info": connection,
	}
}

func (a *Attachment) state() string {
	if a.Status == "" {
		return "attached"
	}
	return a.Status
}

// attachmentKind are the attachments of all volumes. Servers' are Nova's doing, and others that of who asks.
func (s *Service) attachmentKind() *resource.Kind {
	return &resource.Kind{
		Name: "attachment", Plural: "attachments", Path: "/v3/attachments", Ordered: true,
		Filters: []string{"volume_id", "instance_id", "status"},
		List: func(c front.Caller, q url.Values) (all []resource.Object, err error) {
			everyones, err := everyones(c, q)
			for _, v := range s.order {
				for n := range v.Attachments {
					if everyones || v.ProjectID == c.ProjectID {
						all = append(all, attached{v, &v.Attachments[n]})
					}
				}
			}
			return all, err
		},
		Brief: func(_ *http.Request, o resource.Object) map[string]any {
			a := o.(attached)
			return map[string]any{"id": a.ID(), "status": a.state(), "instance": orNull(a.ServerID), "volume_id": a.Volume.ID}
		},
		Create: s.createAttachment, Update: s.connect,
	}
}

// mountAttachments serves the calls about attachments, which came with a microversion.
func (s *Service) mountAttachments(mux *http.ServeMux) {
	style, kind := s.style(), s.attachmentKind()
	style.Created = http.StatusOK
	style.Missing = func(_ *resource.Kind, id string) error {
		return answer.Fail(http.StatusNotFound, "Volume attachment could not be found with filter: attachment_id = %s.", id)
	}
	serve := style.Serve
	style.Serve = func(h resource.Handler) http.Handler {
		return serve(func(r *http.Request, c front.Caller) (int, any, error) {
			if !atLeast(r, 27) {
				return 0, nil, answer.Fail(http.StatusNotFound, "The resource could not be found.")
			}
			return h(r, c)
		})
	}
	style.Mount(mux, kind)
	mux.Handle("DELETE "+kind.Path+"/{id}", style.Serve(s.endAttachment))
	mux.Handle("POST "+kind.Path+"/{id}/action", style.Serve(s.completeAttachment))
}

func (s *Service) attachment(c front.Caller, id string) (attached, error) {
	for _, v := range s.order {
		at := slices.IndexFunc(v.Attachments, func(a Attachment) bool { return a.ID == id })
		if at >= 0 && may(c, v.ProjectID) {
			return attached{v, &v.Attachments[at]}, nil
		}
	}
	return attached{}, answer.Fail(http.StatusNotFound, "Volume attachment could not be found with filter: attachment_id = %s.", id)
}

func (s *Service) createAttachment(r *http.Request, c front.Caller) (resource.Object, error) {
	var q struct {
		Attachment struct {
			Volume    string         `json:"volume_uuid"`
			Server    string         `json:"instance_uuid"`
			Connector map[string]any `json:"connector"`
		} `json:"attachment"`
	}
	if err := decode(r, &q); err != nil {
		return nil, err
	}
	v := s.volumes[q.Attachment.Volume]
	if v == nil || !may(c, v.ProjectID) {
		return nil, notFound(q.Attachment.Volume)
	}
	if v.Status != Available && (!v.Multiattach || v.Status != InUse) {
		return nil, invalidVolume("Volume %s status must be available or downloading to reserve, but the current status is %s.",
			v.ID, v.Status)
	}
	status := Reserved
	if len(q.Attachment.Connector) > 0 {
		status = Attaching
	}
	v.Attachments = append(v.Attachments, Attachment{
		ID: uuid.NewString(), ServerID: q.Attachment.Server, AttachedAt: s.clock.Now(), Status: status,
	})
	v.Status, v.UpdatedAt = status, s.clock.Now()
	return attached{v, &v.Attachments[len(v.Attachments)-1]}, nil
}

// connect tells from where an attachment is used.
func (s *Service) connect(_ *http.Request, c front.Caller, id string) error {
	a, err := s.attachment(c, id)
	if err == nil && a.Attachment.Status == Reserved {
		a.Attachment.Status, a.Volume.Status = Attaching, Attaching
	}
	return err
}

func (s *Service) completeAttachment(r *http.Request, c front.Caller) (int, any, error) {
	a, err := s.attachment(c, r.PathValue("id"))
	if err != nil {
		return 0, nil, err
	}
	a.Attachment.Status, a.Volume.Status = "", InUse
	return http.StatusNoContent, nil, nil
}

func (s *Service) endAttachment(r *http.Request, c front.Caller) (int, any, error) {
	a, err := s.attachment(c, r.PathValue("id"))
	if err != nil {
		return 0, nil, err
	}
	v, id := a.Volume, a.ID()
	v.Attachments = slices.DeleteFunc(v.Attachments, func(a Attachment) bool { return a.ID == id })
	if len(v.Attachments) == 0 {
		v.Status, v.UpdatedAt = Available, s.clock.Now()
	}
	all := []map[string]any{}
	for n := range v.Attachments {
		all = append(all, attached{v, &v.Attachments[n]}.Body(r))
	}
	return http.StatusOK, map[string]any{"attachments": all}, nil
}
