package nova

import (
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// setNode asks for the server on one host, which only administrators may do. Of virtual machines it doesn't matter here.
func (v *Server) setNode(c front.Caller, node string) error {
	if node != "" && !c.Is("admin") {
		return answer.Fail(http.StatusForbidden, "Policy doesn't allow compute:servers:create:requested_destination to be performed.")
	}
	v.node = node
	return nil
}
