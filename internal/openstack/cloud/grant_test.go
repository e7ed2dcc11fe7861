package cloud_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// grant asks the sandbox's Keystone for what a host hands to a plugin.
func grant(t *testing.T, sb *sandbox.Cloud, name string) cloud.Grant {
	t.Helper()
	c, err := cloud.Connect(t.Context(), cloud.Access{
		IdentityEndpoint: sb.URL() + "/identity/v3", Username: name, Password: sb.Password(name), DomainName: "Default", TenantName: name,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var body struct {
		Token struct {
			Catalog json.RawMessage `json:"catalog"`
		} `json:"token"`
	}
	resp, err := c.Identity().Get(t.Context(), sb.URL()+"/identity/v3/auth/tokens", &body, &gophercloud.RequestOpts{
		MoreHeaders: map[string]string{"X-Subject-Token": c.Identity().Token()},
	})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return cloud.Grant{
		Name: name, IdentityEndpoint: sb.URL() + "/identity/v3", Token: c.Identity().Token(),
		Project: c.Project(), UserID: c.UserID(), Roles: c.Roles(), Region: "RegionOne", Catalog: body.Token.Catalog,
	}
}

func TestFromGrant(t *testing.T) {
	t.Parallel()
	sb := sandboxtest.Start(t, sandbox.Options{})
	g := grant(t, sb, "admin")
	sb.ResetRequests()
	c, err := cloud.FromGrant(g, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if n := len(sb.Requests()); n != 0 {
		t.Errorf("%d requests before there is something to ask for", n)
	}
	if c.Name() != "admin" || c.Project() != g.Project || c.UserID() != g.UserID || !slices.Equal(c.Roles(), g.Roles) || !c.IsAdmin() ||
		c.Region() != "RegionOne" {
		t.Errorf("%q, %+v, %q, %v, %q", c.Name(), c.Project(), c.UserID(), c.Roles(), c.Region())
	}
	for _, client := range []func() (*gophercloud.ServiceClient, error){c.Image, c.Compute, c.Network, c.BlockStorage} {
		if _, err := client(); err != nil {
			t.Error(err)
		}
	}
	// The transport is the one that repeats.
	sb.Faults().Add(sandbox.Rule{Nth: 1, Fault: sandbox.Status(503)})
	if err := listImages(t.Context(), t, c); err != nil {
		t.Error(err)
	}
	sb.ExpireTokens()
	if err := listImages(t.Context(), t, c); !fault.Is(cloud.Classify(err), fault.Forbidden) {
		t.Errorf("with a token that nobody renews: %v", err)
	}
}

// An expired token is renewed once, however many requests find out at the same time.
func TestGrantIsRenewed(t *testing.T) {
	t.Parallel()
	sb := sandboxtest.Start(t, sandbox.Options{})
	var renewed atomic.Int64
	c, err := cloud.FromGrant(grant(t, sb, "demo"), func(context.Context) (cloud.Grant, error) {
		renewed.Add(1)
		return grant(t, sb, "demo"), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	sb.ExpireTokens()
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if err := listImages(t.Context(), t, c); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := renewed.Load(); n != 1 {
		t.Errorf("%d tokens asked for, want 1", n)
	}
}

func TestGrantIsNotRenewed(t *testing.T) {
	t.Parallel()
	sb := sandboxtest.Start(t, sandbox.Options{})
	good := grant(t, sb, "demo")
	for _, tt := range []struct {
		name  string
		renew func(context.Context) (cloud.Grant, error)
		kind  fault.Kind
		want  string
	}{
		{"refused", func(context.Context) (cloud.Grant, error) {
			return cloud.Grant{}, fault.New(fault.Forbidden, "log in again", "the password has changed")
		}, fault.Forbidden, "renewing the token: the password has changed; log in again"},
		{
			"unexplained", func(context.Context) (cloud.Grant, error) { return cloud.Grant{}, errors.New("boom") }, fault.Internal,
			"renewing the token: boom",
		},
		{
			"useless", func(context.Context) (cloud.Grant, error) { return cloud.Grant{Token: "useless"}, nil }, fault.Forbidden,
			"401 Unauthorized",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := good
			g.Token = "expired"
			c, err := cloud.FromGrant(g, tt.renew)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			err = cloud.Classify(listImages(t.Context(), t, c))
			if !fault.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: %v, want %s %q", fault.KindOf(err), err, tt.kind, tt.want)
			}
		})
	}
}

func TestGrantRefused(t *testing.T) {
	t.Parallel()
	good := cloud.Grant{Name: "demo", IdentityEndpoint: "https://cloud.example/v3", Token: "t", Catalog: []byte("[]")}
	for _, tt := range []struct {
		want   string
		change func(*cloud.Grant)
	}{
		{`endpoint type "outside" is unknown`, func(g *cloud.Grant) { g.EndpointType = "outside" }},
		{"reading the catalog", func(g *cloud.Grant) { g.Catalog = []byte("{") }},
		{"no certificate", func(g *cloud.Grant) { g.CACert = []byte("nothing") }},
		{"http://[cloud", func(g *cloud.Grant) { g.IdentityEndpoint = "http://[cloud" }},
	} {
		t.Run(tt.want, func(t *testing.T) {
			t.Parallel()
			g := good
			tt.change(&g)
			_, err := cloud.FromGrant(g, nil)
			if !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), `cloud "demo"`) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: %v, want %q", fault.KindOf(err), err, tt.want)
			}
		})
	}
}

func TestGrantOverTLS(t *testing.T) {
	t.Parallel()
	var path atomic.Value
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path.Store(r.URL.Path)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"images":[]}`))
	}))
	defer server.Close()
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	for _, tt := range []struct {
		name     string
		ca       []byte
		insecure bool
		ok       bool
	}{
		{"unknown authority", nil, false, false},
		{"known authority", authority, false, true},
		{"insecure", nil, true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := cloud.FromGrant(cloud.Grant{
				IdentityEndpoint: server.URL, Token: "t", CACert: tt.ca, Insecure: tt.insecure,
				Endpoints: map[string]string{"image": server.URL + "/elsewhere"},
			}, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if err := listImages(t.Context(), t, c); (err == nil) != tt.ok {
				t.Errorf("%v, want success: %v", err, tt.ok)
			}
			if tt.ok && path.Load() != "/elsewhere/v2/images" {
				t.Errorf("asked for %v, want the endpoint that was given", path.Load())
			}
		})
	}
}

// What a connection hands over is enough for somebody else, and none of it is the password.
func TestAGrantIsEnoughForAnother(t *testing.T) {
	t.Parallel()
	sb := sandboxtest.Start(t, sandbox.Options{})
	password := sb.Password("demo")
	c, err := cloud.Connect(t.Context(), cloud.Access{
		IdentityEndpoint: sb.URL() + "/identity/v3", Username: "demo", Password: password, DomainName: "Default", TenantName: "demo",
		Region: "RegionOne",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	g, err := c.Grant()
	if err != nil {
		t.Fatal(err)
	}
	if time.Until(g.ExpiresAt) < time.Minute || g.Project != c.Project() || g.EndpointType != "public" || g.Region != "RegionOne" {
		t.Errorf("%+v", g)
	}
	for _, secret := range []string{password, g.Token} {
		if !slices.Contains(c.Secrets(), secret) {
			t.Errorf("a secret isn't known as one")
		}
	}
	if strings.Contains(string(g.Catalog)+g.Token+g.IdentityEndpoint, password) {
		t.Error("the password is in the grant")
	}
	other, err := cloud.FromGrant(g, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := listImages(t.Context(), t, other); err != nil {
		t.Error(err)
	}

	sb.ExpireTokens()
	if err := c.Renew(t.Context(), g.Token); err != nil {
		t.Fatal(err)
	}
	renewed, err := c.Grant()
	if err != nil {
		t.Fatal(err)
	}
	if renewed.Token == g.Token {
		t.Error("the token is still the old one")
	}
	sb.ResetRequests()
	if err := c.Renew(t.Context(), g.Token); err != nil || len(sb.Requests()) != 0 {
		t.Errorf("a token that was replaced already: %v, %d requests", err, len(sb.Requests()))
	}
	if err := other.Renew(t.Context(), g.Token); !fault.Is(err, fault.Forbidden) {
		t.Errorf("without credentials: %v", err)
	}
}
