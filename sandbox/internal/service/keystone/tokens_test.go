package keystone_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/applicationcredentials"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/projects"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/apitest"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/inside"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// password is the identity of a token request of the user demo.
func password(c *sandbox.Cloud, change func(user map[string]any)) map[string]any {
	user := map[string]any{"name": "demo", "domain": map[string]any{"id": "default"}, "password": c.Password("demo")}
	change(user)
	return map[string]any{"methods": []string{"password"}, "password": map[string]any{"user": user}}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{})
	demo := apitest.Login(t, c, "demo")
	plain := password(c, func(map[string]any) {})
	project := func(name string) map[string]any {
		return map[string]any{"project": map[string]any{"name": name, "domain": map[string]any{"name": "Default"}}}
	}
	for _, tt := range []struct {
		name     string
		identity any
		scope    any
		status   int
		project  string // of the token, "" = unscoped
		roles    string
	}{
		{"project by name", plain, project("demo"), 201, "demo", "member reader"},
		{"project by id", plain, map[string]any{"project": map[string]any{"id": c.ProjectID("demo")}}, 201, "demo", "member reader"},
		{"default project", plain, nil, 201, "demo", "member reader"},
		{"unscoped", plain, "unscoped", 201, "", ""},
		{"somebody else's project", plain, project("member-a"), 401, "", ""},
		{"no such project", plain, project("nope"), 401, "", ""},
		{"system", plain, map[string]any{"system": map[string]any{"all": true}}, 401, "", ""},
		{"wrong password", password(c, func(u map[string]any) { u["password"] = "x" }), nil, 401, "", ""},
		{"unknown user", password(c, func(u map[string]any) { u["name"] = "x" }), nil, 401, "", ""},
		{"user without domain", password(c, func(u map[string]any) { delete(u, "domain") }), nil, 400, "", ""},
		{"user of another domain", password(c, func(u map[string]any) { u["domain"] = map[string]any{"name": "other"} }), nil, 401, "", ""},
		{
			"domain by name", password(c, func(u map[string]any) { u["domain"] = map[string]any{"name": "Default"} }), nil, 201, "demo",
			"member reader",
		},
		{
			"token",
			map[string]any{"methods": []string{"token"}, "token": map[string]any{"id": demo.Token}},
			project("demo"), 201, "demo",
			"member reader",
		},
		{"unknown token", map[string]any{"methods": []string{"token"}, "token": map[string]any{"id": "x"}}, project("demo"), 404, "", ""},
		{"unknown method", map[string]any{"methods": []string{"magic"}}, nil, 400, "", ""},
		{"no method", map[string]any{}, nil, 400, "", ""},
	} {
		auth := map[string]any{"identity": tt.identity}
		if tt.scope != nil {
			auth["scope"] = tt.scope
		}
		a := demo.Do("POST", "/identity/v3/auth/tokens", map[string]any{"auth": auth}, "X-Auth-Token", "")
		if a.Status != tt.status {
			t.Errorf("%s: %d %s, want %d", tt.name, a.Status, a.Text, tt.status)
			continue
		}
		if a.Status != 201 {
			continue
		}
		token, _ := a.JSON["token"].(map[string]any)
		p, _ := token["project"].(map[string]any)
		name, _ := p["name"].(string)
		var roles []string
		list, _ := token["roles"].([]any)
		for _, r := range list {
			roles = append(roles, r.(map[string]any)["name"].(string))
		}
		if name != tt.project || strings.Join(roles, " ") != tt.roles || a.Header.Get("X-Subject-Token") == "" {
			t.Errorf("%s: project %q, roles %v", tt.name, name, roles)
		}
		if _, has := token["catalog"]; has != (tt.project != "") {
			t.Errorf("%s: catalog %t", tt.name, has)
		}
	}
}

func TestTokenExpiry(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{})
	apitest.Login(t, c, "demo").Do("GET", "/image/v2/images", nil).Want(t, 200)
	inside.Of(c).Identity.SetTokenLifetime(50 * time.Millisecond)
	demo := apitest.Login(t, c, "demo")
	apitest.Eventually(t, "the token's end", func() bool { return demo.Do("GET", "/image/v2/images", nil).Status == 401 })

	inside.Of(c).Identity.SetTokenLifetime(time.Hour)
	old := apitest.Login(t, c, "demo")
	c.ExpireTokens()
	for path, text := range map[string]string{"/image/v2/images": "<title>401 Unauthorized</title>", "/network/v2.0/ports": `"code":401`} {
		a := old.Do("GET", path, nil).Want(t, 401)
		if !strings.Contains(a.Header.Get("WWW-Authenticate"), "Keystone uri=") || !strings.Contains(a.Text, text) {
			t.Errorf("%s: %v %s", path, a.Header, a.Text)
		}
	}
}

func TestTokenValidation(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{})
	demo, a, admin := apitest.Login(t, c, "demo"), apitest.Login(t, c, "member-a"), apitest.Login(t, c, "admin")
	path := "/identity/v3/auth/tokens"
	for _, tt := range []struct {
		name    string
		who     *apitest.Client
		subject string
		status  int
	}{
		{"own", demo, demo.Token, 200},
		{"somebody else's", demo, a.Token, 403},
		{"admin's view", admin, a.Token, 200},
		{"unknown", demo, "x", 404},
	} {
		if got := tt.who.Do("GET", path, nil, "X-Subject-Token", tt.subject); got.Status != tt.status {
			t.Errorf("%s: %d %s, want %d", tt.name, got.Status, got.Text, tt.status)
		}
	}
	demo.Do("DELETE", path, nil, "X-Subject-Token", demo.Token).Want(t, 204)
	demo.Do("GET", "/image/v2/images", nil).Want(t, 401)
	a.Do("GET", "/image/v2/images", nil).Want(t, 200)
}

func TestCatalog(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{})
	p := apitest.Provider(t, c, "demo")
	result, ok := p.GetAuthResult().(tokens.CreateResult)
	if !ok {
		t.Fatalf("auth result %T", p.GetAuthResult())
	}
	catalog, err := result.ExtractServiceCatalog()
	if err != nil {
		t.Fatal(err)
	}
	urls := map[string]string{}
	for _, e := range catalog.Entries {
		faces := map[string]bool{}
		for _, o := range e.Endpoints {
			faces[o.Interface] = true
			urls[e.Type] = o.URL
			if o.Region != "RegionOne" {
				t.Errorf("%s in apitest.Region %q", e.Type, o.Region)
			}
		}
		if !maps.Equal(faces, map[string]bool{"public": true, "internal": true, "admin": true}) {
			t.Errorf("%s has the interfaces %v", e.Type, faces)
		}
	}
	for service, path := range map[string]string{
		"identity": "/identity", "image": "/image", "network": "/network", "volumev3": "/volume/v3/" + c.ProjectID("demo"),
	} {
		if urls[service] != c.URL()+path {
			t.Errorf("%s at %q", service, urls[service])
		}
	}
}

func TestIdentityRights(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{})
	demo, admin := apitest.Login(t, c, "demo"), apitest.Login(t, c, "admin")
	own, other := c.ProjectID("demo"), c.ProjectID("member-a")
	for _, tt := range []struct {
		who          *apitest.Client
		method, path string
		body         any
		status       int
		text         string
	}{
		{demo, "GET", "projects", nil, 403, "identity:list_projects"},
		{demo, "GET", "projects/" + own, nil, 200, `"name":"demo"`},
		{demo, "GET", "projects/" + other, nil, 403, "identity:get_project"},
		{demo, "GET", "projects/nope", nil, 403, ""},
		{demo, "GET", "auth/projects", nil, 200, `"name":"demo"`},
		{demo, "GET", "users", nil, 403, "identity:list_users"},
		{demo, "POST", "projects", `{"project": {"name": "x"}}`, 403, "identity:create_project"},
		{admin, "GET", "projects?name=member-a", nil, 200, other},
		{admin, "GET", "projects/nope", nil, 404, "Could not find project: nope."},
		{admin, "POST", "projects", `{"project": {"name": "x"}}`, 201, `"domain_id":"default"`},
		{admin, "POST", "projects", `{"project": {"name": "x"}}`, 409, "either the same name or same id"},
		{admin, "POST", "users", `{"user": {"name": "u", "password": "p"}}`, 201, ""},
		{admin, "GET", "users?name=demo", nil, 200, `"name":"demo"`},
		{admin, "GET", "roles?name=member", nil, 200, `"name":"member"`},
		{admin, "GET", "domains", nil, 200, `"name":"other"`},
		{admin, "GET", "nothing", nil, 404, ""},
	} {
		got := tt.who.Do(tt.method, "/identity/v3/"+tt.path, tt.body)
		if got.Status != tt.status || !strings.Contains(got.Text, tt.text) {
			t.Errorf("%s %s: %d %s, want %d %q", tt.method, tt.path, got.Status, got.Text, tt.status, tt.text)
		}
	}
}

func TestDisabledProjectEndsTokens(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{})
	demo, admin := apitest.Login(t, c, "demo"), apitest.Login(t, c, "admin")
	admin.Do("PATCH", "/identity/v3/projects/"+c.ProjectID("demo"), `{"project": {"enabled": false}}`).Want(t, 200)
	demo.Do("GET", "/image/v2/images", nil).Want(t, 401)
}

func TestApplicationCredentials(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{})
	client, err := openstack.NewIdentityV3(apitest.Provider(t, c, "demo"), apitest.Region)
	if err != nil {
		t.Fatal(err)
	}
	demo := apitest.Login(t, c, "demo")
	user := demo.Do("GET", "/identity/v3/auth/tokens", nil, "X-Subject-Token",
		demo.Token).JSON["token"].(map[string]any)["user"].(map[string]any)["id"].(string)
	cred, err := applicationcredentials.Create(t.Context(), client, user, applicationcredentials.CreateOpts{
		Name: "narrow", Roles: []applicationcredentials.Role{{Name: "reader"}},
	}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	p, err := openstack.AuthenticatedClient(t.Context(), gophercloud.AuthOptions{
		IdentityEndpoint: c.URL() + "/identity/v3", ApplicationCredentialID: cred.ID, ApplicationCredentialSecret: cred.Secret,
	})
	if err != nil {
		t.Fatal(err)
	}
	narrow := demo.As(p.TokenID)
	narrow.Do("GET", "/image/v2/images", nil).Want(t, 200)
	narrow.Do("POST", "/image/v2/images", `{}`).Want(t, 403)
	narrow.Do("POST", "/identity/v3/users/"+user+"/application_credentials", `{"application_credential": {"name": "y"}}`).Want(t, 403)
	apitest.Login(t, c, "member-a").Do("GET", "/identity/v3/users/"+user+"/application_credentials", nil).Want(t, 403)

	pages, err := applicationcredentials.List(client, user, nil).AllPages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found, _ := applicationcredentials.ExtractApplicationCredentials(pages)
	var names []string
	for _, f := range found {
		names = append(names, f.Name)
	}
	if !slices.Equal(names, []string{"demo-appcred", "narrow"}) {
		t.Errorf("application credentials %v", names)
	}
	if err := applicationcredentials.Delete(t.Context(), client, user, cred.ID).ExtractErr(); err != nil {
		t.Fatal(err)
	}
	narrow.Do("GET", "/image/v2/images", nil).Want(t, 401)
	if _, err := projects.Get(t.Context(), client, c.ProjectID("demo")).Extract(); err != nil {
		t.Error(err)
	}
}
