package cinder

import (
	"maps"
	"net/http"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/glance"
)

// Encryption goes as far as properties: a volume of an encrypted type has a key's id, an image made of it another one.
// There is no key manager, and content is kept as it is.

// encrypts tells whether a type's volumes are encrypted.
func (s *Service) encrypts(name string) bool {
	row := s.typeNamed(name)
	return row != nil && row.Values["encryption"] != nil
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

func (s *Service) showTypeEncryption(_ *http.Request, row *resource.Row) (int, any, error) {
	body := map[string]any{}
	if values, ok := row.Values["encryption"].(map[string]any); ok {
		body["volume_type_id"], body["deleted"] = row.ID(), false
		body["created_at"], body["updated_at"], body["deleted_at"] = stamp(s.clock.Now()), nil, nil
		maps.Copy(body, values)
	}
	return http.StatusOK, body, nil
}
