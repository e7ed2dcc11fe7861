package nova_test

import (
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/apitest"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/inside"
)

// named are the names in a list of servers.
func (c *cloud) named(query string) string {
	c.t.Helper()
	var names []string
	for _, v := range c.do(69, "GET", "/servers/detail?"+query, nil).want(200).at("servers").([]any) {
		s := v.(map[string]any)
		names = append(names, s["name"].(string)+":"+s["status"].(string))
	}
	return strings.Join(names, " ")
}

func TestStates(t *testing.T) {
	t.Parallel()
	c := start(t, sandbox.Options{})
	id := c.create("web", nil)
	c.reach(id, "ACTIVE", "")
	for _, step := range []struct{ action, status string }{
		{"pause", "PAUSED"},
		{"unpause", "ACTIVE"},
		{"suspend", "SUSPENDED"},
		{"resume", "ACTIVE"},
		{"shelve", "SHELVED_OFFLOADED"},
		{"unshelve", "ACTIVE"},
		{"resize", "VERIFY_RESIZE"},
		{"revertResize", "ACTIVE"},
		{"resize", "VERIFY_RESIZE"},
		{"confirmResize", "ACTIVE"},
		{"rebuild", "ACTIVE"},
	} {
		var args any
		switch step.action {
		case "resize":
			args = map[string]string{"flavorRef": "2"}
		case "rebuild":
			args = map[string]string{"imageRef": c.image, "name": "again"}
		}
		c.do(1, "POST", "/servers/"+id+"/action", map[string]any{step.action: args}).want(202)
		c.reach(id, step.status, "")
	}
	if v := c.do(1, "GET", "/servers/"+id, nil).want(200); v.str("server.flavor.id") != "2" || v.str("server.name") != "again" {
		t.Errorf("after all: %s", v.text)
	}
	for _, action := range []string{"unpause", "resume", "unshelve", "confirmResize", "restore"} {
		c.do(1, "POST", "/servers/"+id+"/action", map[string]any{action: nil}).want(409)
	}
	c.do(1, "POST", "/servers/"+id+"/action", map[string]any{"rebuild": map[string]string{"imageRef": id}}).want(400)
}

// What a shelved server needs is its image, which is deleted when it is back.
func TestShelvedImage(t *testing.T) {
	t.Parallel()
	c := start(t, sandbox.Options{})
	for _, lost := range []bool{false, true} {
		id := c.create("web", nil)
		c.reach(id, "ACTIVE", "")
		c.do(1, "POST", "/servers/"+id+"/action", map[string]any{"shelve": nil}).want(202)
		c.reach(id, "SHELVED_OFFLOADED", "")
		found := inside.Of(c.Cloud).Image.Named(front.Caller{ProjectID: c.ProjectID("demo")}, "web-shelved")
		if len(found) != 1 || found[0].Properties["instance_uuid"] != id || found[0].Properties["base_image_ref"] != c.image ||
			found[0].Status != "active" {
			t.Fatalf("shelved into %+v", found)
		}
		want := "ACTIVE"
		if lost {
			want = "ERROR"
			if err := inside.Of(c.Cloud).Image.Delete(found[0].ID); err != nil {
				t.Fatal(err)
			}
		}
		c.do(1, "POST", "/servers/"+id+"/action", map[string]any{"unshelve": nil}).want(202)
		c.reach(id, want, "")
		apitest.Eventually(t, "the end of the image", func() bool {
			_, ok := inside.Of(c.Cloud).Image.Image(found[0].ID)
			return !ok
		})
	}
}

func TestDeletedServers(t *testing.T) {
	t.Parallel()
	c := start(t, sandbox.Options{SoftDelete: true})
	gone, soft, back := c.create("gone", nil), c.create("soft", nil), c.create("back", nil)
	for _, id := range []string{gone, soft, back} {
		c.reach(id, "ACTIVE", "")
		c.do(1, "DELETE", "/servers/"+id, nil).want(204)
		c.reach(id, "SOFT_DELETED", "")
	}
	c.do(1, "POST", "/servers/"+gone+"/action", map[string]any{"forceDelete": nil}).want(202)
	c.gone(gone)
	c.do(1, "POST", "/servers/"+back+"/action", map[string]any{"restore": nil}).want(202)
	c.reach(back, "ACTIVE", "")
	admin := c.as("admin")
	for query, want := range map[string]string{
		"all_tenants=1":                                  "back:ACTIVE",
		"all_tenants=1&deleted=true":                     "soft:SOFT_DELETED gone:DELETED",
		"all_tenants=1&deleted=true&status=SOFT_DELETED": "soft:SOFT_DELETED",
	} {
		if got := admin.named(query); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	if got := c.named("deleted=true"); got != "back:ACTIVE" { // the question of somebody else means nothing
		t.Errorf("a member's question for deleted servers: %s", got)
	}
	const changed = "changes-since=1970-01-01T00:00:00Z"
	if got := c.named("status=SOFT_DELETED&" + changed); got != "soft:SOFT_DELETED" {
		t.Errorf("what a member sees of soft-deleted servers: %s", got)
	}
	if got := c.named(changed); got != "back:ACTIVE soft:SOFT_DELETED gone:DELETED" {
		t.Errorf("what changed: %s", got)
	}
	c.do(1, "GET", "/servers/detail?status=DELETED", nil).want(403)
}
