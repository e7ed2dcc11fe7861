package nova

import (
	"maps"
	"net/http"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
)

func (s *Service) updateServer(w http.ResponseWriter, r *http.Request) error {
	q, err := decode[struct {
		Name        *string `json:"name"`
		Description *string `json:"description"`
		AccessIPv4  *string `json:"accessIPv4"`
		AccessIPv6  *string `json:"accessIPv6"`
		Hostname    *string `json:"hostname"`
	}](r, "server")
	if err != nil {
		return err
	}
	if q.Description != nil && minor(r) < 19 {
		return unexpected("description")
	}
	if q.Hostname != nil && minor(r) < 90 {
		return unexpected("hostname")
	}
	if q.Name != nil && (strings.TrimSpace(*q.Name) == "" || len(*q.Name) > 255) {
		return invalid("Invalid input for field/attribute name. Value: %s. '%s' is too short or too long", *q.Name, *q.Name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.own(r, "servers:update")
	if err != nil {
		return err
	}
	for _, f := range []struct{ to, from *string }{
		{&v.Name, q.Name},
		{&v.Description, q.Description},
		{&v.accessIPv4, q.AccessIPv4},
		{&v.accessIPv6, q.AccessIPv6},
		{&v.Hostname, q.Hostname},
	} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	v.UpdatedAt = s.now()
	body := s.body(r, v)
	if minor(r) < 75 { // until then a change shows less than a look
		maps.DeleteFunc(body, func(name string, _ any) bool {
			return strings.HasPrefix(name, "OS-EXT-") || strings.HasPrefix(name, "OS-SRV-USG:")
		})
		for _, name := range []string{"config_drive", "key_name", "os-extended-volumes:volumes_attached", "security_groups"} {
			delete(body, name)
		}
		body["addresses"] = s.plainAddresses(v)
	}
	answer.JSON(w, http.StatusOK, map[string]any{"server": body})
	return nil
}
