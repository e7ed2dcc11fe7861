package ironic

import (
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// headless answers as the web framework does, before any of Ironic's own code, whose headers are missing.
func headless(w http.ResponseWriter, r *http.Request, status int, message string) {
	for _, name := range []string{versionHeader, "X-OpenStack-Ironic-API-Minimum-Version", "X-OpenStack-Ironic-API-Maximum-Version"} {
		w.Header().Del(name)
	}
	answer.IronicPlainly(w, r, status, message)
}

func nodeNotFound(ident string) error {
	return answer.Fail(http.StatusNotFound, "Node %s could not be found.", ident)
}

func invalid(format string, args ...any) error {
	return answer.Fail(http.StatusBadRequest, format, args...)
}

func conflict(format string, args ...any) error {
	return answer.Fail(http.StatusConflict, format, args...)
}

func denied(policy string) error {
	return answer.Fail(http.StatusForbidden, "Access was denied to the following resource: %s", policy)
}

func notAcceptable() error { return answer.Fail(http.StatusNotAcceptable, "Request not acceptable.") }

// locked is an error if another task holds the node's lock.
func (n *Node) locked() error {
	if n.Reservation == "" {
		return nil
	}
	return conflict("Node %s is locked by host %s, please retry after the current operation is completed.", n.UUID, n.Reservation)
}

// sees reports whether a caller may know of the node.
func (n *Node) sees(c front.Caller) bool {
	return c.Is("admin") || c.ProjectID != "" && (n.Owner == c.ProjectID || n.Lessee == c.ProjectID)
}

// visible is the node that a request names. The caller holds the lock.
func (s *Service) visible(r *http.Request) (*Node, error) {
	ident := r.PathValue("id")
	n := s.find(ident)
	if n == nil || !n.sees(front.CallerOf(r)) {
		return nil, nodeNotFound(ident)
	}
	return n, nil
}

// own is visible for a request that changes the node, which members of the owning project may.
func (s *Service) own(r *http.Request, policy string) (*Node, error) {
	n, err := s.visible(r)
	if err != nil {
		return nil, err
	}
	if c := front.CallerOf(r); !c.Is("admin") && !(c.Is("member") && n.Owner == c.ProjectID) {
		return nil, denied(policy)
	}
	return n, nil
}
