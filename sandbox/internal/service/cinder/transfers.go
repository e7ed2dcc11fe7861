package cinder

import (
	"net/http"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
)

const awaiting = "awaiting-transfer"

// transferTable are the transfers of volumes to other projects that nobody has accepted yet.
func (s *Service) transferTable() *resource.Table {
	t := &resource.Table{
		Kind: resource.Kind{Name: "transfer", Plural: "transfers", Path: "/v3/os-volume-transfer"},
		Fields: []resource.Field{
			{Name: "volume_id", Required: true},
			{Name: "name", Create: true},
			{Name: "no_snapshots", Type: resource.Flag, Create: true, Since: 55},
			{Name: "auth_key"},
			{Name: "created_at", Type: resource.Time},
		},
		Refuse: refusals(), Now: s.clock.Now, Stamp: stamped, Everyones: everyones, Version: minor,
	}
	t.Check = func(_ *http.Request, c front.Caller, row *resource.Row) error {
		v := s.volumes[row.Text("volume_id")]
		if v == nil || !may(c, v.ProjectID) {
			return notFound(row.Text("volume_id"))
		}
		if v.Status != Available {
			return invalidVolume("status must be available")
		}
		v.Status, row.Project, row.Values["auth_key"] = awaiting, v.ProjectID, uuid.NewString()[:16]
		return nil
	}
	t.Going = func(row *resource.Row) (bool, error) {
		if v := s.volumes[row.Text("volume_id")]; v != nil && v.Status == awaiting {
			v.Status = Available
		}
		return false, nil
	}
	t.Shape = func(r *http.Request, row *resource.Row, body map[string]any) {
		if r.Method != http.MethodPost { // it is told once
			delete(body, "auth_key")
		}
		if minor(r) >= 57 {
			body["source_project_id"], body["destination_project_id"], body["accepted"] = row.Project, nil, false
		}
		body["links"] = links(r, "volume-transfers", row.Project, row.ID())
	}
	t.Brief = func(r *http.Request, o resource.Object) map[string]any {
		b := o.Body(r)
		return map[string]any{"id": b["id"], "volume_id": b["volume_id"], "name": b["name"], "links": b["links"]}
	}
	return t.Open()
}

// mountTransfers serves transfers under both of their paths.
func (s *Service) mountTransfers(mux *http.ServeMux) {
	style := s.style()
	style.Missing = func(_ *resource.Kind, id string) error {
		return answer.Fail(http.StatusNotFound, "Transfer %s could not be found.", id)
	}
	for _, path := range []string{"/v3/os-volume-transfer", "/v3/volume-transfers"} {
		kind := s.transfers.Kind
		kind.Path = path
		style.Mount(mux, &kind)
		mux.Handle("POST "+path+"/{id}/accept", s.serve(s.acceptTransfer))
	}
}

func (s *Service) acceptTransfer(r *http.Request, c front.Caller) (int, any, error) {
	row := s.transfers.Row(r.PathValue("id"))
	if row == nil {
		return 0, nil, answer.Fail(http.StatusNotFound, "Transfer %s could not be found.", r.PathValue("id"))
	}
	var q struct {
		Accept struct {
			Key string `json:"auth_key"`
		}
	}
	if err := decode(r, &q); err != nil {
		return 0, nil, err
	}
	v := s.volumes[row.Text("volume_id")]
	if v == nil || q.Accept.Key != row.Text("auth_key") {
		return 0, nil, answer.Fail(http.StatusBadRequest, "Attempt to transfer %s with invalid auth key.", row.ID())
	}
	v.ProjectID, v.UserID, v.Status, v.UpdatedAt = c.ProjectID, c.UserID, Available, s.clock.Now()
	s.transfers.Forget(row.ID())
	return http.StatusAccepted, map[string]any{"transfer": map[string]any{
		"id": row.ID(), "name": row.Text("name"), "volume_id": v.ID, "links": links(r, "volume-transfers", c.ProjectID, row.ID()),
	}}, nil
}
