package cinder

import (
	"maps"
	"net/http"
	"slices"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/glance"
)

// Encryption goes as far as properties: a volume of an encrypted type has a key's id, an image made of it another one.
// There is no key manager, and content is kept as it is.

// encrypts tells whether a type's volumes are encrypted.
func encrypts(name string) bool {
	return slices.ContainsFunc(types, func(t volumeType) bool { return t.name == name && t.encrypted })
}

// addKey gives an image that is made of an encrypted volume a key of its own, which goes with the image.
func (v *Volume) addKey(spec *glance.Spec) {
	if v.KeyID == "" {
		return
	}
	spec.Properties["cinder_encryption_key_id"] = uuid.NewString()
	spec.Properties["cinder_encryption_key_deletion_policy"] = "on_image_deletion"
}

var encryption = map[string]any{"provider": "luks", "control_location": "front-end", "cipher": "aes-xts-plain64", "key_size": 256}

func (s *Service) showEncryption(w http.ResponseWriter, r *http.Request) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	v, err := s.visible(r, "")
	if err != nil {
		return err
	}
	body := map[string]any{}
	if v.KeyID != "" {
		body["encryption_key_id"] = v.KeyID
		maps.Copy(body, encryption)
	}
	answer.JSON(w, http.StatusOK, body)
	return nil
}

func showTypeEncryption(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	for _, t := range types {
		if t.id != id {
			continue
		}
		body := map[string]any{}
		if t.encrypted {
			body["volume_type_id"], body["deleted"] = t.id, false
			maps.Copy(body, encryption)
		}
		answer.JSON(w, http.StatusOK, body)
		return nil
	}
	return answer.Fail(http.StatusNotFound, "Volume type %s could not be found.", id)
}
