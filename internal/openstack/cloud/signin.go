package cloud

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudsyaml"
	"github.com/imgctl/packer-plugin-openstack/internal/outbound"
)

// way is how to sign in; the entry's auth_type names one.
type way int

const (
	anyWay way = iota // whatever there are credentials for
	byPassword
	byToken
	byApplicationCredential
)

var ways = map[string]way{
	"": anyWay, "password": byPassword, "v3password": byPassword, "token": byToken, "v3token": byToken,
	"v3applicationcredential": byApplicationCredential,
}

// signInWith is what the entry has for its way to sign in, and nothing that belongs to another:
// a password that an identity provider is to see must not reach Keystone.
func signInWith(entry *cloudsyaml.Entry, a *Access) (gophercloud.AuthOptions, error) {
	auth := entry.Auth
	o := gophercloud.AuthOptions{
		IdentityEndpoint: auth["auth_url"], Username: auth["username"], UserID: auth["user_id"],
		DomainID:   cmp.Or(auth["user_domain_id"], auth["domain_id"]),
		DomainName: cmp.Or(auth["user_domain_name"], auth["domain_name"]),
	}
	if o.DomainID == "" && o.DomainName == "" {
		o.DomainID, o.DomainName = auth["default_domain_id"], auth["default_domain_name"]
	}
	var err error
	if o.Scope, err = scope(auth); err != nil {
		return o, fmt.Errorf("cloud %q: %w", entry.Name, err)
	}
	how, ok := ways[entry.AuthType]
	if !ok && !a.credentialsOfItsOwn() {
		return o, fmt.Errorf("cloud %q: auth_type %s isn't supported; use v3password, v3token or v3applicationcredential, "+
			"or get a token with it and give that", entry.Name, entry.AuthType)
	}
	if ok && (how == anyWay || how == byPassword) {
		o.Password = auth["password"]
	}
	if ok && (how == anyWay || how == byToken) {
		o.TokenID = auth["token"]
	}
	if ok && (how == anyWay || how == byApplicationCredential) {
		o.ApplicationCredentialID = auth["application_credential_id"]
		o.ApplicationCredentialName = auth["application_credential_name"]
		o.ApplicationCredentialSecret = auth["application_credential_secret"]
	}
	if how == byApplicationCredential && o.ApplicationCredentialID == "" && o.ApplicationCredentialName == "" && !a.credentialsOfItsOwn() &&
		a.Password == "" {
		return o, fmt.Errorf("cloud %q: auth_type is %s, but there is no application_credential_id", entry.Name, entry.AuthType)
	}
	if how == byToken && o.TokenID == "" && !a.credentialsOfItsOwn() && a.Password == "" {
		return o, fmt.Errorf("cloud %q: auth_type is %s, but there is no token", entry.Name, entry.AuthType)
	}
	return o, nil
}

// credentialsOfItsOwn reports whether the options alone determine how to sign in.
func (a *Access) credentialsOfItsOwn() bool {
	return a.Token != "" || (a.ApplicationCredentialID != "" || a.ApplicationCredentialName != "") && a.ApplicationCredentialSecret != ""
}

// scope is what the entry wants a token for.
func scope(auth map[string]string) (*gophercloud.AuthScope, error) {
	switch {
	case auth["trust_id"] != "":
		return &gophercloud.AuthScope{TrustID: auth["trust_id"]}, nil
	case auth["system_scope"] == "all":
		return &gophercloud.AuthScope{System: true}, nil
	case auth["system_scope"] != "":
		return nil, fmt.Errorf("system_scope: %q is unknown; there is only all", auth["system_scope"])
	case auth["project_id"] != "":
		return &gophercloud.AuthScope{ProjectID: auth["project_id"]}, nil
	case auth["project_name"] != "":
		s := gophercloud.AuthScope{
			ProjectName: auth["project_name"], DomainID: auth["project_domain_id"],
			DomainName: auth["project_domain_name"],
		}
		if s.DomainID == "" && s.DomainName == "" {
			s.DomainID, s.DomainName = auth["default_domain_id"], auth["default_domain_name"]
		}
		return &s, nil
	case auth["domain_id"] != "":
		return &gophercloud.AuthScope{DomainID: auth["domain_id"]}, nil
	case auth["domain_name"] != "":
		return &gophercloud.AuthScope{DomainName: auth["domain_name"]}, nil
	}
	return nil, nil
}

// version is a path's segment that is an API's version, such as v3 or v2.0.
var version = regexp.MustCompile(`^v[0-9]+(\.[0-9]+)?$`)

// keystoneBase is Keystone's address without its version, with a slash at its end.
func keystoneBase(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || outbound.Origin(u) == "" {
		return "", fmt.Errorf("%q is no http or https address", address)
	}
	u.RawQuery, u.Fragment = "", ""
	path := strings.TrimRight(u.Path, "/")
	path = strings.TrimSuffix(strings.TrimSuffix(path, "/tokens"), "/auth")
	if i := strings.LastIndexByte(path, '/'); i >= 0 && version.MatchString(path[i+1:]) {
		path = path[:i]
	}
	u.Path = path + "/"
	return u.String(), nil
}

// maxToken is larger than any catalog.
const maxToken = 8 << 20

// signIn requests a token, and returns how to get the next one, if possible.
func signIn(ctx context.Context, pc *gophercloud.ProviderClient, o gophercloud.AuthOptions) error {
	if err := getToken(ctx, pc, o); err != nil {
		return err
	}
	if !o.AllowReauth {
		return nil
	}
	pc.ReauthFunc = func(ctx context.Context) error {
		once := &gophercloud.ProviderClient{HTTPClient: pc.HTTPClient, UserAgent: pc.UserAgent, IdentityBase: pc.IdentityBase}
		if err := getToken(ctx, once, o); err != nil {
			return err
		}
		pc.CopyTokenFrom(once)
		return nil
	}
	return nil
}

// getToken asks Keystone for a token, or about the existing one. It is safe to repeat.
func getToken(ctx context.Context, pc *gophercloud.ProviderClient, o gophercloud.AuthOptions) error {
	ctx = outbound.Limit(Repeatable(ctx), maxToken)
	keystone := &gophercloud.ServiceClient{ProviderClient: pc, Endpoint: pc.IdentityBase + "v3/", Type: "identity"}
	if o.TokenID != "" && o.Scope == nil {
		pc.SetToken(o.TokenID)
		result := tokens.Get(ctx, keystone, o.TokenID)
		if result.Err != nil {
			return result.Err
		}
		return pc.SetTokenAndAuthResult(result)
	}
	result := tokens.Create(ctx, keystone, &o)
	if result.Err != nil {
		return result.Err
	}
	return pc.SetTokenAndAuthResult(result)
}
