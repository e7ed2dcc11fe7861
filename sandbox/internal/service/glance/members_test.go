package glance_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/apitest"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/inside"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// listed are the ids of a listing, over all pages.
func listed(r *apitest.Client, query string) []string {
	r.T.Helper()
	var ids []string
	for path := "/v2/images?" + query; path != ""; {
		a := r.Do("GET", "/image"+path, nil).Want(r.T, http.StatusOK)
		images, _ := a.JSON["images"].([]any)
		for _, i := range images {
			ids = append(ids, i.(map[string]any)["id"].(string))
		}
		path, _ = a.JSON["next"].(string)
	}
	return ids
}

// TestWhoSeesWhat holds every kind of caller against every visibility and member status.
func TestWhoSeesWhat(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{})
	callers := map[string]*apitest.Client{}
	for _, cloud := range []string{"admin", "demo", "reader", "member-a", "member-b"} {
		callers[cloud] = apitest.Login(t, c, cloud)
	}
	// Letters: l = listed by default, v = listed with its visibility as the filter, a = with visibility=all,
	// r = read by id, w = changed by id.
	for _, tt := range []struct {
		visibility, status string // status of member-a, "" = no member
		want               map[string]string
	}{
		{sandbox.Private, "", map[string]string{"admin": "lvarw", "demo": "lvarw", "reader": "lvar", "member-a": "", "member-b": ""}},
		{sandbox.Private, "accepted", map[string]string{
			"admin": "lvarw", "demo": "lvarw", "reader": "lvar", "member-a": "",
			"member-b": "",
		}},
		{sandbox.Shared, "", map[string]string{"admin": "lvarw", "demo": "lvarw", "reader": "lvar", "member-a": "", "member-b": ""}},
		{sandbox.Shared, "pending", map[string]string{
			"admin": "lvarw", "demo": "lvarw", "reader": "lvar", "member-a": "r",
			"member-b": "",
		}},
		{sandbox.Shared, "rejected", map[string]string{
			"admin": "lvarw", "demo": "lvarw", "reader": "lvar", "member-a": "r",
			"member-b": "",
		}},
		{sandbox.Shared, "accepted", map[string]string{
			"admin": "lvarw", "demo": "lvarw", "reader": "lvar", "member-a": "lvar",
			"member-b": "",
		}},
		{sandbox.Community, "", map[string]string{
			"admin": "varw", "demo": "lvarw", "reader": "lvar", "member-a": "var",
			"member-b": "var",
		}},
		{sandbox.Public, "", map[string]string{
			"admin": "lvarw", "demo": "lvarw", "reader": "lvar", "member-a": "lvar",
			"member-b": "lvar",
		}},
	} {
		id := apitest.AddImage(t, c, sandbox.Image{Name: "i", Visibility: tt.visibility}, "x")
		if tt.status != "" {
			if err := c.SetMember(id, "member-a", tt.status); err != nil {
				t.Fatal(err)
			}
		}
		for _, who := range slices.Sorted(maps.Keys(callers)) {
			r := callers[who]
			got := ""
			for letter, query := range map[string]string{"l": "", "v": "visibility=" + tt.visibility, "a": "visibility=all"} {
				if slices.Contains(listed(r, query), id) {
					got += letter
				}
			}
			read := r.Do("GET", "/image/v2/images/"+id, nil)
			if read.Status == http.StatusOK {
				got += "r"
			} else if read.Status != http.StatusNotFound {
				t.Errorf("%s reads %s/%s: %d, want 404", who, tt.visibility, tt.status, read.Status)
			}
			switch changed := r.Patch(id, apitest.Op("replace", "/min_ram", 1)); changed.Status {
			case http.StatusOK:
				got += "w"
			case http.StatusForbidden, http.StatusNotFound:
				if seen := read.Status == http.StatusOK; seen != (changed.Status == http.StatusForbidden) {
					t.Errorf("%s changes %s/%s: %d although the image is seen: %t", who, tt.visibility, tt.status, changed.Status, seen)
				}
			}
			if data := r.Do("GET", "/image/v2/images/"+id+"/file", nil); data.Status != read.Status {
				t.Errorf("%s downloads %s/%s: %d, reads %d", who, tt.visibility, tt.status, data.Status, read.Status)
			}
			if !sameLetters(got, tt.want[who]) {
				t.Errorf("%s, %s image with member-a %q: %q, want %q", who, tt.visibility, tt.status, got, tt.want[who])
			}
		}
		if err := inside.Of(c).Image.Delete(id); err != nil {
			t.Fatal(err)
		}
	}
}

func sameLetters(a, b string) bool {
	x, y := []rune(a), []rune(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

func TestMemberStatusFilter(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{})
	byStatus := map[string]string{}
	for _, status := range []string{"pending", "accepted", "rejected"} {
		byStatus[status] = apitest.AddImage(t, c, sandbox.Image{Name: status}, "x")
		if err := c.SetMember(byStatus[status], "member-a", status); err != nil {
			t.Fatal(err)
		}
	}
	a := apitest.Login(t, c, "member-a")
	for status, id := range byStatus {
		if got := listed(a, "visibility=shared&member_status="+status); !slices.Equal(got, []string{id}) {
			t.Errorf("member_status=%s lists %v, want %s", status, got, id)
		}
	}
	if got := listed(a, "member_status=all"); len(got) != 3 {
		t.Errorf("member_status=all lists %v", got)
	}
	a.Do("GET", "/image/v2/images?member_status=nope", nil).Want(t, http.StatusBadRequest)
	a.Do("GET", "/image/v2/images?visibility=nope", nil).Want(t, http.StatusBadRequest)
}

func TestHiddenImagesAreListedOnlyWhenAskedFor(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{})
	id := apitest.AddImage(t, c, sandbox.Image{Name: "h", Hidden: true}, "x")
	for _, who := range []string{"demo", "admin"} {
		r := apitest.Login(t, c, who)
		if got := listed(r, "name=h"); len(got) != 0 {
			t.Errorf("%s sees %v", who, got)
		}
		if got := listed(r, "os_hidden=true"); !slices.Equal(got, []string{id}) {
			t.Errorf("%s sees %v with os_hidden=true", who, got)
		}
	}
}

func TestMembers(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{ImageQuotas: sandbox.ImageQuotas{Members: 3}})
	demo, reader, a, admin := apitest.Login(t, c, "demo"), apitest.Login(t, c, "reader"), apitest.Login(t, c, "member-a"),
		apitest.Login(t, c, "admin")
	pa, pb := c.ProjectID("member-a"), c.ProjectID("member-b")
	image := demo.NewImage(map[string]any{"name": "i"})
	private := demo.NewImage(map[string]any{"name": "p", "visibility": "private"})
	members := "/image/v2/images/" + image + "/members"
	for _, tt := range []struct {
		name         string
		who          *apitest.Client
		method, path string
		body         string
		status       int
		text         string
	}{
		{"reader adds", reader, "POST", members, `{"member": "` + pa + `"}`, 403, "complete add_member action"},
		{"stranger adds", a, "POST", members, `{"member": "` + pa + `"}`, 404, "Image " + image + " not found."},
		{"owner adds", demo, "POST", members, `{"member": "` + pa + `"}`, 200, `"status":"pending"`},
		{"owner adds again", demo, "POST", members, `{"member": "` + pa + `"}`, 409, "is duplicate"},
		{"owner adds a project that isn't there", demo, "POST", members, `{"member": "nope"}`, 200, `"member_id":"nope"`},
		{"owner adds the empty one", demo, "POST", members, `{"member": ""}`, 400, "Member can&#x27;t be empty"},
		{"owner adds none", demo, "POST", members, `{}`, 400, "Member to be added not specified"},
		{"member adds", a, "POST", members, `{"member": "` + pb + `"}`, 403, "complete add_member action"},
		{"owner accepts", demo, "PUT", members + "/" + pa, `{"status": "accepted"}`, 403, "complete modify_member action"},
		{"member accepts with nonsense", a, "PUT", members + "/" + pa, `{"status": "yes"}`, 400, "Status must be"},
		{"member accepts without status", a, "PUT", members + "/" + pa, `{}`, 400, "Status not specified"},
		{"member accepts", a, "PUT", members + "/" + pa, `{"status": "accepted"}`, 200, `"status":"accepted"`},
		{"member rejects", a, "PUT", members + "/" + pa, `{"status": "rejected"}`, 200, `"status":"rejected"`},
		{"admin accepts", admin, "PUT", members + "/" + pa, `{"status": "accepted"}`, 200, `"status":"accepted"`},
		{"member shows the other", a, "GET", members + "/nope", "", 404, "not found in the member list"},
		{"member shows itself", a, "GET", members + "/" + pa, "", 200, `"status":"accepted"`},
		{"member removes itself", a, "DELETE", members + "/" + pa, "", 403, "complete delete_member action"},
		{"third", demo, "POST", members, `{"member": "3"}`, 200, ""},
		{"over quota", demo, "POST", members, `{"member": "4"}`, 413, "Attempted: 4, Maximum: 3"},
		{"owner removes", demo, "DELETE", members + "/" + pa, "", 204, ""},
		{"owner removes again", demo, "DELETE", members + "/" + pa, "", 404, "not found in the member list"},
		{
			"list of a private image", demo, "GET", "/image/v2/images/" + private + "/members", "", 403,
			"Not allowed to list members for image " + private + ": Only shared images have members.",
		},
		{
			"member of a private image", demo, "POST", "/image/v2/images/" + private + "/members", `{"member": "x"}`, 403,
			"Not allowed to create members for image " + private,
		},
		{"show of a private image", demo, "GET", "/image/v2/images/" + private + "/members/x", "", 404, ""},
	} {
		got := tt.who.Do(tt.method, tt.path, tt.body)
		if got.Status != tt.status || !strings.Contains(got.Text, tt.text) {
			t.Errorf("%s: %d %s, want %d %q", tt.name, got.Status, got.Text, tt.status, tt.text)
		}
	}
	if left := c.Members(image); !maps.Equal(left, map[string]string{"nope": "pending", "3": "pending"}) {
		t.Errorf("members %v", left)
	}
}

func TestMembersSurviveBeingPrivate(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{})
	demo, a := apitest.Login(t, c, "demo"), apitest.Login(t, c, "member-a")
	id := demo.NewImage(map[string]any{"name": "i"})
	if err := c.SetMember(id, "member-a", "accepted"); err != nil {
		t.Fatal(err)
	}
	demo.Patch(id, apitest.Op("replace", "/visibility", "private")).Want(t, 200)
	a.Do("GET", "/image/v2/images/"+id, nil).Want(t, 404)
	demo.Patch(id, apitest.Op("replace", "/visibility", "shared")).Want(t, 200)
	if got := a.Do("GET", "/image/v2/images/"+id+"/members", nil).Want(t, 200); !strings.Contains(got.Text, `"status":"accepted"`) {
		t.Errorf("members %s", got.Text)
	}
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{})
	demo, reader, a, admin := apitest.Login(t, c, "demo"), apitest.Login(t, c, "reader"), apitest.Login(t, c, "member-a"),
		apitest.Login(t, c, "admin")
	public := apitest.AddImage(t, c, sandbox.Image{Name: "p", Visibility: sandbox.Public}, "x")
	protected := apitest.AddImage(t, c, sandbox.Image{Name: "k", Protected: true}, "x")
	images := "/image/v2/images"
	for _, tt := range []struct {
		name         string
		who          *apitest.Client
		method, path string
		body         any
		status       int
		text         string
	}{
		{"reader creates", reader, "POST", images, `{"name": "x"}`, 403, "add_image"},
		{"member publishes", demo, "POST", images, `{"visibility": "public"}`, 403, "publicize_image"},
		{"admin publishes", admin, "POST", images, `{"visibility": "public"}`, 201, `"visibility":"public"`},
		{"member makes a community image", demo, "POST", images, `{"visibility": "community"}`, 201, ""},
		{
			"for somebody else", demo, "POST", images,
			map[string]any{"owner": c.ProjectID("member-a")},
			403,
			"not permitted to create images owned by",
		},
		{"admin for somebody else", admin, "POST", images, map[string]any{"owner": c.ProjectID("member-a")}, 201, c.ProjectID("member-a")},
		{"stranger deletes what is public", a, "DELETE", images + "/" + public, nil, 403, "delete_image"},
		{"reader deletes", reader, "DELETE", images + "/" + public, nil, 403, "delete_image"},
		{"protected", demo, "DELETE", images + "/" + protected, nil, 403, "is protected and cannot be deleted"},
		{"protected by admin", admin, "DELETE", images + "/" + protected, nil, 403, "is protected and cannot be deleted"},
		{"stranger deactivates", a, "POST", images + "/" + public + "/actions/deactivate", nil, 403, "deactivate"},
		{"owner deactivates", demo, "POST", images + "/" + public + "/actions/deactivate", nil, 204, ""},
		{"download while deactivated", a, "GET", images + "/" + public + "/file", nil, 403, "has been deactivated"},
		{"download by admin", admin, "GET", images + "/" + public + "/file", nil, 200, "x"},
		{"owner reactivates", demo, "POST", images + "/" + public + "/actions/reactivate", nil, 204, ""},
		{"download", a, "GET", images + "/" + public + "/file", nil, 200, "x"},
		{"owner deletes", demo, "DELETE", images + "/" + public, nil, 204, ""},
		{"gone", demo, "GET", images + "/" + public, nil, 404, "No image found with ID " + public},
	} {
		got := tt.who.Do(tt.method, tt.path, tt.body)
		if got.Status != tt.status || !strings.Contains(got.Text, tt.text) {
			t.Errorf("%s: %d %s, want %d %q", tt.name, got.Status, got.Text, tt.status, tt.text)
		}
		if got.Status >= 400 && !strings.Contains(got.Text, fmt.Sprintf("<title>%d ", got.Status)) {
			t.Errorf("%s: the error is no page of HTML: %s", tt.name, got.Text)
		}
	}
	demo.Patch(protected, apitest.Op("replace", "/visibility", "public")).Want(t, 403)
	demo.Patch(protected, apitest.Op("replace", "/owner", c.ProjectID("member-a"))).Want(t, 403)
	admin.Patch(protected, apitest.Op("replace", "/owner", c.ProjectID("member-a"))).Want(t, 200)
}
