package record

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// Headers that clients act on. Of those in the second list only the presence counts.
var (
	headersByValue = []string{
		"Allow", "Content-Type", "Openstack-Api-Version", "Vary", "X-Openstack-Nova-Api-Version", "Location",
		"Content-Range", "Content-Md5", "X-Openstack-Ironic-Api-Version", "X-Openstack-Ironic-Api-Minimum-Version",
	}
	headersByPresence = []string{
		"Date", "X-Openstack-Request-Id", "X-Compute-Request-Id", "X-Subject-Token", "Www-Authenticate",
		"Retry-After", "Etag", "Openstack-Image-Import-Methods",
	}
)

// scrub keeps of a response what has to be the same everywhere: known values are replaced by their
// variables, and whatever else looks like an id, a time or an address by a word for it.
func (r *run) scrub(s Step, response *http.Response, body any) Answer {
	a := Answer{Step: s.Name, Request: s.Request, As: s.person(), Status: response.StatusCode, Header: map[string]string{}}
	for _, name := range headersByValue {
		if v := strings.Join(response.Header.Values(name), ", "); v != "" {
			a.Header[name] = r.text(v)
		}
	}
	for _, name := range headersByPresence {
		// The server in front of Keystone adds the date, and sites have different ones.
		if response.Header.Get(name) != "" && !(name == "Date" && r.service(s) == "identity") {
			a.Header[name] = "is set"
		}
	}
	a.Body = r.value(body)
	return a
}

func (r *run) value(v any) any {
	switch v := v.(type) {
	case map[string]any:
		scrubbed := make(map[string]any, len(v))
		for key, value := range v {
			if !leftOut[key] {
				scrubbed[r.text(key)] = r.member(key, value)
			}
		}
		return scrubbed
	case []any:
		scrubbed := make([]any, len(v))
		for i, value := range v {
			scrubbed[i] = r.value(value)
		}
		return scrubbed
	case string:
		return r.text(v)
	}
	return v
}

// secrets and free choices of a service, by their names in an object.
var freeValues = map[string]string{
	"adminPass": "a password", "private_key": "a key", "hostId": "a host", "audit_ids": "ids", "output": "text",
	"OS-EXT-AZ:availability_zone": "a zone", "blob": "a blob", "secret": "a secret", "conductor": "a host",
}

// leftOut are members that no client reads, Neutron's numbers of its own rows and of their changes, the catalog, in
// which every cloud has services of its own, and who holds a node's lock, which changes within milliseconds.
var leftOut = map[string]bool{
	"standard_attr_id": true, "revision_number": true, "catalog": true, "reservation": true, "driver_internal_info": true,
}

// unordered are lists whose order a service does not promise.
var unordered = map[string]bool{"tags": true, "security_group_rules": true, "roles": true, "members": true}

func (r *run) member(key string, value any) any {
	if list, ok := value.([]any); ok && unordered[key] {
		scrubbed, _ := r.value(list).([]any)
		slices.SortFunc(scrubbed, func(a, b any) int { return strings.Compare(short(a), short(b)) })
		return scrubbed
	}
	if networks, ok := value.(map[string]any); ok && key == "addresses" {
		scrubbed := map[string]any{}
		for _, addresses := range networks {
			scrubbed["(network)"] = r.value(addresses)
		}
		return scrubbed
	}
	if roles, ok := value.(string); ok && key == "boot_roles" { // a set, in any order
		sorted := strings.Split(roles, ",")
		slices.Sort(sorted)
		return strings.Join(sorted, ",")
	}
	if word, ok := freeValues[key]; ok && value != nil && value != "" {
		return "(" + word + ")"
	}
	return r.value(value)
}

var patterns = []struct {
	what *regexp.Regexp
	word string
}{
	{regexp.MustCompile(`req-[0-9a-f]{8}-[0-9a-f-]{27}`), "(request)"},
	{regexp.MustCompile(`(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`), "(id)"},
	{regexp.MustCompile(`\b[0-9a-f]{128}\b`), "(hash)"},
	{regexp.MustCompile(`\b[0-9a-f]{32}\b`), "(id)"},
	{regexp.MustCompile(`\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z?`), "(time to a microsecond)"},
	{regexp.MustCompile(`\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ?`), "(time)"},
	{regexp.MustCompile(`\b(10|127)\.7[78]\.\d+\.\d+\b`), "(address)"},
	{regexp.MustCompile(`\b([0-9a-f]{2}:){5}[0-9a-f]{2}\b`), "(mac)"},
}

func (r *run) text(text string) string {
	owner := r.cloud.accounts["owner"]
	// The longest first: one endpoint may be the beginning of another.
	for _, service := range slices.SortedFunc(maps.Keys(owner.endpoints), func(a, b string) int {
		return len(owner.endpoints[b]) - len(owner.endpoints[a])
	}) {
		text = strings.ReplaceAll(text, owner.endpoints[service], "("+service+")")
		text = strings.ReplaceAll(text, versionPath.ReplaceAllString(owner.endpoints[service], ""), "("+service+" root)")
	}
	for _, name := range slices.Sorted(maps.Keys(r.values)) {
		if value := r.values[name]; len(value) > 6 {
			text = strings.ReplaceAll(text, value, "$"+name)
		}
	}
	for _, person := range []string{"owner", "member", "stranger"} {
		// Names are short: only as the whole value. A user's and its project's are the same.
		if text != "" && text == r.cloud.accounts[person].user {
			return "$" + person + "_name"
		}
	}
	for _, p := range patterns {
		text = p.what.ReplaceAllString(text, p.word)
	}
	for _, run := range longRun.FindAllString(text, -1) {
		text = strings.Replace(text, run, fmt.Sprintf("(%c, %d times)", run[0], len(run)), 1)
	}
	return text
}

// versionPath is where an endpoint's version begins, and what follows.
var versionPath = regexp.MustCompile(`/v\d.*$`)

// longRun is what a request fills its limits with.
var longRun = regexp.MustCompile(`k{100,}|v{100,}|x{100,}|y{100,}|t{100,}`)
