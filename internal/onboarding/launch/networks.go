package launch

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/layout"
)

// own are the objects of the credentials' project. Administrators see those of all.
func own(w *world) url.Values { return url.Values{"project_id": {w.project()}} }

var (
	networkList = &collection{service: "network", path: "networks", key: "networks", one: "network", query: own}
	subnetList  = &collection{service: "network", path: "subnets", key: "subnets", one: "subnet", query: own}
	routerList  = &collection{service: "network", path: "routers", key: "routers", one: "router", query: own}
	portList    = &collection{service: "network", path: "ports", key: "ports", one: "port"}
)

// ofProject is the field of what may be made for another project.
var ofProject = field{key: "project", attr: "project_id", refers: "projects", fixed: true}

var networks = &kind{
	name: "networks", noun: "network", in: networkList, change: http.MethodPut, loses: true, find: findInProject,
	fields: []field{
		{key: "external", attr: "router:external"}, {key: "shared"}, {key: "admin_state_up"}, ofProject,
	},
	mark: describe, marked: describedBy,
}

var subnets = &kind{
	name: "subnets", noun: "subnet", in: subnetList, change: http.MethodPut, find: findInProject,
	reads: []*collection{subnetList, networkList},
	fields: []field{
		{key: "network_name", attr: "network_id", refers: "networks", fixed: true},
		{key: "cidr", fixed: true},
		{key: "dns_nameservers"},
		{key: "gateway_ip"},
		{key: "enable_dhcp"},
		ofProject,
	},
	complete: func(_ context.Context, _ *world, r *layout.Resource, body object) error {
		body["ip_version"] = 4
		if slices.Contains([]byte(r.Fields.Text("cidr")), ':') {
			body["ip_version"] = 6
		}
		return nil
	},
	mark: describe, marked: describedBy,
}

var routers = &kind{
	name: "routers", noun: "router", in: routerList, change: http.MethodPut, find: findInProject,
	reads:  []*collection{routerList, subnetList},
	fields: []field{{key: "admin_state_up"}, ofProject},
	complete: func(ctx context.Context, w *world, r *layout.Resource, body object) error {
		gateway, err := w.gateway(ctx, r)
		if len(gateway) > 0 {
			body["external_gateway_info"] = gateway
		}
		return err
	},
	parts: routerParts,
	clear: clearRouter,
	mark:  describe, marked: describedBy,
}

// findInProject finds by name among the objects of the project that the layout names, which is usually the credentials'.
func findInProject(ctx context.Context, w *world, k *kind, r *layout.Resource) ([]object, error) {
	query := own(w)
	if name := r.Fields.Text("project"); name != "" {
		id, err := w.ref(ctx, "projects", name, &layout.Resource{})
		if err != nil || id == "" {
			return nil, err
		}
		query = url.Values{"project_id": {id}}
	}
	all, err := w.listed(ctx, k.in, query)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(o object) bool { return o.text("name") != r.Name }), nil
}

// elsewhere finds what belongs to others, and may be used: networks that are external or shared, their subnets, images
// that are public, and anything by its id.
func (w *world) elsewhere(ctx context.Context, k *kind, name string) ([]object, error) {
	switch k.name {
	case "networks":
		found, err := w.listed(ctx, networkList, url.Values{"name": {name}})
		return slices.DeleteFunc(found, func(o object) bool { return o["router:external"] != true && o["shared"] != true }), err
	case "subnets":
		return w.listed(ctx, subnetList, url.Values{"name": {name}})
	case "images":
		return w.imagesElsewhere(ctx, name)
	}
	return nil, nil
}

// gateway is a router's way out, as the layout has it.
func (w *world) gateway(ctx context.Context, r *layout.Resource) (object, error) {
	name := r.Fields.Text("network")
	if name == "" {
		return nil, nil
	}
	id, err := w.ref(ctx, "networks", name, r)
	if err != nil {
		return nil, err
	}
	gateway := object{"network_id": id}
	if snat, given := r.Fields["enable_snat"]; given {
		gateway["enable_snat"] = snat
	}
	fixed, _ := r.Fields["external_fixed_ips"].([]any)
	var ips []object
	for _, one := range fixed {
		parts, is := one.(map[string]any)
		if !is {
			return nil, fault.New(fault.Usage, "", "%s: a fixed IP is a mapping of subnet and ip", r.At)
		}
		ip := object{}
		for _, key := range []string{"subnet", "subnet_id"} {
			if text, is := parts[key].(string); is {
				if ip["subnet_id"], err = w.ref(ctx, "subnets", text, r); err != nil {
					return nil, err
				}
			}
		}
		for _, key := range []string{"ip", "ip_address"} {
			if text, is := parts[key].(string); is {
				ip["ip_address"] = text
			}
		}
		ips = append(ips, ip)
	}
	if len(ips) > 0 {
		gateway["external_fixed_ips"] = ips
	}
	return gateway, nil
}

// routerParts are a router's gateway, if it has another one, and the interfaces that it doesn't have.
func routerParts(ctx context.Context, w *world, r *layout.Resource, o object) (parts []part, err error) {
	gateway, err := w.gateway(ctx, r)
	if err != nil {
		return nil, err
	}
	if o != nil && len(gateway) > 0 && !sameGateway(o, gateway) {
		parts = append(parts, part{what: "gateway " + r.Fields.Text("network"), do: func(ctx context.Context, id string) error {
			body := map[string]any{"router": object{"external_gateway_info": gateway}}
			return w.write(ctx, "network", http.MethodPut, "routers/"+id, body, nil,
				func(ctx context.Context) (bool, error) {
					var now map[string]object
					err := w.get(ctx, "network", "routers/"+id, &now)
					return err == nil && sameGateway(now["router"], gateway), err
				})
		}})
	}
	has := map[string]bool{}
	if o != nil {
		if has, err = w.attached(ctx, o.id()); err != nil {
			return nil, err
		}
	}
	list, _ := r.Fields["interfaces"].([]any)
	for _, one := range list {
		name, is := one.(string)
		if m, mapped := one.(map[string]any); mapped {
			name, is = m["subnet"].(string)
		}
		if !is {
			return nil, fault.New(fault.Usage, "", "%s: an item of interfaces is a subnet's name, or a mapping with subnet", r.At)
		}
		subnet, err := w.ref(ctx, "subnets", name, r)
		if err != nil {
			return nil, err
		}
		if subnet != "" && has[subnet] {
			continue
		}
		parts = append(parts, part{what: "interface " + name, do: func(ctx context.Context, id string) error {
			return w.write(ctx, "network", http.MethodPut, "routers/"+id+"/add_router_interface", object{"subnet_id": subnet}, nil,
				func(ctx context.Context) (bool, error) {
					now, err := w.attached(ctx, id)
					return now[subnet], err
				})
		}})
	}
	return parts, nil
}

func sameGateway(o, want object) bool {
	have, _ := o["external_gateway_info"].(map[string]any)
	for key, value := range want {
		if key != "external_fixed_ips" {
			if !equal(have[key], value) {
				return false
			}
			continue
		}
		ips, _ := have[key].([]any)
		for _, ip := range value.([]object) { //nolint:forcetypeassert // gateway made it
			if !slices.ContainsFunc(ips, func(one any) bool {
				m, _ := one.(map[string]any)
				return (ip["subnet_id"] == nil || ip["subnet_id"] == m["subnet_id"]) &&
					(ip["ip_address"] == nil || ip["ip_address"] == m["ip_address"])
			}) {
				return false
			}
		}
	}
	return true
}

// attached are the subnets that a router has interfaces in.
func (w *world) attached(ctx context.Context, router string) (map[string]bool, error) {
	ports, err := w.read(ctx, portList, url.Values{"device_id": {router}})
	in := map[string]bool{}
	for _, p := range ports {
		if p.text("device_owner") == "network:router_gateway" {
			continue
		}
		ips, _ := p["fixed_ips"].([]any)
		for _, ip := range ips {
			if m, is := ip.(map[string]any); is {
				in[fmt.Sprint(m["subnet_id"])] = true
			}
		}
	}
	return in, err
}

// clearRouter takes a router's interfaces away.
func clearRouter(ctx context.Context, w *world, o object) error {
	in, err := w.attached(ctx, o.id())
	if err != nil {
		return err
	}
	for subnet := range in {
		err := w.write(ctx, "network", http.MethodPut, "routers/"+o.id()+"/remove_router_interface", object{"subnet_id": subnet}, nil,
			func(ctx context.Context) (bool, error) {
				now, err := w.attached(ctx, o.id())
				return !now[subnet] && err == nil, err
			})
		if err != nil {
			return err
		}
	}
	return nil
}
