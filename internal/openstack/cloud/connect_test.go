package cloud_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// inSandbox starts a cloud whose clouds.yaml the test's environment names.
func inSandbox(t *testing.T, o sandbox.Options) *sandbox.Cloud {
	t.Helper()
	c := sandboxtest.Start(t, o)
	t.Setenv("OS_CLIENT_CONFIG_FILE", c.CloudsYAML())
	return c
}

func listImages(ctx context.Context, t *testing.T, c *cloud.Cloud) error {
	t.Helper()
	api, err := c.Image()
	if err != nil {
		t.Fatal(err)
	}
	_, err = images.List(api, nil).AllPages(ctx)
	return err
}

func TestConnect(t *testing.T) {
	sb := inSandbox(t, sandbox.Options{})
	for _, tt := range []struct {
		name, project string
		role          string
		admin         bool
	}{
		{"demo", "demo", "member", false},
		{"demo-appcred", "demo", "member", false},
		{"reader", "demo", "reader", false},
		{"other", "other", "member", false},
		{"admin", "admin", "admin", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sb.ResetRequests()
			c, err := cloud.Connect(t.Context(), cloud.Access{Cloud: tt.name})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			for _, client := range []func() error{
				func() error { _, err := c.Image(); return err },
				func() error { _, err := c.Compute(); return err },
				func() error { _, err := c.Network(); return err },
				func() error { _, err := c.BlockStorage(); return err },
			} {
				if err := client(); err != nil {
					t.Error(err)
				}
			}
			if r := sb.Requests(); len(r) != 1 || r[0].Method != "POST" || !strings.HasSuffix(r[0].Path, "/v3/auth/tokens") {
				t.Errorf("requests %+v, want one for a token", r)
			}
			if c.Project().Name != tt.project || !slices.Contains(c.Roles(), tt.role) || c.IsAdmin() != tt.admin {
				t.Errorf("project %+v, roles %v, admin %v", c.Project(), c.Roles(), c.IsAdmin())
			}
			if c.Project().ID == "" || c.UserID() == "" || c.Name() != tt.name || c.Region() == "" {
				t.Errorf("%+v, user %q, name %q, region %q", c.Project(), c.UserID(), c.Name(), c.Region())
			}
			if err := listImages(t.Context(), t, c); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestConnectByToken(t *testing.T) {
	sb := inSandbox(t, sandbox.Options{})
	c, err := cloud.Connect(t.Context(), cloud.Access{Cloud: "demo"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	api, _ := c.Image()
	byToken, err := cloud.Connect(t.Context(), cloud.Access{Cloud: "demo", Token: api.Token()})
	if err != nil {
		t.Fatal(err)
	}
	defer byToken.Close()
	if byToken.Project() != c.Project() || byToken.UserID() != c.UserID() {
		t.Errorf("%+v, want %+v", byToken.Project(), c.Project())
	}
	sb.ExpireTokens()
	if err := listImages(t.Context(), t, byToken); !fault.Is(cloud.Classify(err), fault.Forbidden) {
		t.Errorf("with a token that is gone: %v", err)
	}
}

func TestConnectRefused(t *testing.T) {
	sb := inSandbox(t, sandbox.Options{})
	t.Setenv("OS_CLOUD", "")
	for _, tt := range []struct {
		name   string
		access cloud.Access
		kind   fault.Kind
		want   []string
	}{
		{
			"wrong password",
			cloud.Access{Cloud: "demo", Password: "wrong"},
			fault.Forbidden,
			[]string{"authenticating at", "401", "check username, password, domain_name and tenant_name", "req-"},
		},
		{"wrong token", cloud.Access{Cloud: "demo", Token: "wrong"}, fault.Forbidden, []string{"check token"}},
		{
			"wrong secret",
			cloud.Access{Cloud: "demo-appcred", ApplicationCredentialSecret: "wrong"},
			fault.Forbidden,
			[]string{"application_credential_secret"},
		},
		{
			"nobody there",
			cloud.Access{Cloud: "demo", IdentityEndpoint: "http://127.0.0.1:1/v3"},
			fault.Unavailable,
			[]string{"check identity_endpoint", "connection refused"},
		},
		{
			"not a Keystone",
			cloud.Access{Cloud: "demo", IdentityEndpoint: sb.URL() + "/nothing"},
			fault.Usage,
			[]string{"identity_endpoint", "version 3"},
		},
		{"unknown entry", cloud.Access{Cloud: "porridge"}, fault.Usage, []string{`no entry "porridge"`, "demo-appcred"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := cloud.Connect(t.Context(), tt.access)
			if !fault.Is(err, tt.kind) {
				t.Errorf("%s: %v, want %s", fault.KindOf(err), err, tt.kind)
			}
			for _, want := range tt.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%v, want %q in it", err, want)
				}
			}
		})
	}
}

func TestEndpointErrors(t *testing.T) {
	sb := inSandbox(t, sandbox.Options{})
	_, err := cloud.Connect(t.Context(), cloud.Access{Cloud: "demo", Region: "Atlantis"})
	for _, want := range []string{`no region "Atlantis"`, "regions there: RegionOne", "choose with region"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q in it", err, want)
		}
	}
	entry(t, sb, "demo", func(e, _ map[string]any) { e["image_region_name"] = "Atlantis" })
	c, err := cloud.Connect(t.Context(), cloud.Access{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = c.Image()
	for _, want := range []string{
		`in region "Atlantis"`, "regions there: RegionOne", "endpoint types:", "public",
		"choose with region and endpoint_type",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q in it", err, want)
		}
	}
}

// An expired token is renewed once, however many requests find out at the same time.
func TestTokenIsRenewed(t *testing.T) {
	sb := inSandbox(t, sandbox.Options{})
	c, err := cloud.Connect(t.Context(), cloud.Access{Cloud: "demo"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	sb.ExpireTokens()
	sb.ResetRequests()
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if err := listImages(t.Context(), t, c); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	tokens := 0
	for _, r := range sb.Requests() {
		if r.Method == "POST" && strings.HasSuffix(r.Path, "/auth/tokens") {
			tokens++
		}
	}
	if tokens != 1 {
		t.Errorf("%d tokens asked for, want 1", tokens)
	}
}

// A token request is repeated: nothing but a token comes of it.
func TestConnectSurvivesFaults(t *testing.T) {
	sb := inSandbox(t, sandbox.Options{})
	for _, f := range []sandbox.Fault{
		sandbox.Status(503), sandbox.Status(500), sandbox.StatusAfter(502),
		{Do: sandbox.DropBefore},
		{Do: sandbox.DropAfter},
		{Do: sandbox.Truncate},
		{Do: sandbox.Answer, Status: 429, RetryAfter: "0"},
	} {
		t.Run(f.String(), func(t *testing.T) {
			sb.Faults().Clear()
			sb.Faults().Add(sandbox.Rule{Nth: 1, Fault: f})
			c, err := cloud.Connect(t.Context(), cloud.Access{Cloud: "demo"})
			if err != nil {
				t.Fatal(err)
			}
			c.Close()
		})
	}
}

func TestConnectEndsWithContext(t *testing.T) {
	sb := inSandbox(t, sandbox.Options{})
	over := make(chan struct{})
	defer close(over)
	sb.Faults().Add(sandbox.Rule{Method: http.MethodPost, Fault: sandbox.Fault{
		Do: sandbox.Observe, Before: func(*http.Request) { <-over },
	}})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := cloud.Connect(ctx, cloud.Access{Cloud: "demo"}); err == nil {
		t.Error("a Keystone that doesn't answer lets in")
	}
}
