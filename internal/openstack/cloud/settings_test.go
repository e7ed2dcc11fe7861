package cloud

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

const entries = `
clouds:
  prod:
    auth:
      auth_url: https://keystone.example:5000/v3
      username: builder
      password: "0123"
      project_name: images
      user_domain_name: People
      project_domain_name: Things
    region_name: north
    interface: internal
    verify: false
  appcred:
    auth_type: v3applicationcredential
    auth:
      auth_url: https://keystone.example:5000
      application_credential_id: abc
      application_credential_secret: def
  bare:
    region_name: south
  half:
    auth:
      auth_url: https://keystone.example:5000
      username: builder
      project_id: "42"
`

const secrets = `
clouds:
  bare:
    auth:
      auth_url: https://bare.example
      user_id: "7"
      password: hush
      project_id: p
`

// files makes a clouds.yaml with what belongs to it, and clears the environment.
func files(t *testing.T) string {
	t.Helper()
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "OS_") || strings.HasPrefix(name, "SDK_") {
			t.Setenv(name, "")
		}
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"clouds.yaml": entries, "secure.yaml": secrets} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "clouds.yaml")
	t.Setenv("OS_CLIENT_CONFIG_FILE", path)
	return path
}

func TestSettings(t *testing.T) {
	type auth = gophercloud.AuthOptions
	type scope = gophercloud.AuthScope
	const url = "https://keystone.example:5000/v3"
	for _, tt := range []struct {
		name   string
		env    map[string]string
		access Access
		want   auth
		region string
		avail  string
		verify bool
	}{
		{
			name: "the whole entry counts", access: Access{Cloud: "prod"},
			want: auth{
				IdentityEndpoint: url, Username: "builder", Password: "0123", DomainName: "People", AllowReauth: true,
				Scope: &scope{ProjectName: "images", DomainName: "Things"},
			},
			region: "north", avail: "internal",
		},
		{
			name: "OS_CLOUD chooses", env: map[string]string{"OS_CLOUD": "appcred"},
			want: auth{
				IdentityEndpoint: "https://keystone.example:5000", ApplicationCredentialID: "abc",
				ApplicationCredentialSecret: "def", AllowReauth: true, DomainID: "default",
			},
			avail: "public", verify: true,
		},
		{
			name: "secure.yaml has it all", access: Access{Cloud: "bare"},
			want: auth{
				IdentityEndpoint: "https://bare.example", UserID: "7", Password: "hush", Scope: &scope{ProjectID: "p"},
				AllowReauth: true,
			},
			region: "south", avail: "public", verify: true,
		},
		{
			name: "the password comes from the environment", env: map[string]string{"OS_PASSWORD": "env"}, access: Access{Cloud: "half"},
			want: auth{
				IdentityEndpoint: "https://keystone.example:5000", Username: "builder", Password: "env", DomainID: "default",
				Scope: &scope{ProjectID: "42"}, AllowReauth: true,
			},
			avail: "public", verify: true,
		},
		{
			name: "options win over the entry", access: Access{
				Cloud: "prod", Username: "me", Password: "mine", TenantName: "other", DomainName: "Ours", Region: "west",
				EndpointType: "publicURL", IdentityEndpoint: "https://other.example",
			},
			want: auth{
				IdentityEndpoint: "https://other.example", Username: "me", Password: "mine", DomainName: "Ours", AllowReauth: true,
				Scope: &scope{ProjectName: "other", DomainName: "Ours"},
			},
			region: "west", avail: "public",
		},
		{
			name: "another project of the same domain", access: Access{Cloud: "prod", TenantName: "other"},
			want: auth{
				IdentityEndpoint: url, Username: "builder", Password: "0123", DomainName: "People", AllowReauth: true,
				Scope: &scope{ProjectName: "other", DomainName: "Things"},
			},
			region: "north", avail: "internal",
		},
		{
			name: "a token replaces the user", access: Access{Cloud: "prod", Token: "t"},
			want: auth{IdentityEndpoint: url, TokenID: "t"}, region: "north", avail: "internal",
		},
		{
			name: "a token with a project", access: Access{IdentityEndpoint: url, Token: "t", TenantID: "p"},
			want: auth{IdentityEndpoint: url, TokenID: "t", Scope: &scope{ProjectID: "p"}}, avail: "public", verify: true,
		},
		{
			name: "an application credential replaces the password", access: Access{
				Cloud: "prod", ApplicationCredentialID: "a",
				ApplicationCredentialSecret: "s",
			},
			want: auth{
				IdentityEndpoint: url, Username: "builder", DomainName: "People", ApplicationCredentialID: "a",
				ApplicationCredentialSecret: "s",
				AllowReauth:                 true, Scope: &scope{ProjectName: "images", DomainName: "Things"},
			},
			region: "north", avail: "internal",
		},
		{
			name: "a password replaces the application credential", access: Access{Cloud: "appcred", UserID: "7", Password: "x"},
			want: auth{
				IdentityEndpoint: "https://keystone.example:5000", UserID: "7", Password: "x", ApplicationCredentialSecret: "def",
				AllowReauth: true,
			},
			avail: "public", verify: true,
		},
		{
			name: "the environment alone", env: map[string]string{
				"OS_AUTH_URL": url, "OS_USERNAME": "me", "OS_PASSWORD": "x", "OS_TENANT_NAME": "p", "OS_DOMAIN_NAME": "D",
				"OS_REGION_NAME": "east", "OS_INTERFACE": "admin",
			},
			want: auth{
				IdentityEndpoint: url, Username: "me", Password: "x", DomainName: "D", AllowReauth: true,
				Scope: &scope{ProjectName: "p", DomainName: "D"},
			},
			region: "east", avail: "admin", verify: true,
		},
		{
			name: "domains of user and project from the environment", env: map[string]string{
				"OS_AUTH_URL": url, "OS_USERNAME": "me", "OS_PASSWORD": "x", "OS_PROJECT_NAME": "p",
				"OS_USER_DOMAIN_NAME": "U", "OS_PROJECT_DOMAIN_ID": "P", "OS_ENDPOINT_TYPE": "internalURL",
			},
			want: auth{
				IdentityEndpoint: url, Username: "me", Password: "x", DomainName: "U", AllowReauth: true,
				Scope: &scope{ProjectName: "p", DomainID: "P"},
			},
			avail: "internal", verify: true,
		},
		{
			name: "no domain is the first domain", access: Access{IdentityEndpoint: url, Username: "me", Password: "x", TenantName: "p"},
			want: auth{
				IdentityEndpoint: url, Username: "me", Password: "x", DomainID: "default", AllowReauth: true,
				Scope: &scope{ProjectName: "p", DomainID: "default"},
			},
			avail: "public", verify: true,
		},
		{
			name: "OS_AUTH_TYPE settles what is meant", env: map[string]string{
				"OS_AUTH_URL": url, "OS_PASSWORD": "left over", "OS_APPLICATION_CREDENTIAL_ID": "a",
				"OS_APPLICATION_CREDENTIAL_SECRET": "s", "OS_AUTH_TYPE": "v3applicationcredential",
			},
			want: auth{
				IdentityEndpoint: url, DomainID: "default", ApplicationCredentialID: "a", ApplicationCredentialSecret: "s",
				AllowReauth: true,
			},
			avail: "public", verify: true,
		},
		{
			name: "the old names", env: map[string]string{
				"OS_AUTH_URL": url, "SDK_USERNAME": "me", "SDK_PASSWORD": "x", "SDK_PROJECT": "p", "SDK_REGION": "DFW", "OS_DOMAIN_ID": "d",
			},
			want: auth{
				IdentityEndpoint: url, Username: "me", Password: "x", DomainID: "d", AllowReauth: true,
				Scope: &scope{ProjectName: "p", DomainID: "d"},
			},
			region: "DFW", avail: "public", verify: true,
		},
		{
			name: "insecure wins over verify", access: Access{Cloud: "half", Password: "x", Insecure: true},
			want: auth{
				IdentityEndpoint: "https://keystone.example:5000", Username: "builder", Password: "x", DomainID: "default",
				AllowReauth: true,
				Scope:       &scope{ProjectID: "42"},
			},
			avail: "public", verify: false,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files(t)
			for k, v := range tt.env {
				t.Setenv(k, v)
			}
			s, err := tt.access.settings()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, s.auth); diff != "" {
				t.Errorf("credentials (-want +got):\n%s", diff)
			}
			if s.region != tt.region || string(s.avail) != tt.avail || s.tls.InsecureSkipVerify == tt.verify {
				t.Errorf("region %q, %s endpoints, insecure %v", s.region, s.avail, s.tls.InsecureSkipVerify)
			}
		})
	}
}

func TestSettingsRefused(t *testing.T) {
	for _, tt := range []struct {
		name   string
		env    map[string]string
		access Access
		want   []string // in the error
	}{
		{"unknown entry", nil, Access{Cloud: "porridge"}, []string{
			`cloud: no entry "porridge" in`,
			"clouds.yaml (entries there: appcred, bare, half, prod)", "OS_CLOUD",
		}},
		{
			"no file",
			map[string]string{"OS_CLIENT_CONFIG_FILE": "/nowhere/clouds.yaml"},
			Access{Cloud: "prod"},
			[]string{"OS_CLIENT_CONFIG_FILE", "/nowhere/clouds.yaml"},
		},
		{"no user", nil, Access{IdentityEndpoint: "https://x"}, []string{"username:", "application_credential_id"}},
		{"no password", nil, Access{Cloud: "half"}, []string{`password: it is missing for user "builder"`, "OS_PASSWORD"}},
		{"no secret", nil, Access{IdentityEndpoint: "https://x", ApplicationCredentialID: "a"}, []string{"application_credential_secret:"}},
		{"an application credential's name alone", nil, Access{
			IdentityEndpoint: "https://x", ApplicationCredentialName: "a",
			ApplicationCredentialSecret: "s",
		}, []string{"application_credential_name:", "username or user_id"}},
		{
			"endpoint type", nil,
			Access{Cloud: "prod", EndpointType: "private"},
			[]string{`endpoint_type: "private"`, "public, internal or admin"},
		},
		{"no certificate file", nil, Access{Cloud: "prod", CACert: "/nowhere/ca.pem"}, []string{"cacert:", "/nowhere/ca.pem"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files(t)
			for k, v := range tt.env {
				t.Setenv(k, v)
			}
			errs := tt.access.Prepare()
			if len(errs) != 1 {
				t.Fatalf("%v, want one error", errs)
			}
			if !fault.Is(errs[0], fault.Usage) {
				t.Errorf("its kind is %s", fault.KindOf(errs[0]))
			}
			for _, want := range tt.want {
				if !strings.Contains(errs[0].Error(), want) {
					t.Errorf("%q, want %q in it", errs[0], want)
				}
			}
		})
	}
}

// A machine that only checks templates may have no cloud; who asks one hears about it.
func TestNoCloudIsNoFaultOfATemplate(t *testing.T) {
	files(t)
	for _, path := range []string{os.Getenv("OS_CLIENT_CONFIG_FILE"), ""} {
		t.Setenv("OS_CLIENT_CONFIG_FILE", path)
		t.Setenv("HOME", t.TempDir())
		t.Setenv("XDG_CONFIG_HOME", "")
		if errs := (&Access{}).Prepare(); len(errs) != 0 {
			t.Errorf("with clouds.yaml %q: %v", path, errs)
		}
		_, err := Connect(t.Context(), Access{})
		for _, want := range []string{"identity_endpoint:", "cloud or OS_CLOUD", "OS_AUTH_URL"} {
			if !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), want) {
				t.Errorf("with clouds.yaml %q: %v, want %q in it", path, err, want)
			}
		}
	}
	if errs := (&Access{Cloud: "ci"}).Prepare(); len(errs) != 0 {
		t.Errorf("an entry that only the build machine has: %v", errs)
	}
	if _, err := Connect(t.Context(), Access{Cloud: "ci"}); err == nil ||
		!strings.Contains(err.Error(), `cloud "ci": there is no clouds.yaml in ., `) {
		t.Errorf("and there it isn't either: %v", err)
	}
}

// packer validate gives this value to what data sources will know.
func TestPrepareUnknown(t *testing.T) {
	files(t)
	a := Access{
		Cloud: Unknown, IdentityEndpoint: Unknown, Username: Unknown, UserID: Unknown, Password: Unknown, TenantID: Unknown,
		TenantName: Unknown, DomainID: Unknown, DomainName: Unknown, Token: Unknown, ApplicationCredentialID: Unknown,
		ApplicationCredentialName: Unknown, ApplicationCredentialSecret: Unknown, Region: Unknown, EndpointType: Unknown,
		CACert: Unknown, ClientCert: Unknown, ClientKey: Unknown,
	}
	if errs := a.Prepare(); errs != nil {
		t.Error(errs)
	}
	if s := a.Secrets(); len(s) != 0 {
		t.Errorf("secrets %v", s)
	}
	if errs := (&Access{Cloud: "prod", Region: Unknown}).Prepare(); errs != nil {
		t.Error(errs)
	}
}
