package nova

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
)

// theHost is the one machine that servers are on.
const theHost = "sandbox"

// serve holds the lock while a call runs.
func (s *Service) serve(h resource.Handler) http.Handler {
	return answer.Handler(refuse, func(w http.ResponseWriter, r *http.Request) error {
		s.mu.Lock()
		status, body, err := h(r, front.CallerOf(r))
		s.mu.Unlock()
		switch {
		case err != nil:
			return err
		case body == nil:
			w.WriteHeader(status)
		default:
			answer.JSON(w, status, body)
		}
		return nil
	})
}

// style is how Nova speaks of resources that administrators alone see.
func (s *Service) style() *resource.Style {
	return &resource.Style{
		Serve: s.serve, Change: http.MethodPut, Created: http.StatusOK, Changed: http.StatusOK, Removed: http.StatusOK, MaxPage: -1,
		Allow: func(k *resource.Kind, _ *http.Request, c front.Caller, verb string) error {
			if c.Is("admin") {
				return nil
			}
			return answer.Fail(http.StatusForbidden, "Policy doesn't allow os_compute_api:os-%s:%s to be performed.", k.Plural, verb)
		},
		Missing: func(k *resource.Kind, id string) error {
			return answer.Fail(http.StatusNotFound, "%s %s could not be found.", k.Name, id)
		},
	}
}

// aggregateTable are groups of hosts, whose ids are numbers.
func (s *Service) aggregateTable() *resource.Table {
	last := 0
	stamped := func(t time.Time) any { return t.UTC().Format("2006-01-02T15:04:05.000000") }
	t := &resource.Table{
		Kind: resource.Kind{Name: "aggregate", Plural: "aggregates", Path: "/v2.1/os-aggregates"},
		Fields: []resource.Field{
			{Name: "name", Required: true, Update: true},
			{Name: "availability_zone", Create: true, Update: true, Null: true},
			{Name: "hosts", Type: resource.Texts},
			{Name: "uuid", Since: 41},
			{Name: "metadata", Type: resource.Mapping},
			{Name: "deleted", Type: resource.Flag},
			{Name: "deleted_at", Null: true},
			{Name: "created_at", Type: resource.Time},
			{Name: "updated_at", Type: resource.Time},
		},
		Refuse: resource.Refusals{
			Malformed: func() error { return invalid("Malformed request body") },
			Lacks:     func(_ *resource.Kind, f string) error { return invalid("'%s' is a required property", f) },
			Invalid:   func(_ *resource.Kind, f string, v any) error { return invalid("Invalid input for %s: %v", f, v) },
		},
		Now: s.clock.Now, Stamp: stamped, Oldest: true, Version: minor, NewID: func() string { last++; return strconv.Itoa(last) },
		Everyones: func(front.Caller, url.Values) (bool, error) { return true, nil },
		Shape: func(_ *http.Request, row *resource.Row, body map[string]any) {
			body["id"], _ = strconv.Atoi(row.ID())
			if row.Values["updated_at"] == row.Values["created_at"] {
				body["updated_at"] = nil
			}
		},
	}
	t.Check = func(_ *http.Request, _ front.Caller, row *resource.Row) error {
		if slices.ContainsFunc(t.Rows(), func(o *resource.Row) bool { return o.Text("name") == row.Text("name") }) {
			return answer.Fail(http.StatusConflict, "Aggregate %s already exists.", row.Text("name"))
		}
		row.Values["uuid"], row.Values["updated_at"] = uuid.NewString(), row.Values["created_at"]
		if zone := row.Text("availability_zone"); zone != "" {
			row.Values["metadata"] = map[string]string{"availability_zone": zone}
		}
		return nil
	}
	return t.Open()
}

// cacheImages begins to fetch images to the hosts of a group, which has no effect.
func (s *Service) cacheImages(r *http.Request, c front.Caller) (int, any, error) {
	if !c.Is("admin") || s.aggregates.Row(r.PathValue("id")) == nil {
		return 0, nil, answer.Fail(http.StatusNotFound, "Aggregate %s could not be found.", r.PathValue("id"))
	}
	return http.StatusAccepted, nil, nil
}

// removeProcess refuses to remove what a Nova consists of.
func (s *Service) removeProcess(r *http.Request, c front.Caller) (int, any, error) {
	switch id := r.PathValue("id"); {
	case !c.Is("admin"):
		return 0, nil, answer.Fail(http.StatusForbidden, "Policy doesn't allow os_compute_api:os-services:delete to be performed.")
	case minor(r) >= 53 && uuid.Validate(id) != nil:
		return 0, nil, invalid("Invalid uuid %s", id)
	default:
		return 0, nil, answer.Fail(http.StatusNotFound, "Service %s not found.", id)
	}
}

// changeAggregate serves the actions of a group of hosts.
func (s *Service) changeAggregate(r *http.Request, c front.Caller) (int, any, error) {
	row := s.aggregates.Row(r.PathValue("id"))
	if !c.Is("admin") || row == nil {
		return 0, nil, answer.Fail(http.StatusNotFound, "Aggregate %s could not be found.", r.PathValue("id"))
	}
	var q map[string]struct {
		Host     string
		Metadata map[string]*string
	}
	if answer.Decode(r, &q) != nil {
		return 0, nil, invalid("Malformed request body")
	}
	for action, of := range q {
		hosts, _ := row.Values["hosts"].([]string)
		hosts = slices.DeleteFunc(slices.Clone(hosts), func(h string) bool { return h == of.Host })
		switch {
		case action != "set_metadata" && of.Host != theHost:
			return 0, nil, answer.Fail(http.StatusNotFound, "Compute host %s could not be found.", of.Host)
		case action == "add_host":
			hosts = append(hosts, of.Host)
		case action == "set_metadata":
			all, _ := row.Values["metadata"].(map[string]string)
			for key, value := range of.Metadata {
				if delete(all, key); value != nil {
					all[key] = *value
				}
			}
			row.Set("metadata", all)
		}
		row.Set("hosts", hosts)
	}
	return http.StatusOK, map[string]any{"aggregate": row.Body(r)}, nil
}

// processes serves what a Nova consists of.
func (s *Service) processes(r *http.Request, c front.Caller) (int, any, error) {
	if !c.Is("admin") {
		return 0, nil, answer.Fail(http.StatusForbidden, "Policy doesn't allow os_compute_api:os-services:list to be performed.")
	}
	all := []map[string]any{}
	for n, binary := range []string{"nova-conductor", "nova-scheduler", "nova-compute"} {
		if want := r.URL.Query().Get("binary"); want != "" && want != binary {
			continue
		}
		zone := "internal"
		if binary == "nova-compute" {
			zone = "nova"
		}
		var id any = n + 1
		if minor(r) >= 53 {
			id = uuid.NewSHA1(uuid.NameSpaceDNS, []byte(binary)).String()
		}
		all = append(all, map[string]any{
			"id": id, "binary": binary, "host": theHost, "zone": zone, "status": "enabled", "state": "up", "disabled_reason": nil,
			"updated_at": s.clock.Now().UTC().Format("2006-01-02T15:04:05.000000"),
		})
		if minor(r) >= 11 {
			all[len(all)-1]["forced_down"] = false
		}
	}
	return http.StatusOK, map[string]any{"services": all}, nil
}

// extensions are some of those that Nova has always had loaded since they can't be left out any more.
var extensions = [][2]string{
	{"os-admin-actions", "AdminActions"},
	{"os-scheduler-hints", "SchedulerHints"},
	{"os-server-groups", "ServerGroups"},
	{"os-keypairs", "Keypairs"},
	{"os-flavor-access", "FlavorAccess"},
	{"os-quota-sets", "Quotas"},
	{"os-aggregates", "Aggregates"},
}

func extensionBody(e [2]string) map[string]any {
	return map[string]any{
		"alias": e[0], "name": e[1], "description": e[1], "updated": "2014-12-03T00:00:00Z", "links": []any{},
		"namespace": "http://docs.openstack.org/compute/ext/fake_xml",
	}
}

func listExtensions(*http.Request, front.Caller) (int, any, error) {
	all := []map[string]any{}
	for _, e := range extensions {
		all = append(all, extensionBody(e))
	}
	return http.StatusOK, map[string]any{"extensions": all}, nil
}

func showExtension(r *http.Request, _ front.Caller) (int, any, error) {
	for _, e := range extensions {
		if e[0] == r.PathValue("alias") {
			return http.StatusOK, map[string]any{"extension": extensionBody(e)}, nil
		}
	}
	return 0, nil, answer.Fail(http.StatusNotFound, "The resource could not be found.")
}
