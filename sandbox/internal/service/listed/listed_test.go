package listed_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/apitest"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

func start(t *testing.T) *sandbox.Cloud {
	t.Helper()
	return sandboxtest.Start(t, sandbox.Options{Listed: sandbox.Listed{
		Services: []string{"heat", "magnum", "octavia", "trove"}, MaxPage: 2,
	}})
}

func add(t *testing.T, c *sandbox.Cloud, kind, project string, n int, fields map[string]any) (id string) {
	t.Helper()
	for range n {
		var err error
		if id, err = c.AddListed(kind, project, fields); err != nil {
			t.Fatal(err)
		}
	}
	return id
}

// Each service links to the next page in its way, and shows its lists to whom it does.
func TestPagesAndPermissions(t *testing.T) {
	t.Parallel()
	c := start(t)
	admin, demo, other := apitest.Login(t, c, "admin"), apitest.Login(t, c, "demo"), apitest.Login(t, c, "member-a")
	for _, tt := range []struct {
		kind, path, links, query string
		fields                   map[string]any
		paged                    bool
		member, stranger         int // statuses
	}{
		{"stacks", "/orchestration/v1/PROJECT/stacks", "links", "?global_tenant=true&limit=2", map[string]any{"stack_name": "a"}, true, 403, 403},
		{"clustertemplates", "/container-infra/v1/clustertemplates/detail", "next", "?limit=2", map[string]any{"name": "a"}, true, 200, 200},
		{"amphorae", "/load-balancer/v2/octavia/amphorae", "amphorae_links", "?limit=2", nil, true, 403, 403},
		{"flavorprofiles", "/load-balancer/v2/lbaas/flavorprofiles", "flavorprofile_links", "?limit=2", nil, true, 403, 403},
		{"versions", "/database/v1.0/PROJECT/mgmt/datastore-versions", "links", "", map[string]any{"name": "8"}, false, 403, 403},
	} {
		add(t, c, tt.kind, "demo", 3, tt.fields)
		path := func(project string) string {
			return strings.Replace(tt.path, "PROJECT", c.ProjectID(project), 1) + tt.query
		}
		a := admin.Do("GET", path("admin"), nil).Want(t, http.StatusOK)
		list, _ := a.JSON[tt.kind].([]any)
		if want := map[bool]int{true: 2, false: 3}[tt.paged]; len(list) != want || (a.JSON[tt.links] != nil) != tt.paged {
			t.Errorf("%s: %d on the first page, want %d; links: %v", tt.kind, len(list), want, a.JSON[tt.links])
		}
		demo.Do("GET", path("demo"), nil).Want(t, tt.member)
		a = other.Do("GET", path("member-a"), nil).Want(t, tt.stranger)
		if list, _ := a.JSON[tt.kind].([]any); len(list) > 0 {
			t.Errorf("%s: another project sees %v", tt.kind, list)
		}
	}
}

// Only a stack alone tells its parameters, and only its project and administrators see it.
func TestStacks(t *testing.T) {
	t.Parallel()
	c := start(t)
	id := add(t, c, "stacks", "demo", 1, map[string]any{"stack_name": "a", "parameters": map[string]any{"image": "x"}})
	at := "/orchestration/v1/" + c.ProjectID("demo") + "/stacks"
	for _, who := range []string{"demo", "admin"} {
		s := apitest.Login(t, c, who).Do("GET", at+"/a/"+id, nil).Want(t, http.StatusOK)
		if !strings.Contains(s.Text, `"image":"x"`) {
			t.Errorf("%s sees %s", who, s.Text)
		}
	}
	apitest.Login(t, c, "member-a").Do("GET", at+"/a/"+id, nil).Want(t, http.StatusForbidden)
	apitest.Login(t, c, "demo").Do("GET", at+"/a/"+id+"0", nil).Want(t, http.StatusNotFound)
	if l := apitest.Login(t, c, "demo").Do("GET", at, nil).Want(t, http.StatusOK); strings.Contains(l.Text, "parameters") ||
		!strings.Contains(l.Text, id) {
		t.Errorf("the list is %s", l.Text)
	}
}

// What is added wrong is refused.
func TestAdd(t *testing.T) {
	t.Parallel()
	c := start(t)
	for _, tt := range []struct {
		kind, project, says string
		fields              map[string]any
	}{
		{"stack", "demo", "there are no stack; there are amphorae", nil},
		{"stacks", "demo", `no field "image"`, map[string]any{"image": "x"}},
	} {
		if _, err := c.AddListed(tt.kind, tt.project, tt.fields); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%+v: %v", tt, err)
		}
	}
}
