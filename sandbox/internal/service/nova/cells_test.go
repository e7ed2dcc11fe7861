package nova_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// Of a cell that doesn't answer, Nova shows little: from 2.69 on, and only in lists without filters, order and pages.
func TestCellDown(t *testing.T) {
	t.Parallel()
	c := start(t, sandbox.Options{}).as("admin")
	ids, err := c.AddServers(sandbox.Server{Name: "up", Image: c.image}, sandbox.Server{Name: "down", Image: c.image, Project: "demo"})
	if err != nil {
		t.Fatal(err)
	}
	c.CellDown(ids[1])
	for _, tt := range []struct {
		minor      int
		query, has string
	}{
		{69, "/detail?all_tenants=1", "created,id,links,status,tenant_id"},
		{69, "/detail?all_tenants=1&deleted=false", "created,id,links,status,tenant_id"},
		{69, "?all_tenants=1", "id,links,status"},
		{68, "/detail?all_tenants=1", ""},
		{69, "/detail", ""}, // another project's
		{69, "/detail?all_tenants=1&limit=10", ""},
		{69, "/detail?all_tenants=1&status=ACTIVE", ""},
		{69, "/detail?all_tenants=1&deleted=true", ""},
		{69, "/detail?all_tenants=1&sort_key=uuid", ""},
	} {
		a := c.do(tt.minor, "GET", "/servers"+tt.query, nil).want(http.StatusOK)
		has, up := "", false
		servers, _ := a.at("servers").([]any)
		for _, one := range servers {
			s, _ := one.(map[string]any)
			if s["id"] == ids[0] {
				up = true
				continue
			}
			var keys []string
			for key := range s {
				keys = append(keys, key)
			}
			slices.Sort(keys)
			if has = strings.Join(keys, ","); s["status"] != "UNKNOWN" {
				t.Errorf("2.%d %s: %v", tt.minor, tt.query, s)
			}
		}
		if wantUp := !strings.Contains(tt.query, "deleted=true"); has != tt.has || up != wantUp {
			t.Errorf("2.%d %s: has %q, want %q; the other one: %v", tt.minor, tt.query, has, tt.has, up)
		}
	}
}
