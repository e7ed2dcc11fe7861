package cloud_test

import (
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

type mapping = map[string]any

// says checks that err has the kind and all the words.
func says(t *testing.T, err error, kind fault.Kind, words ...string) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Errorf("%s: %v, want %s", fault.KindOf(err), err, kind)
	}
	for _, w := range words {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("%v, want %q in it", err, w)
		}
	}
}

func connect(t *testing.T, a cloud.Access) *cloud.Cloud {
	t.Helper()
	c, err := cloud.Connect(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestOnlyTheWayToSignInThatTheEntryNames(t *testing.T) {
	sb := inSandbox(t, sandbox.Options{})
	for _, kind := range []string{
		"v3oidcpassword", "v3oidcclientcredentials", "v3kerberos", "v3totp", "v2password", "http_basic", "none",
		"misspelt",
	} {
		for _, key := range []string{"auth_type", "auth-type", "auth_plugin"} {
			entry(t, sb, "demo", func(e, _ mapping) { e[key] = kind })
			sb.ResetRequests()
			_, err := cloud.Connect(t.Context(), cloud.Access{})
			says(t, err, fault.Usage, kind, "v3applicationcredential")
			_, err = cloud.Connect(t.Context(), cloud.Access{Password: sb.Password("demo")})
			says(t, err, fault.Usage, kind)
			if n := len(sb.Requests()); n != 0 {
				t.Errorf("%s: %s: %d requests", key, kind, n)
			}
		}
	}
	entry(t, sb, "demo", func(mapping, mapping) {})
	t.Setenv("OS_AUTH_TYPE", "v3oidcpassword")
	_, err := cloud.Connect(t.Context(), cloud.Access{})
	says(t, err, fault.Usage, "v3oidcpassword")
	t.Setenv("OS_AUTH_TYPE", "")

	entry(t, sb, "demo-appcred", func(_, auth mapping) { auth["username"], auth["password"] = "demo", "stale" })
	connect(t, cloud.Access{})
	entry(t, sb, "demo", func(e, auth mapping) { e["auth_type"], auth["token"] = "v3password", "stale" })
	connect(t, cloud.Access{})
	entry(t, sb, "demo", func(e, _ mapping) { e["auth_type"] = "v3token" })
	_, err = cloud.Connect(t.Context(), cloud.Access{})
	says(t, err, fault.Usage, "v3token", "no token")
}

func TestAnOldTokenIsCalledOne(t *testing.T) {
	sb := inSandbox(t, sandbox.Options{})
	for _, scoped := range []bool{true, false} {
		entry(t, sb, "demo", func(e, auth mapping) {
			e["auth_type"], auth["token"] = "v3token", "gAAAAABold"
			if !scoped {
				delete(auth, "project_name")
			}
		})
		_, err := cloud.Connect(t.Context(), cloud.Access{})
		says(t, err, fault.Forbidden, "expired")
		if strings.Contains(err.Error(), "version 3") {
			t.Error(err)
		}
	}
}

func TestAnAuthURLThatMoved(t *testing.T) {
	sb := inSandbox(t, sandbox.Options{})
	elsewhere, f := newFront(t, sb, false), newFront(t, sb, false)
	to := f.URL
	f.hook = func(w http.ResponseWriter, r *http.Request) bool {
		path, old := strings.CutPrefix(r.URL.Path, "/old")
		if old {
			http.Redirect(w, r, to+path, http.StatusTemporaryRedirect)
		}
		return old
	}
	entry(t, sb, "demo", func(_, auth mapping) { auth["auth_url"] = f.URL + "/old/identity/v3" })
	connect(t, cloud.Access{})

	to = elsewhere.URL
	_, err := cloud.Connect(t.Context(), cloud.Access{})
	says(t, err, fault.Usage, "moved", f.URL+"/old/identity/v3/auth/tokens", elsewhere.URL+"/identity/v3/auth/tokens",
		`auth_url of cloud "t"`)
	if strings.Contains(err.Error(), "password") || len(elsewhere.requests()) != 0 {
		t.Errorf("%v, and the other server got %q", err, elsewhere.requests())
	}
}

func TestATokenStaysAtItsEndpoint(t *testing.T) {
	sb := inSandbox(t, sandbox.Options{})
	for n := range 3 {
		if _, err := sb.AddImage(sandbox.Image{Project: "demo", Name: fmt.Sprint("i", n)}); err != nil {
			t.Fatal(err)
		}
	}
	elsewhere, f := newFront(t, sb, false), newFront(t, sb, false)
	f.catalog(sb, "")
	tokens, links := f.rewrite, 0
	f.rewrite = func(r *http.Request, body string) string {
		body = tokens(r, body)
		links += strings.Count(body, `"next":"/v2`)
		return strings.ReplaceAll(body, `"next":"/v2`, `"next":"`+elsewhere.URL+`/v2`)
	}
	entry(t, sb, "demo", func(_, auth mapping) { auth["auth_url"] = f.auth() })
	c := connect(t, cloud.Access{})
	api, err := c.Image()
	if err != nil {
		t.Fatal(err)
	}
	pages, err := images.List(api, images.ListOpts{Limit: 1}).AllPages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if found, err := images.ExtractImages(pages); err != nil || len(found) < 3 || links < 3 {
		t.Errorf("%d images over %d links, %v", len(found), links, err)
	}
	f.hook = func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusFound)
		return true
	}
	says(t, cloud.Classify(listImages(t.Context(), t, c)), fault.Forbidden, f.URL, elsewhere.URL)
	api.Endpoint = elsewhere.URL + "/image/v2/"
	api.ResourceBase = ""
	_, err = images.Get(t.Context(), api, "x").Extract()
	says(t, cloud.Classify(err), fault.Forbidden, elsewhere.URL)
	if seen := elsewhere.requests(); len(seen) != 0 {
		t.Errorf("the other server got %q", seen)
	}
}

func TestNoTokenWithoutTLSWhereKeystoneHasIt(t *testing.T) {
	sb := inSandbox(t, sandbox.Options{})
	f := newFront(t, sb, true)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	with := func(more mapping) {
		entry(t, sb, "demo", func(e, auth mapping) {
			auth["auth_url"], e["cacert"] = f.auth(), ca
			maps.Copy(e, more)
		})
	}
	with(nil)
	c := connect(t, cloud.Access{})
	_, err := c.Image()
	says(t, err, fault.Forbidden, sb.URL(), f.URL, "allow_http_endpoints", "image_endpoint_override")

	for _, more := range []mapping{{"allow_http_endpoints": true}, {"image_endpoint_override": sb.URL() + "/image"}} {
		with(more)
		c := connect(t, cloud.Access{})
		g, err := c.Grant()
		if err != nil {
			t.Fatal(err)
		}
		granted, err := cloud.FromGrant(g, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer granted.Close()
		for _, c := range []*cloud.Cloud{c, granted} {
			if err := listImages(t.Context(), t, c); err != nil {
				t.Errorf("%v: %v", more, err)
			}
		}
	}
	f.catalog(sb, "")
	with(nil)
	if err := listImages(t.Context(), t, connect(t, cloud.Access{})); err != nil {
		t.Error(err)
	}
}

func TestAddressesOfServices(t *testing.T) {
	sb := inSandbox(t, sandbox.Options{})
	for _, path := range []string{"/v1proxy", "/nav2", "/v", "/v3x"} {
		f := newFront(t, sb, false)
		f.catalog(sb, path)
		f.hook = func(_ http.ResponseWriter, r *http.Request) bool {
			r.URL.Path = strings.TrimPrefix(r.URL.Path, path)
			return false
		}
		entry(t, sb, "demo", func(_, auth mapping) { auth["auth_url"] = f.URL + path + "/identity/v3" })
		if err := listImages(t.Context(), t, connect(t, cloud.Access{})); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	f := newFront(t, sb, false)
	for _, key := range []string{"image_endpoint_override", "image_endpoint"} {
		entry(t, sb, "demo", func(e, _ mapping) { e[key] = f.URL + "/image" })
		if err := listImages(t.Context(), t, connect(t, cloud.Access{})); err != nil {
			t.Error(err)
		}
	}
	if n := len(f.requests()); n != 2 {
		t.Errorf("%d requests came to the overriding address, want 2", n)
	}
}

// Credentials for one project only must not work in another one's place.
func TestAnotherProjectThanAskedFor(t *testing.T) {
	sb := inSandbox(t, sandbox.Options{})
	t.Setenv("OS_CLOUD", "")
	other := connect(t, cloud.Access{Cloud: "other"})
	for name, tt := range map[string]struct {
		access cloud.Access
		env    map[string]string
		change func(entry, auth mapping)
		by     string
	}{
		"by an option":      {access: cloud.Access{Cloud: "t", TenantName: "other"}, by: "tenant_name"},
		"by an option's id": {access: cloud.Access{Cloud: "t", TenantID: other.Project().ID}, by: "tenant_id"},
		"by the entry": {
			access: cloud.Access{Cloud: "t"}, change: func(_, auth mapping) { auth["project_name"] = "other" },
			by: `cloud "t"`,
		},
		"by the entry's id": {access: cloud.Access{Cloud: "t"}, change: func(_,
			auth mapping,
		) {
			auth["project_id"] = other.Project().ID
		}, by: `cloud "t"`},
		"by a variable":        {env: map[string]string{"OS_CLOUD": "t", "OS_PROJECT_NAME": "other"}, by: "OS_PROJECT_NAME"},
		"by an older variable": {env: map[string]string{"OS_CLOUD": "t", "OS_TENANT_ID": other.Project().ID}, by: "OS_TENANT_ID"},
		"of another domain": {
			access: cloud.Access{Cloud: "t", TenantName: "demo", DomainName: "Elsewhere"},
			by:     `of domain "Elsewhere"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			entry(t, sb, "demo-appcred", func(e, auth mapping) {
				if tt.change != nil {
					tt.change(e, auth)
				}
			})
			t.Setenv("OS_CLOUD", "")
			for k, v := range tt.env {
				t.Setenv(k, v)
			}
			_, err := cloud.Connect(t.Context(), tt.access)
			says(t, err, fault.Usage, `project "demo"`, "asks for project", tt.by)
		})
	}
	// What agrees goes through, whatever the case of its letters.
	entry(t, sb, "demo-appcred", func(_, auth mapping) { auth["project_name"], auth["project_domain_name"] = "Demo", "Default" })
	connect(t, cloud.Access{})
	// A variable chooses where the credentials allow it.
	entry(t, sb, "admin", func(mapping, mapping) {})
	t.Setenv("OS_PROJECT_NAME", "demo")
	if c, err := cloud.Connect(t.Context(), cloud.Access{}); err == nil && c.Project().Name != "demo" {
		t.Errorf("OS_PROJECT_NAME was dropped: %+v", c.Project())
	}
}

func TestAPageInPlaceOfAnAnswer(t *testing.T) {
	sb := inSandbox(t, sandbox.Options{})
	f := newFront(t, sb, false)
	f.catalog(sb, "")
	f.hook = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.URL.Path, "/image") {
			return false
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<html><head><title>x</title></head><body><b>Down</b> for maintenance</body></html>"))
		return true
	}
	entry(t, sb, "demo", func(_, auth mapping) { auth["auth_url"] = f.auth() })
	c := connect(t, cloud.Access{})
	err := cloud.Classify(listImages(t.Context(), t, c))
	says(t, err, fault.Unavailable, f.URL+"/image/v2/images", "HTML in place of JSON", "Down for maintenance")
	if strings.Contains(err.Error(), "<") || strings.Contains(err.Error(), "Go ") {
		t.Error(err)
	}
}

func TestARefusedChangeNamesTheMissingRole(t *testing.T) {
	inSandbox(t, sandbox.Options{})
	for name, want := range map[string]string{"reader": "usually member; these have reader", "demo": ""} {
		c := connect(t, cloud.Access{Cloud: name})
		granted, err := c.Grant()
		if err != nil {
			t.Fatal(err)
		}
		other, err := cloud.FromGrant(granted, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(other.Close)
		for _, c := range []*cloud.Cloud{c, other} {
			api, err := c.Image()
			if err != nil {
				t.Fatal(err)
			}
			_, err = images.Create(t.Context(), api, images.CreateOpts{Name: "x", Visibility: new(images.ImageVisibilityPublic)}).Extract()
			says(t, cloud.Classify(err), fault.Forbidden, want)
			if err := cloud.Classify(err); want == "" && strings.Contains(err.Error(), "role") {
				t.Error(err)
			}
		}
	}
}
