package nova

import (
	"encoding/json"
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
)

func (s *Service) changePassword(w http.ResponseWriter, r *http.Request, v *Server, body json.RawMessage) error {
	var q struct {
		AdminPass string `json:"adminPass"`
	}
	if json.Unmarshal(body, &q) != nil || q.AdminPass == "" {
		return invalid("'adminPass' is a required property")
	}
	if err := v.ready("changePassword", vmActive); err != nil {
		return err
	}
	s.note(v, w, r, "changePassword")
	v.password, v.passwordAsked = q.AdminPass, true
	if v.guest != nil {
		if err := v.guest.SetPassword(q.AdminPass); err != nil {
			return answer.Fail(http.StatusConflict, "%s", err.Error())
		}
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}

func (s *Service) serverPassword(w http.ResponseWriter, _ *http.Request, _ *Server) error {
	answer.JSON(w, http.StatusOK, map[string]string{"password": ""})
	return nil
}

func (s *Service) clearPassword(w http.ResponseWriter, r *http.Request) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if _, err := s.own(r, "os-server-password:clear"); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
