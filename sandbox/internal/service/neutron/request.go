package neutron

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
)

// ignored are attributes that requests may have without an effect here.
var ignored = []string{
	"tenant_id", "project_id", "admin_state_up", "port_security_enabled", "allowed_address_pairs", "extra_dhcp_opts", "qos_policy_id",
	"binding:host_id", "binding:profile", "binding:vnic_type", "dns_name", "dns_domain", "propagate_uplink_status", "numa_affinity_policy",
	"mtu", "availability_zone_hints", "provider:network_type", "provider:physical_network", "provider:segmentation_id", "segments",
	"is_default", "vlan_transparent",
	"ip_version", "allocation_pools", "host_routes", "ipv6_address_mode", "ipv6_ra_mode", "subnetpool_id", "use_default_subnetpool",
	"prefixlen", "segment_id", "service_types",
	"stateful", "remote_address_group_id", "distributed", "ha", "routes", "flavor_id",
}

// decode reads the object of a request's body, which has to be of attributes that Neutron knows.
func decode[T any](r *http.Request, name string) (T, error) {
	var object T
	var body map[string]json.RawMessage
	if answer.Decode(r, &body) != nil {
		return object, malformed("Body contains invalid data")
	}
	if len(body[name]) == 0 {
		return object, malformed("Unable to find '%s' in request body", name)
	}
	var given map[string]json.RawMessage
	if json.Unmarshal(body[name], &given) != nil {
		return object, malformed("Body contains invalid data")
	}
	known := attributes(reflect.TypeFor[T]())
	for attribute := range given {
		if !slices.Contains(known, attribute) && !slices.Contains(ignored, attribute) {
			return object, malformed("Unrecognized attribute(s) '%s'", attribute)
		}
	}
	if json.Unmarshal(body[name], &object) != nil {
		return object, malformed("Body contains invalid data")
	}
	return object, nil
}

// attributes are the names that a struct's fields have in JSON.
func attributes(t reflect.Type) []string {
	var names []string
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

// presence is a member of a JSON object that may be missing, null (the zero value) or given.
type presence[T any] struct {
	given bool
	value T
}

// UnmarshalJSON notes that the member is there.
func (p *presence[T]) UnmarshalJSON(data []byte) error {
	p.given = true
	if string(data) == "null" {
		return nil
	}
	return json.Unmarshal(data, &p.value)
}
