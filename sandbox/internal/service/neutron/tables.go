package neutron

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
)

// exceptions are the first parts of the exceptions' names of kinds that are tables, and what messages call them.
var exceptions = map[string][2]string{
	"subnetpool": {"SubnetPool", "Subnet pool"}, "address_scope": {"AddressScope", "Address scope"},
	"flavor": {"Flavor", "Flavor"}, "service_profile": {"ServiceProfile", "Service Profile"},
	"rbac_policy": {"RbacPolicy", "RBAC policy"}, "address_group": {"AddressGroup", "Address group"},
}

func missing(k *resource.Kind, id string) error {
	if e, ok := exceptions[k.Name]; ok {
		return answer.FailKind(http.StatusNotFound, e[0]+"NotFound", e[1]+" %s could not be found.", id)
	}
	return kinds[plural(k)].notFound(id)
}

var refusals = resource.Refusals{
	Malformed: func() error { return malformed("Body contains invalid data") },
	Unknown:   func(_ *resource.Kind, f string) error { return malformed("Unrecognized attribute(s) '%s'", f) },
	Fixed:     func(_ *resource.Kind, f string) error { return malformed("Cannot update read-only attribute %s", f) },
	Lacks: func(_ *resource.Kind, f string) error {
		return malformed("Failed to parse request. Required attribute '%s' not specified", f)
	},
	Invalid: func(_ *resource.Kind, f string, v any) error {
		return malformed("Invalid input for %s. Reason: %v has the wrong type.", f, v)
	},
	Reserved: func(k *resource.Kind, verb, f string) error { return disallowed(verb+"_"+k.Name, f) },
}

// table declares a kind whose objects are records of a project.
func (s *Service) table(name, plural string, fields ...resource.Field) *resource.Table {
	text := resource.Field{Create: true}
	project, tenant := text, text
	project.Name, tenant.Name = "project_id", "tenant_id"
	t := &resource.Table{
		Kind: resource.Kind{Name: name, Plural: strings.ReplaceAll(plural, "-", "_"), Path: "/v2.0/" + plural}, Refuse: refusals,
		Fields: append(fields, project, tenant, resource.Field{Name: "created_at", Type: resource.Time},
			resource.Field{Name: "updated_at", Type: resource.Time}, resource.Field{Name: "revision_number", Type: resource.Whole}),
		Now: s.clock.Now, Stamp: func(t time.Time) any { return stamp(t) },
		Sees: func(c front.Caller, row *resource.Row) bool {
			return c.Is("admin") || row.Project == c.ProjectID || row.Flag("shared")
		},
		Everyones: func(front.Caller, url.Values) (bool, error) { return true, nil },
		Shape: func(_ *http.Request, row *resource.Row, body map[string]any) {
			body["project_id"], body["tenant_id"] = row.Project, row.Project
		},
	}
	t.Changing = func(r *http.Request, _ front.Caller, row *resource.Row, _ map[string]any) error {
		if want := r.Header.Get("If-Match"); want != "" {
			if err := sameRevision(want, row.Whole("revision_number")); err != nil {
				return err
			}
		}
		row.Set("revision_number", row.Whole("revision_number")+1)
		return nil
	}
	return t
}

// declare makes the tables.
func (s *Service) declare() {
	field := func(name string, kind resource.Type, update bool) resource.Field {
		return resource.Field{Name: name, Type: kind, Create: true, Update: update}
	}
	name, description := field("name", resource.Text, true), field("description", resource.Text, true)
	shared := resource.Field{Name: "shared", Type: resource.Flag, Create: true, Update: true, Admin: true}
	s.scopes = s.table("address_scope", "address-scopes", name, shared, field("ip_version", resource.Whole, false))
	s.groupsOfAddresses = s.table("address_group", "address-groups", name, description, field("addresses", resource.Texts, false))
	s.rbac = s.table("rbac_policy", "rbac-policies", resource.Field{Name: "object_type", Required: true},
		resource.Field{Name: "object_id", Required: true}, resource.Field{Name: "action", Required: true},
		resource.Field{Name: "target_tenant", Required: true, Update: true})
	scope := field("address_scope_id", resource.Text, true)
	scope.Null = true
	s.pools = s.table("subnetpool", "subnetpools", name, description, shared, scope,
		resource.Field{Name: "prefixes", Type: resource.Texts, Required: true, Update: true},
		field("default_prefixlen", resource.Whole, true), field("min_prefixlen", resource.Whole, true),
		field("max_prefixlen", resource.Whole, true), field("is_default", resource.Flag, true), field("default_quota", resource.Any, true),
		resource.Field{Name: "ip_version", Type: resource.Whole},
		resource.Field{Name: "tags", Type: resource.Texts})
	s.pools.Tagged, s.pools.Check = true, checkPool
	s.pools.Going = func(row *resource.Row) (bool, error) {
		if count(s.subnets, func(sub *Subnet) bool { return sub.Pool == row.ID() }) > 0 {
			return false, answer.FailKind(http.StatusBadRequest, "SubnetPoolDeleteError",
				"Unable to delete subnet pool: Subnet pool has existing allocations.")
		}
		return false, nil
	}
	s.flavors = s.table("flavor", "flavors", name, description, resource.Field{Name: "service_type", Required: true},
		resource.Field{Name: "enabled", Type: resource.Flag, Default: true, Create: true, Update: true},
		field("service_profiles", resource.Texts, true))
	s.profiles = s.table("service_profile", "service_profiles", description, field("driver", resource.Text, true),
		field("metainfo", resource.Text, true),
		resource.Field{Name: "enabled", Type: resource.Flag, Default: true, Create: true, Update: true})
	s.profiles.Check = func(_ *http.Request, _ front.Caller, row *resource.Row) error {
		if driver := row.Text("driver"); driver != "" {
			return answer.FailKind(http.StatusNotFound, "ServiceProfileDriverNotFound",
				"Service profile driver %s could not be found.", driver)
		}
		return nil
	}
	for _, t := range []*resource.Table{s.flavors, s.profiles} {
		t.Shape = func(_ *http.Request, _ *resource.Row, body map[string]any) {
			for _, key := range []string{"project_id", "tenant_id", "created_at", "updated_at", "revision_number"} {
				delete(body, key)
			}
		}
	}
	for _, t := range s.tables() {
		t.Open()
	}
}

func (s *Service) tables() []*resource.Table {
	return []*resource.Table{s.scopes, s.groupsOfAddresses, s.rbac, s.pools, s.flavors, s.profiles}
}

// checkPool completes a subnet pool with the lengths of prefixes that are usual.
func checkPool(_ *http.Request, _ front.Caller, row *resource.Row) error {
	prefixes, _ := row.Values["prefixes"].([]string)
	for _, text := range prefixes {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return malformed("Invalid input for prefixes. Reason: '%s' isn't a recognized IP subnet cidr, e.g. '10.0.0.0/24'.", text)
		}
		lengths, version := [2]int{8, 32}, 4
		if p.Addr().Is6() {
			lengths, version = [2]int{64, 128}, 6
		}
		row.Set("ip_version", version)
		for n, field := range []string{"min_prefixlen", "max_prefixlen"} {
			if row.Whole(field) == 0 {
				row.Set(field, lengths[n])
			}
		}
	}
	if row.Whole("default_prefixlen") == 0 {
		row.Set("default_prefixlen", row.Whole("min_prefixlen"))
	}
	return nil
}

// listing serves a call that adds values to a list of an object, or removes them from it.
func (s *Service) listing(t *resource.Table, field string, add bool) resource.Handler {
	return func(r *http.Request, c front.Caller) (int, any, error) {
		row := t.Row(r.PathValue("id"))
		switch {
		case row == nil || !t.Sees(c, row):
			return 0, nil, missing(&t.Kind, r.PathValue("id"))
		case !c.Is("admin") && row.Project != c.ProjectID:
			return 0, nil, disallowed("update_" + t.Name)
		}
		var given map[string][]string
		if answer.Decode(r, &given) != nil {
			return 0, nil, malformed("Body contains invalid data")
		}
		have, _ := row.Values[field].([]string)
		have = slices.DeleteFunc(slices.Clone(have), func(v string) bool { return slices.Contains(given[field], v) })
		if add {
			have = append(have, given[field]...)
		}
		row.Set(field, have)
		row.Set("revision_number", row.Whole("revision_number")+1)
		if t == s.pools {
			return http.StatusOK, map[string]any{field: have}, nil
		}
		return http.StatusOK, map[string]any{t.Name: row.Body(r)}, nil
	}
}

// fromPool is the first prefix of a subnet pool that no subnet of the pool has; bits 0 stands for the pool's default.
func (s *Service) fromPool(c front.Caller, id string, bits int) (netip.Prefix, error) {
	pool := s.pools.Row(id)
	if pool == nil || !s.pools.Sees(c, pool) {
		return netip.Prefix{}, missing(&s.pools.Kind, id)
	}
	if bits == 0 {
		bits = pool.Whole("default_prefixlen")
	}
	prefixes, _ := pool.Values["prefixes"].([]string)
	for _, text := range prefixes {
		whole, err := netip.ParsePrefix(text)
		if err != nil || bits < whole.Bits() || bits > whole.Addr().BitLen() {
			continue
		}
		size := uint32(1) << min(31, whole.Addr().BitLen()-bits)
		for at := whole.Addr(); whole.Contains(at); at = plus(at, size) {
			p := netip.PrefixFrom(at, bits)
			taken := count(s.subnets, func(sub *Subnet) bool { return sub.Pool == id && sub.CIDR.Overlaps(p) })
			if taken == 0 {
				return p, nil
			}
		}
	}
	return netip.Prefix{}, answer.FailKind(http.StatusServiceUnavailable, "SubnetAllocationError",
		"Failed to allocate subnet: Insufficient prefix space to allocate subnet size /%d.", bits)
}
