package nova

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// filter is what a list is asked for.
type filter struct {
	project string // "" = every project's
	deleted bool   // only deleted ones
	both    bool   // deleted ones and the others
	name    *regexp.Regexp
	query   url.Values
}

func newFilter(r *http.Request) (filter, error) {
	q, c := r.URL.Query(), front.CallerOf(r)
	f := filter{project: c.ProjectID, query: q}
	if all := q.Get("all_tenants"); q.Has("all_tenants") && all != "0" && !strings.EqualFold(all, "false") {
		if !c.Is("admin") {
			return f, answer.Fail(http.StatusForbidden, "Policy doesn't allow os_compute_api:servers:%s:get_all_tenants to be performed.",
				listName(r))
		}
		f.project = q.Get("project_id")
		if f.project == "" {
			f.project = q.Get("tenant_id")
		}
	}
	if c.Is("admin") { // others' question is passed over
		f.deleted = strings.EqualFold(q.Get("deleted"), "true") || q.Get("deleted") == "1"
	} else if slices.Contains(q["status"], "DELETED") {
		return f, answer.Fail(http.StatusForbidden, "Only administrators may list deleted instances")
	}
	f.both = q.Has("changes-since") && !(c.Is("admin") && q.Has("deleted"))
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
	if !f.both && f.deleted != (v.VMState == vmSoftDeleted || v.VMState == vmDeleted) {
		return false
	}
	if f.project != "" && v.ProjectID != f.project || f.name != nil && !f.name.MatchString(v.Name) {
		return false
	}
	if q.Has("status") && !slices.ContainsFunc(q["status"], func(s string) bool { return strings.EqualFold(s, v.Status()) }) {
		return false
	}
	if since, err := time.Parse(time.RFC3339, q.Get("changes-since")); err == nil && v.UpdatedAt.Before(since) {
		return false
	}
	if !has("image", v.ImageID) || !has("flavor", v.Flavor.ID) || !has("uuid", v.ID) || !has("key_name", v.KeyName) ||
		!has("user_id", v.UserID) || !has("vm_state", v.VMState) || !has("availability_zone", v.Zone) {
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
	return every(all) && (len(some) == 0 || slices.ContainsFunc(some, tagged)) && (len(notAll) == 0 || !every(notAll)) &&
		!slices.ContainsFunc(notAny, tagged)
}

func (s *Service) listServers(w http.ResponseWriter, r *http.Request) error {
	if c := front.CallerOf(r); c.ProjectID == "" && !c.Is("admin") {
		return answer.Fail(http.StatusForbidden, "Policy doesn't allow os_compute_api:servers:index to be performed.")
	}
	f, err := newFilter(r)
	if err != nil {
		return err
	}
	detail := listName(r) == "detail"
	s.mu.RLock()
	defer s.mu.RUnlock()
	var fit []*Server
	m := minor(r)
	for _, v := range slices.Backward(s.among(f)) {
		addresses := func() []string {
			var all []string
			for _, p := range s.ports.PortsOf(v.ID) {
				for _, ip := range p.FixedIPs {
					all = append(all, ip.IPAddress)
				}
			}
			return all
		}
		if v.unreachable && !f.partial(v, m) {
			continue
		}
		if v.unreachable || f.fits(v, m, addresses) {
			fit = append(fit, v)
		}
	}
	sortServers(fit, f.query)
	fit, more, err := page(fit, s.quotas.MaxPage, f.query, func(v *Server) string { return v.ID })
	if err != nil {
		return err
	}
	servers := []any{}
	for _, v := range fit {
		if v.unreachable {
			servers = append(servers, partialBody(r, v, detail))
		} else if detail {
			servers = append(servers, s.body(r, v))
		} else {
			servers = append(servers, map[string]any{"id": v.ID, "name": v.Name, "links": links(r, v.ID)})
		}
	}
	out := map[string]any{"servers": servers}
	if more {
		out["servers_links"] = nextLink(r, fit[len(fit)-1].ID)
	}
	answer.JSON(w, http.StatusOK, out)
	return nil
}

// among are the servers that a list may show, by their creation.
func (s *Service) among(f filter) []*Server {
	if !f.deleted && !f.both {
		return s.order
	}
	all := slices.Concat(s.gone, s.order)
	slices.SortStableFunc(all, func(a, b *Server) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return all
}

// sortServers orders by the first sort key; the newest come first if none is given, as they do already.
func sortServers(fit []*Server, q url.Values) {
	if !q.Has("sort_key") && q.Get("sort_dir") != "asc" {
		return
	}
	key := map[string]func(*Server) string{
		"display_name": func(v *Server) string { return v.Name }, "uuid": func(v *Server) string { return v.ID },
		"updated_at": func(v *Server) string { return stamp(v.UpdatedAt) },
		"vm_state":   func(v *Server) string { return v.VMState },
		"created_at": func(v *Server) string { return fmt.Sprintf("%s%09d", stamp(v.CreatedAt), v.number) },
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
