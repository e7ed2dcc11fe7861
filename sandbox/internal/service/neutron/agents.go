package neutron

import (
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
)

// agentless are the calls about agents, of which there are none, and about what only a deployment of agents has.
func agentless() map[string]resource.Handler {
	return map[string]resource.Handler{
		"GET /v2.0/agents": func(*http.Request, front.Caller) (int, any, error) {
			return http.StatusOK, map[string]any{"agents": []any{}}, nil
		},
		"/v2.0/agents/{id}": func(r *http.Request, _ front.Caller) (int, any, error) {
			return 0, nil, answer.FailKind(http.StatusNotFound, "AgentNotFound", "Agent %s could not be found.", r.PathValue("id"))
		},
		"GET /v2.0/service-providers": func(*http.Request, front.Caller) (int, any, error) {
			return http.StatusOK, map[string]any{"service_providers": []map[string]any{
				{"service_type": "L3_ROUTER_NAT", "name": "single_node", "default": true},
			}}, nil
		},
		"GET /v2.0/auto-allocated-topology/{project}":    noTopology(http.StatusNotFound),
		"DELETE /v2.0/auto-allocated-topology/{project}": noTopology(http.StatusConflict),
	}
}

// noTopology refuses to make a network without being asked for its parts: no external network is the default one.
func noTopology(status int) resource.Handler {
	return func(*http.Request, front.Caller) (int, any, error) {
		return 0, nil, answer.FailKind(status, "AutoAllocationFailure", "Deployment error: No default router:external network.")
	}
}
