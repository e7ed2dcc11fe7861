package neutron

import (
	"net/http"
	"reflect"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
)

// Router is a router, with just enough behind it for its API.
type Router struct {
	ID, Name, ProjectID, Description string
	AdminStateUp                     bool
	ExternalNetwork                  string
	Gateway                          []FixedIP // its addresses on the external network
	Tags                             []string
	CreatedAt                        time.Time
}

var routerKind = kind{
	name: "router", exception: "Router",
	list: func(s *Service, c front.Caller) []map[string]any {
		var out []map[string]any
		for _, o := range s.routers {
			if c.Is("admin") || o.ProjectID == c.ProjectID {
				out = append(out, o.body())
			}
		}
		return out
	},
	create: (*Service).createRouter, update: (*Service).updateRouter, remove: (*Service).removeRouter,
	tags: func(s *Service, id string) *[]string { return &s.routers[id].Tags },
}

func (o *Router) body() map[string]any {
	var gateway any
	if o.ExternalNetwork != "" {
		gateway = map[string]any{"network_id": o.ExternalNetwork, "enable_snat": true, "external_fixed_ips": list(o.Gateway)}
	}
	return map[string]any{
		"id": o.ID, "name": o.Name, "description": o.Description, "project_id": o.ProjectID, "tenant_id": o.ProjectID, "status": "ACTIVE",
		"admin_state_up": o.AdminStateUp, "external_gateway_info": gateway, "routes": []any{}, "availability_zones": []string{},
		"distributed": false, "ha": false,
		"availability_zone_hints": []string{}, "tags": list(o.Tags), "created_at": stamp(o.CreatedAt), "updated_at": stamp(o.CreatedAt),
		"revision_number": 1,
	}
}

type routerRequest struct {
	Name         *string `json:"name"`
	Description  *string `json:"description"`
	AdminStateUp *bool   `json:"admin_state_up"`
	Gateway      presence[struct {
		Network string    `json:"network_id"`
		Fixed   []FixedIP `json:"external_fixed_ips"`
	}] `json:"external_gateway_info"`
}

func (q routerRequest) apply(s *Service, o *Router) error {
	set(&o.Name, q.Name)
	set(&o.Description, q.Description)
	set(&o.AdminStateUp, q.AdminStateUp)
	if !q.Gateway.given {
		return nil
	}
	id := q.Gateway.value.Network
	if n := s.networks[id]; id != "" && (n == nil || !n.External) {
		return answer.Fail(http.StatusBadRequest, "Bad router request: Network %s is not an external network.", id)
	}
	wish := q.Gateway.value.Fixed
	if id == o.ExternalNetwork && len(wish) == 0 {
		return nil
	}
	s.giveAll(o.Gateway)
	o.ExternalNetwork, o.Gateway = id, nil
	if id == "" {
		return nil
	}
	if len(wish) == 0 {
		wish = s.anyAddresses(s.networks[id])
	}
	for _, w := range wish {
		got, err := s.fix(s.networks[id], w)
		if err != nil {
			return err
		}
		o.Gateway = append(o.Gateway, got)
	}
	return nil
}

func (s *Service) createRouter(r *http.Request, c front.Caller) (string, error) {
	q, err := decode[routerRequest](r, "router")
	if err != nil {
		return "", err
	}
	o := &Router{ID: uuid.NewString(), ProjectID: c.ProjectID, AdminStateUp: true, CreatedAt: s.clock.Now()}
	if err := q.apply(s, o); err != nil {
		return "", err
	}
	s.routers[o.ID] = o
	return o.ID, nil
}

func (s *Service) updateRouter(r *http.Request, _ front.Caller) (string, error) {
	q, err := decode[routerRequest](r, "router")
	if err != nil {
		return "", err
	}
	o := s.routers[r.PathValue("id")]
	return o.ID, q.apply(s, o)
}

const routerInterface = "network:router_interface"

func (s *Service) removeRouter(id string) error {
	if count(s.ports, func(p *Port) bool { return p.DeviceID == id && p.DeviceOwner == routerInterface }) > 0 {
		return answer.FailKind(http.StatusConflict, "RouterInUse", "Router %s still has ports", id)
	}
	s.giveAll(s.routers[id].Gateway)
	delete(s.routers, id)
	return nil
}

type interfaceRequest struct {
	Subnet string `json:"subnet_id"`
	Port   string `json:"port_id"`
}

func (s *Service) attach(r *http.Request, c front.Caller) (int, any, error) {
	id := r.PathValue("id")
	if err := s.sees(routerKind, c, id); err != nil {
		return 0, nil, err
	}
	var q interfaceRequest
	if err := answer.Decode(r, &q); err != nil {
		return 0, nil, answer.Fail(http.StatusBadRequest, "%v", err)
	}
	p := s.ports[q.Port]
	if q.Port == "" {
		sub := s.subnets[q.Subnet]
		if sub == nil {
			return 0, nil, subnetKind.notFound(q.Subnet)
		}
		want := FixedIP{SubnetID: sub.ID}
		if sub.Gateway.IsValid() && !s.used[sub.Gateway] {
			want.IPAddress = sub.Gateway.String()
		}
		var err error
		if p, err = s.newPort(c, Port{NetworkID: sub.NetworkID, ProjectID: c.ProjectID, AdminStateUp: true, SecurityGroups: []string{}},
			[]FixedIP{want}); err != nil {
			return 0, nil, err
		}
	}
	if p == nil {
		return 0, nil, portNotFound(q.Port)
	}
	for _, o := range s.ports {
		if o.DeviceID == id && o.DeviceOwner == routerInterface && o != p && sameSubnet(o, p) {
			if q.Port == "" {
				s.deletePort(p.ID)
			}
			return 0, nil, answer.FailKind(http.StatusBadRequest, "BadRequest",
				"Bad router request: Router already has a port on subnet %s.", o.FixedIPs[0].SubnetID)
		}
	}
	p.DeviceID, p.DeviceOwner, p.Status = id, routerInterface, "ACTIVE"
	return http.StatusOK, interfaceBody(id, p), nil
}

func sameSubnet(a, b *Port) bool {
	return len(a.FixedIPs) > 0 && len(b.FixedIPs) > 0 && a.FixedIPs[0].SubnetID == b.FixedIPs[0].SubnetID
}

func (s *Service) detach(r *http.Request, c front.Caller) (int, any, error) {
	id := r.PathValue("id")
	if err := s.sees(routerKind, c, id); err != nil {
		return 0, nil, err
	}
	var q interfaceRequest
	if err := answer.Decode(r, &q); err != nil {
		return 0, nil, answer.Fail(http.StatusBadRequest, "%v", err)
	}
	for _, p := range s.ports {
		if p.DeviceID == id && p.DeviceOwner == routerInterface && (p.ID == q.Port ||
			(len(p.FixedIPs) > 0 && p.FixedIPs[0].SubnetID == q.Subnet)) {
			body := interfaceBody(id, p)
			s.deletePort(p.ID)
			return http.StatusOK, body, nil
		}
	}
	return 0, nil, answer.FailKind(http.StatusNotFound, "RouterInterfaceNotFound", "Router %s does not have an interface with id %s", id,
		q.Port+q.Subnet)
}

func interfaceBody(router string, p *Port) map[string]any {
	subnet := ""
	if len(p.FixedIPs) > 0 {
		subnet = p.FixedIPs[0].SubnetID
	}
	return map[string]any{
		"id": router, "port_id": p.ID, "subnet_id": subnet, "subnet_ids": []string{subnet}, "network_id": p.NetworkID,
		"project_id": p.ProjectID, "tenant_id": p.ProjectID,
	}
}

// extraRoutes serves a call that adds routes to a router's, or removes some of them.
func (s *Service) extraRoutes(add bool) resource.Handler {
	return func(r *http.Request, c front.Caller) (int, any, error) {
		id := r.PathValue("id")
		if err := s.sees(routerKind, c, id); err != nil {
			return 0, nil, err
		}
		var q struct {
			Router struct {
				Routes []map[string]any `json:"routes"`
			} `json:"router"`
		}
		if answer.Decode(r, &q) != nil {
			return 0, nil, malformed("Body contains invalid data")
		}
		have := []any{}
		if o := s.kept[id]; o != nil {
			have, _ = o.values["routes"].([]any)
		}
		routes := slices.DeleteFunc(slices.Clone(have), func(old any) bool {
			return slices.ContainsFunc(q.Router.Routes, func(route map[string]any) bool { return reflect.DeepEqual(old, any(route)) })
		})
		if add {
			for _, route := range q.Router.Routes {
				routes = append(routes, route)
			}
		}
		s.keep(id, routerKind.name, map[string]any{"routes": append([]any{}, routes...)}, true)
		body := s.routers[id].body()
		s.overlay(routerKind, body)
		return http.StatusOK, map[string]any{"router": body}, nil
	}
}
