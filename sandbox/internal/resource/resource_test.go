package resource_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
)

var errRefused = errors.New("refused")

// ships serves a table of ships, seven of project a and one of b. Callers say in the header As who they are: PROJECT/ROLE.
func ships(t *testing.T) *httptest.Server {
	t.Helper()
	refuse := func(*resource.Kind, string) error { return errRefused }
	style := &resource.Style{
		Change: http.MethodPut, Created: http.StatusCreated, Changed: http.StatusOK, Removed: http.StatusNoContent,
		MaxPage: 3, Sort: "name:asc",
		Missing: refuse, Forbidden: refuse, NoMarker: refuse,
		Serve: func(h resource.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				project, role, _ := strings.Cut(r.Header.Get("As"), "/")
				status, body, err := h(r, front.Caller{ProjectID: project, Roles: []string{role}})
				if err != nil {
					status, body = http.StatusTeapot, err.Error()
				}
				w.WriteHeader(status)
				_ = json.NewEncoder(w).Encode(body)
			})
		},
	}
	table := &resource.Table{
		Kind: resource.Kind{Name: "ship", Plural: "ships", Path: "/ships"},
		Fields: []resource.Field{
			{Name: "name", Required: true, Update: true},
			{Name: "masts", Type: resource.Whole, Default: 2, Create: true},
			{Name: "flags", Type: resource.Texts},
			{Name: "captain", Create: true, Admin: true},
			{Name: "created_at", Type: resource.Time},
		},
		Refuse: resource.Refusals{
			Malformed: func() error { return errRefused }, Lacks: refuse, Over: func(*resource.Kind, int, int) error { return errRefused },
			Invalid:  func(*resource.Kind, string, any) error { return errRefused },
			Reserved: func(*resource.Kind, string, string) error { return errRefused },
		},
		Now: func() time.Time { return time.Unix(0, 0) }, Stamp: resource.Seconds, Quota: 8,
	}
	table.Open()
	for n := range 7 {
		table.Add(fmt.Sprint("id-", n), "a", map[string]any{"name": fmt.Sprint("ship-", n), "masts": n % 3})
	}
	table.Add("id-b", "b", map[string]any{"name": "other"})
	mux := http.NewServeMux()
	style.Mount(mux, &table.Kind)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

// do sends a request, and gives the status and the names in the answer.
func do(t *testing.T, s *httptest.Server, as, method, path, body string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("As", as)
	resp, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var a struct {
		Ships []struct{ Name string } `json:"ships"`
		Ship  struct {
			Name, Captain string
			Masts         *int
		} `json:"ship"`
		Links []struct{ Href string } `json:"ships_links"`
	}
	_ = json.NewDecoder(resp.Body).Decode(&a) // others are told by their status
	text := fmt.Sprint(resp.StatusCode)
	for _, one := range a.Ships {
		text += " " + strings.TrimPrefix(one.Name, "ship-")
	}
	if a.Ship.Masts != nil {
		text += fmt.Sprint(" ", a.Ship.Name, " ", *a.Ship.Masts, a.Ship.Captain)
	}
	if len(a.Links) > 0 {
		text += " more"
	}
	return text
}

func TestTable(t *testing.T) {
	t.Parallel()
	s := ships(t)
	for _, tt := range []struct{ as, request, body, want string }{
		// Pages.
		{"a/reader", "GET /ships?sort_key=name", "", "200 0 1 2 more"},
		{"a/reader", "GET /ships?sort_key=name&limit=2&marker=id-2", "", "200 3 4 more"},
		{"a/reader", "GET /ships?sort_key=name&limit=99&marker=id-4", "", "200 5 6"},
		{"a/reader", "GET /ships?sort_key=name&offset=5", "", "200 5 6"},
		{"a/reader", "GET /ships?marker=id-b", "", "418"},
		// Order: the newest first, unless the request says otherwise.
		{"a/reader", "GET /ships?limit=2", "", "200 6 5 more"},
		{"a/reader", "GET /ships?sort=masts:desc&limit=2", "", "200 5 2 more"},
		// Filters.
		{"a/reader", "GET /ships?sort_key=name&masts=1", "", "200 1 4"},
		{"a/reader", "GET /ships?sort_key=name&masts=1&name=ship-4", "", "200 4"},
		{"a/reader", "GET /ships?name=other", "", "200"},
		// Who sees what.
		{"b/reader", "GET /ships", "", "200 other"},
		{"x/admin", "GET /ships?name=other", "", "200 other"},
		{"a/reader", "GET /ships/id-b", "", "418"},
		{"a/reader", "GET /ships/id-3", "", "200 ship-3 0"},
		// Who changes what.
		{"a/reader", "POST /ships", `{"ship": {"name": "new"}}`, "418"},
		{"a/member", "POST /ships", `{"ship": {}}`, "418"},
		{"a/member", "POST /ships", `[]`, "418"},
		{"a/member", "POST /ships", `{"ship": {"name": 7}}`, "418"},
		{"a/member", "POST /ships", `{"ship": {"name": "new", "captain": "me"}}`, "418"},
		{"a/member", "POST /ships", `{"ship": {"name": "new", "unknown": 1}}`, "201 new 2"},
		{"a/member", "POST /ships", `{"ship": {"name": "over the quota"}}`, "418"},
		{"b/member", "PUT /ships/id-3", `{"ship": {"name": "renamed"}}`, "418"},
		{"a/reader", "PUT /ships/id-3", `{"ship": {"name": "renamed"}}`, "418"},
		{"a/member", "PUT /ships/id-3", `{"ship": {"name": "renamed", "masts": 9}}`, "200 renamed 0"},
		{"a/reader", "DELETE /ships/id-3", "", "418"},
		{"a/member", "DELETE /ships/id-3", "", "204"},
		{"a/member", "GET /ships/id-3", "", "418"},
	} {
		method, path, _ := strings.Cut(tt.request, " ")
		if got := do(t, s, tt.as, method, path, tt.body); got != tt.want {
			t.Errorf("as %s: %s %s: %s, want %s", tt.as, tt.request, tt.body, got, tt.want)
		}
	}
}
