package front

import (
	"fmt"
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
)

// unauthorized is the answer to a request without a valid token.
func (s *Service) unauthorized(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("WWW-Authenticate", fmt.Sprintf("Keystone uri=%q", "http://"+r.Host+"/identity"))
	if s.Unauthorized != nil {
		s.Unauthorized(w, r)
		return
	}
	answer.Keystone(w, r, http.StatusUnauthorized, "The request you have made requires authentication.")
}
