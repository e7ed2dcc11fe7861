package nova

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

func selfLink(r *http.Request, id string) string { return front.Base(r) + "/v2.1/servers/" + id }

func links(r *http.Request, id string) []map[string]string {
	return []map[string]string{{"rel": "self", "href": selfLink(r, id)}, {"rel": "bookmark", "href": front.Base(r) + "/servers/" + id}}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// microStamp is the form of the times that Nova shows straight from its database.
func microStamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000")
}

// body is a server as the API shows it. The caller holds the lock.
func (s *Service) body(r *http.Request, v *Server) map[string]any {
	m, admin := minor(r), front.CallerOf(r).Is("admin")
	b := map[string]any{
		"id": v.ID, "name": v.Name, "status": v.Status(), "tenant_id": v.ProjectID, "user_id": v.UserID, "metadata": v.Metadata,
		"hostId": v.hostID(),
		"image":  "", "flavor": v.Flavor.embedded(r), "created": stamp(v.CreatedAt), "updated": stamp(v.UpdatedAt),
		"addresses": s.addresses(v), "links": links(r, v.ID),
		"accessIPv4": v.accessIPv4, "accessIPv6": v.accessIPv6, "OS-DCF:diskConfig": "MANUAL", "OS-EXT-AZ:availability_zone": v.zone(),
		"config_drive": v.drive(), "key_name": orNull(v.KeyName),
		"OS-SRV-USG:launched_at": microStamp(v.LaunchedAt), "OS-SRV-USG:terminated_at": microStamp(v.terminatedAt),
		"OS-EXT-STS:task_state": orNull(v.TaskState),
		"OS-EXT-STS:vm_state":   v.VMState, "OS-EXT-STS:power_state": v.PowerState, "os-extended-volumes:volumes_attached": v.volumes(m),
	}
	if v.ImageID != "" {
		b["image"] = map[string]any{
			"id":    v.ImageID,
			"links": []map[string]string{{"rel": "bookmark", "href": front.Base(r) + "/images/" + v.ImageID}},
		}
	}
	if slices.Contains([]string{"ACTIVE", "BUILD", "REBUILD", "RESIZE", "VERIFY_RESIZE", "MIGRATING"}, v.Status()) {
		b["progress"] = 0
	}
	if v.VMState != vmBuilding && v.VMState != vmError {
		groups := []map[string]string{}
		for _, g := range v.SecurityGroups {
			groups = append(groups, map[string]string{"name": g})
		}
		b["security_groups"] = groups
	}
	if v.Fault != nil && v.VMState == vmError {
		fault := map[string]any{"code": v.Fault.Code, "message": v.Fault.Message, "created": stamp(v.Fault.At)}
		if admin && v.Fault.Details != "" {
			fault["details"] = v.Fault.Details
		}
		b["fault"] = fault
	}
	s.newer(b, v, m, admin)
	return b
}

// newer adds what later microversions show.
func (s *Service) newer(b map[string]any, v *Server, m int, admin bool) {
	if admin {
		b["OS-EXT-SRV-ATTR:host"], b["OS-EXT-SRV-ATTR:hypervisor_hostname"], b["OS-EXT-SRV-ATTR:instance_name"] = orNull(v.host()),
			orNull(v.host()), fmt.Sprintf("instance-%08x", v.number)
	}
	if m >= 9 {
		b["locked"] = v.Locked
	}
	if m >= 19 {
		b["description"] = orNull(v.Description)
	}
	if m >= 26 {
		b["tags"] = list(v.Tags)
	}
	if m >= 63 {
		b["trusted_image_certificates"] = nil
	}
	if m >= 71 {
		groups := []string{}
		if v.group != "" {
			groups = append(groups, v.group)
		}
		b["server_groups"] = groups
	}
	if m >= 73 {
		b["locked_reason"] = nil
	}
	if m >= 90 || m >= 3 && admin {
		b["OS-EXT-SRV-ATTR:hostname"] = v.Hostname
	}
}

func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

func (v *Server) host() string {
	if v.TaskState == taskScheduling || v.VMState == vmError && v.LaunchedAt.IsZero() {
		return ""
	}
	return "sandbox"
}

func (v *Server) hostID() string {
	if v.host() == "" {
		return ""
	}
	return fmt.Sprintf("%x", sha256.Sum224([]byte(v.ProjectID+v.host())))
}

func (v *Server) zone() string {
	if v.host() == "" {
		return ""
	}
	return v.Zone
}

func (v *Server) drive() string {
	if v.ConfigDrive {
		return "True"
	}
	return ""
}

func (v *Server) volumes(m int) []map[string]any {
	out := []map[string]any{}
	for _, a := range v.Volumes {
		b := map[string]any{"id": a.VolumeID}
		if m >= 3 {
			b["delete_on_termination"] = a.DeleteOnTermination
		}
		out = append(out, b)
	}
	return out
}

func (s *Service) showServer(w http.ResponseWriter, r *http.Request, v *Server) error {
	answer.JSON(w, http.StatusOK, map[string]any{"server": s.body(r, v)})
	return nil
}
