package sandbox

import (
	"cmp"
	"fmt"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/cinder"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/nova"
)

// Server is a server without an inside, in any state.
type Server struct {
	ID        string // "" = a new one
	Name      string
	Project   string    // name or id; "" = the first user's, admin in the default seed
	Image     string    // id of what it was booted from; "" = it boots from a volume
	Status    string    // such as SHELVED_OFFLOADED; "" = ACTIVE
	CreatedAt time.Time // zero = now
}

// Volume is a volume without content.
type Volume struct {
	ID        string // "" = a new one
	Name      string
	Project   string    // name or id; "" = the first user's, admin in the default seed
	Image     string    // id of what it was made from; "" = nothing
	Server    string    // id of the server that boots from it; "" = none
	CreatedAt time.Time // zero = now
}

// AddServers adds servers as they are, without building them, and returns their ids. It checks neither quotas nor
// images.
func (c *Cloud) AddServers(servers ...Server) ([]string, error) {
	all, ids := make([]nova.Server, len(servers)), make([]string, len(servers))
	for n, s := range servers {
		project, err := c.project(cmp.Or(s.Project, c.logins[0].project.Name))
		if err != nil {
			return nil, err
		}
		state, ok := nova.StateOf(cmp.Or(s.Status, "ACTIVE"))
		if !ok {
			return nil, fmt.Errorf("adding server %q: the status %q is unknown", s.Name, s.Status)
		}
		all[n] = nova.Server{ID: s.ID, Name: s.Name, ProjectID: project, ImageID: s.Image, VMState: state, CreatedAt: s.CreatedAt.UTC()}
	}
	c.services.Compute.Fill(all)
	for n := range all {
		ids[n] = all[n].ID
	}
	return ids, nil
}

// CellDown makes the cell of the servers stop answering: lists show them as UNKNOWN, without their images, or leave
// them out, as Nova does.
func (c *Cloud) CellDown(servers ...string) { c.services.Compute.CellDown(servers...) }

// AddVolumes adds volumes as they are and returns their ids. It checks neither quotas nor images.
func (c *Cloud) AddVolumes(volumes ...Volume) ([]string, error) {
	all, ids := make([]cinder.Volume, len(volumes)), make([]string, len(volumes))
	for n, v := range volumes {
		project, err := c.project(cmp.Or(v.Project, c.logins[0].project.Name))
		if err != nil {
			return nil, err
		}
		one := cinder.Volume{ID: v.ID, Name: v.Name, ProjectID: project, CreatedAt: v.CreatedAt.UTC()}
		if v.Image != "" {
			one.Bootable, one.ImageMetadata = true, map[string]string{"image_id": v.Image}
		}
		if v.Server != "" {
			one.Status = cinder.InUse
			one.Attachments = []cinder.Attachment{{ServerID: v.Server, Device: "/dev/vda"}}
		}
		all[n] = one
	}
	c.services.Volume.Fill(all)
	for n, v := range volumes {
		ids[n] = all[n].ID
		if v.Server != "" {
			c.services.Compute.Hold(v.Server, nova.VolumeAttachment{VolumeID: ids[n], Device: "/dev/vda", Root: true})
		}
	}
	return ids, nil
}
