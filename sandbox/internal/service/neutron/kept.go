package neutron

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// kept is what an object has besides what the service works with: attributes that only are shown, and how often it
// was changed.
type kept struct {
	values  map[string]any
	changes int
	updated time.Time
}

// shown are attributes that have no effect here but are kept, by kind.
var shown = map[string][]string{
	"network": {"mtu", "port_security_enabled", "dns_domain", "availability_zone_hints", "vlan_transparent"},
	"subnet":  {"host_routes", "allocation_pools", "ipv6_address_mode", "ipv6_ra_mode", "service_types", "segment_id"},
	"port": {
		"allowed_address_pairs", "extra_dhcp_opts", "port_security_enabled", "binding:host_id", "binding:profile", "binding:vnic_type",
		"dns_name", "propagate_uplink_status",
	},
	"router": {"routes", "distributed", "ha", "availability_zone_hints"},
}

// hosts are attributes that administrators alone are shown.
var hosts = []string{
	"binding:host_id", "binding:profile", "binding:vif_type", "binding:vif_details", "provider:network_type", "provider:physical_network",
	"provider:segmentation_id", "distributed", "ha",
}

// keeping serves a change and keeps what it says besides. A change that is meant for another revision is refused.
func (s *Service) keeping(r *http.Request, k kind, change func() (id string, err error)) (string, error) {
	if id := r.PathValue("id"); id != "" {
		if err := s.unchanged(r, k, id); err != nil {
			return "", err
		}
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, 16<<20))
	if err != nil {
		return "", malformed("Body contains invalid data")
	}
	r.Body = io.NopCloser(bytes.NewReader(data))
	id, err := change()
	if err != nil {
		return "", err
	}
	var body map[string]map[string]any
	_ = json.Unmarshal(data, &body) // change has read it
	s.keep(id, k.name, body[k.name], r.PathValue("id") != "")
	return id, nil
}

func (s *Service) keep(id, name string, given map[string]any, changed bool) {
	o := s.kept[id]
	if o == nil {
		o = &kept{values: map[string]any{}}
		s.kept[id] = o
	}
	for key, value := range given {
		if slices.Contains(shown[name], key) {
			o.values[key] = value
		}
	}
	if changed {
		o.changes++
		o.updated = s.clock.Now()
	}
}

// unchanged refuses a request for a revision that isn't the object's any more.
func (s *Service) unchanged(r *http.Request, k kind, id string) error {
	want := r.Header.Get("If-Match")
	if want == "" {
		return nil
	}
	b := k.find(s, front.Caller{Roles: []string{"admin"}}, id)
	if b == nil {
		return k.notFound(id)
	}
	s.overlay(k, b)
	return sameRevision(want, b["revision_number"])
}

func sameRevision(want string, is any) error {
	if number := strings.TrimPrefix(want, "revision_number="); number != fmt.Sprint(is) {
		return answer.FailKind(http.StatusPreconditionFailed, "RevisionNumberConstraintFailed",
			"Constrained to %s, but current revision is %v", number, is)
	}
	return nil
}

// overlay completes a body with what is kept of its object.
func (s *Service) overlay(k kind, b map[string]any) {
	id, _ := b["id"].(string)
	if o := s.kept[id]; o != nil {
		for key, value := range o.values {
			if list, was := b[key].([]any); was && value == nil {
				value = list
			}
			b[key] = value
		}
		if number, is := b["revision_number"].(int); is {
			b["revision_number"] = number + o.changes
		}
		if o.changes > 0 {
			b["updated_at"] = stamp(o.updated)
		}
	}
	if k.name != "port" {
		return
	}
	addMACs(b)
	for _, key := range hosts[:4] {
		if b[key] == nil {
			b[key] = map[string]any{
				"binding:host_id": "", "binding:profile": map[string]any{}, "binding:vif_type": "unbound",
				"binding:vif_details": map[string]any{},
			}[key]
		}
	}
}

// Body leaves out what administrators alone are shown.
func (o object) Body(r *http.Request) map[string]any {
	b := o.Shown.Body(r)
	if front.CallerOf(r).Is("admin") {
		return b
	}
	b = maps.Clone(b)
	maps.DeleteFunc(b, func(key string, _ any) bool { return slices.Contains(hosts, key) })
	return b
}

// addMACs gives each address that a port may use besides its own the port's MAC address, unless it has one.
func addMACs(port map[string]any) {
	pairs, _ := port["allowed_address_pairs"].([]any)
	for _, p := range pairs {
		if pair, ok := p.(map[string]any); ok && pair["mac_address"] == nil {
			pair["mac_address"] = port["mac_address"]
		}
	}
}
