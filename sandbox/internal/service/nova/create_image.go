package nova

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/glance"
)

// createImage makes an image of a server: at once as a record, which gets its data while the server goes through
// the states of a snapshot.
func (s *Service) createImage(w http.ResponseWriter, r *http.Request, v *Server, body json.RawMessage) error {
	var q struct {
		Name     string            `json:"name"`
		Metadata map[string]string `json:"metadata"`
	}
	if err := json.Unmarshal(body, &q); err != nil {
		return invalid("Invalid input for field/attribute createImage. %s", err.Error())
	}
	if strings.TrimSpace(q.Name) == "" {
		return invalid("'name' is a required property")
	}
	if len(q.Name) > 255 {
		return tooLong("name", q.Name)
	}
	if n := s.quotas.MetadataItems; n >= 0 && len(q.Metadata) > n {
		return answer.Fail(http.StatusForbidden, "Image metadata limit exceeded")
	}
	if err := s.checkMetadata(q.Metadata); err != nil {
		return err
	}
	if err := v.ready("createImage", vmActive, vmStopped); err != nil {
		return err
	}
	c := front.CallerOf(r)
	spec := s.snapshotSpec(c, v, q.Name)
	maps.Copy(spec.Properties, q.Metadata)
	id, err := s.images.CreateQueued(c, spec)
	if err != nil {
		return err
	}
	s.note(v, w, r, "createImage")
	v.TaskState, v.UpdatedAt = taskSnapshotWait, s.now()
	s.begin(v, func(ctx context.Context) {
		if err := s.snapshot(ctx, v, id); err != nil {
			if i, ok := s.images.Image(id); ok && i.Status != glance.Active {
				_ = s.images.Delete(id) // as Nova does with what it began
			}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if v.TaskState != taskDeleting {
			v.TaskState, v.UpdatedAt = "", s.now()
		}
	})
	if minor(r) >= 45 {
		answer.JSON(w, http.StatusAccepted, map[string]string{"image_id": id})
		return nil
	}
	w.Header().Set("Location", strings.TrimSuffix(front.Base(r), "/compute")+"/image//images/"+id)
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	w.WriteHeader(http.StatusAccepted)
	return nil
}

func (s *Service) snapshot(ctx context.Context, v *Server, image string) error {
	for _, state := range []string{taskSnapshotWait, taskSnapshot, taskPendingUpload} {
		if err := s.task(ctx, v, state, 4); err != nil {
			return err
		}
	}
	if err := s.task(ctx, v, taskUploading, 4); err != nil {
		return err
	}
	data := s.data(ctx, v)
	defer data.Close()
	return s.images.Upload(image, data)
}

// hardware are properties that libvirt's driver adds to a snapshot.
var hardware = map[string]string{
	"hw_cdrom_bus": "ide", "hw_disk_bus": "virtio", "hw_input_bus": "usb", "hw_machine_type": "pc", "hw_pointer_model": "usbtablet",
	"hw_video_model": "virtio", "hw_vif_model": "virtio",
}

// notInherited are properties that a snapshot doesn't take over from its source.
var notInherited = []string{
	"cache_in_nova", "bittorrent", "img_signature_hash_method", "img_signature", "img_signature_key_type", "img_signature_certificate_uuid",
	"os_hash_algo", "os_hash_value",
}

// snapshotSpec is the record of a server's image: what its source has, and what Nova adds.
func (s *Service) snapshotSpec(c front.Caller, v *Server, name string) glance.Spec {
	spec := glance.Spec{
		Name: name, Owner: v.ProjectID, Visibility: glance.Private, DiskFormat: "qcow2", ContainerFormat: "bare", MinDisk: v.Flavor.Disk,
		Properties: map[string]string{},
	}
	maps.Copy(spec.Properties, hardware)
	if source, ok := s.images.Image(v.ImageID); ok {
		maps.Copy(spec.Properties, source.Properties)
		for _, p := range notInherited {
			delete(spec.Properties, p)
		}
		if source.DiskFormat != "" {
			spec.DiskFormat, spec.ContainerFormat = source.DiskFormat, source.ContainerFormat
		}
		spec.MinRAM = source.MinRAM
	}
	maps.Copy(spec.Properties, map[string]string{
		"base_image_ref": v.ImageID, "boot_roles": v.roles, "image_location": "snapshot", "image_state": "available",
		"image_type": "snapshot", "instance_uuid": v.ID,
		"owner_user_name": v.userName, "owner_project_name": v.project, "owner_id": v.ProjectID, "user_id": c.UserID,
	})
	return spec
}
