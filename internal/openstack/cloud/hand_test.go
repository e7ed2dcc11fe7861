package cloud_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// What a connection hands over is enough for somebody else, and none of it is the password.
func TestHandOver(t *testing.T) {
	t.Parallel()
	sb := sandboxtest.Start(t, sandbox.Options{})
	password := sb.Password("demo")
	c, err := cloud.Connect(t.Context(), cloud.Access{
		IdentityEndpoint: sb.URL() + "/identity/v3", Username: "demo", Password: password, DomainName: "Default", TenantName: "demo", Region: "RegionOne",
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

	sb.Identity.ExpireTokens()
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

func TestNames(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clouds.yaml")
	t.Setenv("OS_CLIENT_CONFIG_FILE", path)
	if names, err := cloud.Names(); err != nil || len(names) != 0 {
		t.Errorf("without a file: %q, %v", names, err)
	}
	if err := os.WriteFile(path, []byte("clouds: {b: {}, a: {auth: {}}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if names, err := cloud.Names(); err != nil || !slices.Equal(names, []string{"a", "b"}) {
		t.Errorf("%q, %v", names, err)
	}
}
