package nova

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

func selfLink(r *http.Request, id string) string { return front.Base(r) + "/v2.1/servers/" + id }

func links(r *http.Request, id string) []map[string]string {
	return []map[string]string{{"rel": "self", "href": selfLink(r, id)}, {"rel": "bookmark", "href": front.Base(r) + "/servers/" + id}}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// microStamp is the form of the times that Nova shows straight from its database.
func microStamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000")
}

// body is a server as the API shows it. The caller holds the lock.
func (s *Service) body(r *http.Request, v *Server) map[string]any {
	m, admin := minor(r), front.CallerOf(r).Is("admin")
	b := map[string]any{
		"id": v.ID, "name": v.Name, "status": v.Status(), "tenant_id": v.ProjectID, "user_id": v.UserID, "metadata": v.Metadata, "hostId": v.hostID(),
		"image": "", "flavor": v.Flavor.embedded(r), "created": stamp(v.CreatedAt), "updated": stamp(v.UpdatedAt), "addresses": s.addresses(v), "links": links(r, v.ID),
		"accessIPv4": v.accessIPv4, "accessIPv6": v.accessIPv6, "OS-DCF:diskConfig": "MANUAL", "OS-EXT-AZ:availability_zone": v.zone(), "config_drive": v.drive(), "key_name": orNull(v.KeyName),
		"OS-SRV-USG:launched_at": microStamp(v.LaunchedAt), "OS-SRV-USG:terminated_at": nil, "OS-EXT-STS:task_state": orNull(v.TaskState),
		"OS-EXT-STS:vm_state": v.VMState, "OS-EXT-STS:power_state": v.PowerState, "os-extended-volumes:volumes_attached": v.volumes(m),
	}
	if v.ImageID != "" {
		b["image"] = map[string]any{"id": v.ImageID, "links": []map[string]string{{"rel": "bookmark", "href": front.Base(r) + "/images/" + v.ImageID}}}
	}
	if slices.Contains([]string{"ACTIVE", "BUILD"}, v.Status()) {
		b["progress"] = 0
	}
	if v.VMState != vmBuilding && v.VMState != vmError {
		groups := []map[string]string{}
		for _, g := range v.SecurityGroups {
			groups = append(groups, map[string]string{"name": g})
		}
		b["security_groups"] = groups
	}
	if v.Fault != nil && v.VMState == vmError {
		fault := map[string]any{"code": v.Fault.Code, "message": v.Fault.Message, "created": stamp(v.Fault.At)}
		if admin && v.Fault.Details != "" {
			fault["details"] = v.Fault.Details
		}
		b["fault"] = fault
	}
	s.newer(b, v, m, admin)
	return b
}

// newer adds what later microversions show.
func (s *Service) newer(b map[string]any, v *Server, m int, admin bool) {
	if admin {
		b["OS-EXT-SRV-ATTR:host"], b["OS-EXT-SRV-ATTR:hypervisor_hostname"], b["OS-EXT-SRV-ATTR:instance_name"] = orNull(v.host()), orNull(v.host()), fmt.Sprintf("instance-%08x", v.number)
	}
	if m >= 9 {
		b["locked"] = v.Locked
	}
	if m >= 19 {
		b["description"] = orNull(v.Description)
	}
	if m >= 26 {
		b["tags"] = list(v.Tags)
	}
	if m >= 63 {
		b["trusted_image_certificates"] = nil
	}
	if m >= 71 {
		groups := []string{}
		if v.group != "" {
			groups = append(groups, v.group)
		}
		b["server_groups"] = groups
	}
	if m >= 73 {
		b["locked_reason"] = nil
	}
	if m >= 90 || m >= 3 && admin {
		b["OS-EXT-SRV-ATTR:hostname"] = v.Hostname
	}
}

func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

func (v *Server) host() string {
	if v.TaskState == taskScheduling || v.VMState == vmError && v.LaunchedAt.IsZero() {
		return ""
	}
	return "sandbox"
}

func (v *Server) hostID() string {
	if v.host() == "" {
		return ""
	}
	return fmt.Sprintf("%x", sha256.Sum224([]byte(v.ProjectID+v.host())))
}

func (v *Server) zone() string {
	if v.host() == "" {
		return ""
	}
	return v.Zone
}

func (v *Server) drive() string {
	if v.ConfigDrive {
		return "True"
	}
	return ""
}

func (v *Server) volumes(m int) []map[string]any {
	out := []map[string]any{}
	for _, a := range v.Volumes {
		b := map[string]any{"id": a.VolumeID}
		if m >= 3 {
			b["delete_on_termination"] = a.DeleteOnTermination
		}
		out = append(out, b)
	}
	return out
}

// addresses are the server's by network name.
func (s *Service) addresses(v *Server) map[string][]map[string]any {
	out := map[string][]map[string]any{}
	floating := s.nets.FloatingIPs(v.ID)
	for _, p := range s.ports.PortsOf(v.ID) {
		n, ok := s.nets.Network(front.Caller{Roles: []string{"admin"}}, p.NetworkID)
		if !ok {
			continue
		}
		entry := func(address, kind string) {
			version := 4
			if strings.Contains(address, ":") {
				version = 6
			}
			out[n.Name] = append(out[n.Name], map[string]any{"addr": address, "version": version, "OS-EXT-IPS:type": kind, "OS-EXT-IPS-MAC:mac_addr": p.MAC})
		}
		for _, ip := range p.FixedIPs {
			entry(ip.IPAddress, "fixed")
			for _, f := range floating {
				if f.PortID == p.ID && f.FixedAddress == ip.IPAddress {
					entry(f.Address, "floating")
				}
			}
		}
	}
	return out
}

// filter is what a list is asked for.
type filter struct {
	project string // "" = every project's
	name    *regexp.Regexp
	query   url.Values
}

func newFilter(r *http.Request) (filter, error) {
	q, c := r.URL.Query(), front.CallerOf(r)
	f := filter{project: c.ProjectID, query: q}
	if all := q.Get("all_tenants"); q.Has("all_tenants") && all != "0" && !strings.EqualFold(all, "false") {
		if !c.Is("admin") {
			return f, front.Fail(http.StatusForbidden, "Policy doesn't allow os_compute_api:servers:%s:get_all_tenants to be performed.", listName(r))
		}
		f.project = q.Get("project_id")
		if f.project == "" {
			f.project = q.Get("tenant_id")
		}
	}
	if n := q.Get("name"); n != "" {
		re, err := regexp.Compile(n)
		if err != nil {
			return f, invalid("Invalid filter 'name': %s", err.Error())
		}
		f.name = re
	}
	return f, nil
}

func listName(r *http.Request) string {
	if strings.HasSuffix(r.URL.Path, "/detail") {
		return "detail"
	}
	return "index"
}

func (f filter) fits(v *Server, m int, addresses func() []string) bool {
	q := f.query
	has := func(key, value string) bool { return !q.Has(key) || slices.Contains(q[key], value) }
	if f.project != "" && v.ProjectID != f.project || f.name != nil && !f.name.MatchString(v.Name) {
		return false
	}
	if q.Has("status") && !slices.ContainsFunc(q["status"], func(s string) bool { return strings.EqualFold(s, v.Status()) }) {
		return false
	}
	if since, err := time.Parse(time.RFC3339, q.Get("changes-since")); err == nil && v.UpdatedAt.Before(since) {
		return false
	}
	if !has("image", v.ImageID) || !has("flavor", v.Flavor.ID) || !has("uuid", v.ID) || !has("key_name", v.KeyName) || !has("user_id", v.UserID) || !has("vm_state", v.VMState) || !has("availability_zone", v.Zone) {
		return false
	}
	if ip := q.Get("ip"); ip != "" {
		re, err := regexp.Compile(ip)
		if err != nil || !slices.ContainsFunc(addresses(), re.MatchString) {
			return false
		}
	}
	if m < 26 {
		return true
	}
	with := func(key string) []string {
		if q.Get(key) == "" {
			return nil
		}
		return strings.Split(q.Get(key), ",")
	}
	tagged := func(t string) bool { return slices.Contains(v.Tags, t) }
	all, some, notAll, notAny := with("tags"), with("tags-any"), with("not-tags"), with("not-tags-any")
	every := func(l []string) bool { return !slices.ContainsFunc(l, func(t string) bool { return !tagged(t) }) }
	return every(all) && (len(some) == 0 || slices.ContainsFunc(some, tagged)) && (len(notAll) == 0 || !every(notAll)) && !slices.ContainsFunc(notAny, tagged)
}

func (s *Service) listServers(w http.ResponseWriter, r *http.Request) error {
	if c := front.CallerOf(r); c.ProjectID == "" && !c.Is("admin") {
		return front.Fail(http.StatusForbidden, "Policy doesn't allow os_compute_api:servers:index to be performed.")
	}
	f, err := newFilter(r)
	if err != nil {
		return err
	}
	detail := listName(r) == "detail"
	s.mu.RLock()
	defer s.mu.RUnlock()
	var fit []*Server
	for _, v := range s.order {
		addresses := func() []string {
			var all []string
			for _, p := range s.ports.PortsOf(v.ID) {
				for _, ip := range p.FixedIPs {
					all = append(all, ip.IPAddress)
				}
			}
			return all
		}
		if f.fits(v, minor(r), addresses) {
			fit = append(fit, v)
		}
	}
	sortServers(fit, f.query)
	fit, more, err := page(fit, f.query, func(v *Server) string { return v.ID })
	if err != nil {
		return err
	}
	servers := []any{}
	for _, v := range fit {
		if detail {
			servers = append(servers, s.body(r, v))
		} else {
			servers = append(servers, map[string]any{"id": v.ID, "name": v.Name, "links": links(r, v.ID)})
		}
	}
	out := map[string]any{"servers": servers}
	if more {
		out["servers_links"] = nextLink(r, fit[len(fit)-1].ID)
	}
	front.JSON(w, http.StatusOK, out)
	return nil
}

// sortServers orders by the first sort key; the newest come first where none is given.
func sortServers(fit []*Server, q url.Values) {
	key := map[string]func(*Server) string{
		"display_name": func(v *Server) string { return v.Name }, "uuid": func(v *Server) string { return v.ID }, "updated_at": func(v *Server) string { return stamp(v.UpdatedAt) },
		"vm_state": func(v *Server) string { return v.VMState }, "created_at": func(v *Server) string { return fmt.Sprintf("%s%09d", stamp(v.CreatedAt), v.number) },
	}
	by := key[q.Get("sort_key")]
	if by == nil {
		by = key["created_at"]
	}
	slices.SortStableFunc(fit, func(a, b *Server) int {
		c := strings.Compare(by(a), by(b))
		if q.Get("sort_dir") != "asc" {
			return -c
		}
		return c
	})
}

func (s *Service) showServer(w http.ResponseWriter, r *http.Request, v *Server) error {
	front.JSON(w, http.StatusOK, map[string]any{"server": s.body(r, v)})
	return nil
}

func (s *Service) updateServer(w http.ResponseWriter, r *http.Request) error {
	q, err := decode[struct {
		Name        *string `json:"name"`
		Description *string `json:"description"`
		AccessIPv4  *string `json:"accessIPv4"`
		AccessIPv6  *string `json:"accessIPv6"`
		Hostname    *string `json:"hostname"`
	}](r, "server")
	if err != nil {
		return err
	}
	if q.Description != nil && minor(r) < 19 {
		return unexpected("description")
	}
	if q.Hostname != nil && minor(r) < 90 {
		return unexpected("hostname")
	}
	if q.Name != nil && (strings.TrimSpace(*q.Name) == "" || len(*q.Name) > 255) {
		return invalid("Invalid input for field/attribute name. Value: %s. '%s' is too short or too long", *q.Name, *q.Name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.own(r, "servers:update")
	if err != nil {
		return err
	}
	for _, f := range []struct{ to, from *string }{{&v.Name, q.Name}, {&v.Description, q.Description}, {&v.accessIPv4, q.AccessIPv4}, {&v.accessIPv6, q.AccessIPv6}, {&v.Hostname, q.Hostname}} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	v.UpdatedAt = now()
	body := s.body(r, v)
	if minor(r) < 75 { // until then a change shows less than a look
		maps.DeleteFunc(body, func(name string, _ any) bool {
			return strings.HasPrefix(name, "OS-EXT-") || strings.HasPrefix(name, "OS-SRV-USG:")
		})
		for _, name := range []string{"config_drive", "key_name", "os-extended-volumes:volumes_attached", "security_groups"} {
			delete(body, name)
		}
		body["addresses"] = s.plainAddresses(v)
	}
	front.JSON(w, http.StatusOK, map[string]any{"server": body})
	return nil
}

func (s *Service) listAddresses(w http.ResponseWriter, _ *http.Request, v *Server) error {
	front.JSON(w, http.StatusOK, map[string]any{"addresses": s.plainAddresses(v)})
	return nil
}

// plainAddresses leaves out what only a server's own document tells.
func (s *Service) plainAddresses(v *Server) map[string][]map[string]any {
	all := s.addresses(v)
	for _, entries := range all {
		for _, e := range entries {
			delete(e, "OS-EXT-IPS:type")
			delete(e, "OS-EXT-IPS-MAC:mac_addr")
		}
	}
	return all
}

func (s *Service) showAddresses(w http.ResponseWriter, r *http.Request, v *Server) error {
	name := r.PathValue("network")
	entries, ok := s.plainAddresses(v)[name]
	if !ok {
		return front.Fail(http.StatusNotFound, "Instance is not a member of specified network")
	}
	front.JSON(w, http.StatusOK, map[string]any{name: entries})
	return nil
}
