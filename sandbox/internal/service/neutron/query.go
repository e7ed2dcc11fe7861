package neutron

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// listParams are the parameters of a listing that are no filters.
var listParams = []string{"limit", "marker", "sort_key", "sort_dir", "fields", "page_reverse"}

// collection answers a listing: filtered, sorted, paged, with the wanted fields.
func (s *Service) collection(r *http.Request, plural string, items []map[string]any) (int, any, error) {
	name := strings.ReplaceAll(plural, "-", "_")
	q := r.URL.Query()
	items = slices.DeleteFunc(items, func(b map[string]any) bool { return !passes(b, q) })
	sortKey, descending := "id", q.Get("sort_dir") == "desc"
	if q.Has("sort_key") {
		sortKey = q.Get("sort_key")
	}
	slices.SortStableFunc(items, func(a, b map[string]any) int {
		n := strings.Compare(fmt.Sprint(a[sortKey]), fmt.Sprint(b[sortKey]))
		if descending {
			return -n
		}
		return n
	})
	out := map[string]any{}
	if after := q.Get("marker"); after != "" {
		at := slices.IndexFunc(items, func(b map[string]any) bool { return b["id"] == after })
		items = items[at+1:]
	}
	limit, err := strconv.Atoi(q.Get("limit"))
	if most := s.quotas.MaxPage; most >= 0 && (err != nil || limit <= 0 || limit > most) {
		limit = most
	}
	if limit > 0 && len(items) > limit {
		items = items[:limit]
		next := maps.Clone(q)
		next.Set("marker", fmt.Sprint(items[limit-1]["id"]))
		out[name+"_links"] = []map[string]any{{"rel": "next", "href": front.Base(r) + r.URL.Path + "?" + next.Encode()}}
	}
	if fields := q["fields"]; len(fields) > 0 {
		for k, b := range items {
			b = maps.Clone(b)
			maps.DeleteFunc(b, func(key string, _ any) bool { return !slices.Contains(fields, key) })
			items[k] = b
		}
	}
	if items == nil {
		items = []map[string]any{}
	}
	out[name] = items
	return http.StatusOK, out, nil
}

// passes holds an object against the filters of a query: each key has to match with one of its values.
func passes(b map[string]any, q url.Values) bool {
	for key, values := range q {
		if slices.Contains(listParams, key) {
			continue
		}
		switch key {
		case "tenant_id":
			key = "project_id"
		case "tags", "tags-any":
			if !matchTags(b, key, values) {
				return false
			}
			continue
		}
		have, ok := b[key]
		if ok && !slices.ContainsFunc(values, func(v string) bool { return equal(have, v) }) {
			return false
		}
	}
	return true
}

func matchTags(b map[string]any, key string, values []string) bool {
	tags, _ := b["tags"].([]string)
	wanted := strings.Split(strings.Join(values, ","), ",")
	has := func(t string) bool { return slices.Contains(tags, t) }
	if key == "tags-any" {
		return slices.ContainsFunc(wanted, has)
	}
	return !slices.ContainsFunc(wanted, func(t string) bool { return !has(t) })
}

// equal compares a field with a filter's value.
func equal(have any, want string) bool {
	switch h := have.(type) {
	case nil:
		return want == "" || want == "null"
	case bool:
		on := strings.EqualFold(want, "true") || want == "1"
		return h == on
	case []string:
		return slices.Contains(h, want)
	case []FixedIP:
		key, value, _ := strings.Cut(want, "=")
		return slices.ContainsFunc(h, func(f FixedIP) bool {
			switch key {
			case "ip_address":
				return f.IPAddress == value
			case "subnet_id":
				return f.SubnetID == value
			case "ip_address_substr":
				return strings.Contains(f.IPAddress, value)
			}
			return false
		})
	}
	return fmt.Sprint(have) == want
}
