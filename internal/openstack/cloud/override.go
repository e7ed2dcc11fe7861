package cloud

import (
	"bytes"
	"cmp"
	"os"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/config/clouds"
	"go.yaml.in/yaml/v3"
)

// firstDomain is the id of the domain that every Keystone starts with.
const firstDomain = "default"

// environment is what the OS_* variables (and the old SDK_* ones) say, in the form of a
// clouds.yaml entry, so that both go through the same rules.
func environment() ([]clouds.ParseOption, error) {
	auth := map[string]string{}
	for key, variables := range map[string][]string{
		"auth_url":                      {"OS_AUTH_URL"},
		"username":                      {"OS_USERNAME", "SDK_USERNAME"},
		"user_id":                       {"OS_USER_ID", "OS_USERID"},
		"password":                      {"OS_PASSWORD", "SDK_PASSWORD"},
		"token":                         {"OS_TOKEN", "OS_AUTH_TOKEN"},
		"project_id":                    {"OS_PROJECT_ID", "OS_TENANT_ID"},
		"project_name":                  {"OS_PROJECT_NAME", "OS_TENANT_NAME", "SDK_PROJECT"},
		"domain_id":                     {"OS_DOMAIN_ID", "OS_DEFAULT_DOMAIN_ID"},
		"domain_name":                   {"OS_DOMAIN_NAME", "OS_DEFAULT_DOMAIN"},
		"user_domain_id":                {"OS_USER_DOMAIN_ID"},
		"user_domain_name":              {"OS_USER_DOMAIN_NAME"},
		"project_domain_id":             {"OS_PROJECT_DOMAIN_ID"},
		"project_domain_name":           {"OS_PROJECT_DOMAIN_NAME"},
		"system_scope":                  {"OS_SYSTEM_SCOPE"},
		"trust_id":                      {"OS_TRUST_ID"},
		"application_credential_id":     {"OS_APPLICATION_CREDENTIAL_ID"},
		"application_credential_name":   {"OS_APPLICATION_CREDENTIAL_NAME"},
		"application_credential_secret": {"OS_APPLICATION_CREDENTIAL_SECRET"},
	} {
		for _, v := range variables {
			if value := os.Getenv(v); value != "" {
				auth[key] = value
				break
			}
		}
	}
	// A credentials file that sets OS_AUTH_TYPE means just that, whatever another one left behind.
	if strings.Contains(os.Getenv("OS_AUTH_TYPE"), "applicationcredential") {
		delete(auth, "password")
		delete(auth, "token")
	}
	text, err := yaml.Marshal(map[string]any{"clouds": map[string]any{"environment": map[string]any{"auth": auth}}})
	return []clouds.ParseOption{clouds.WithCloudName("environment"), clouds.WithCloudsYAML(bytes.NewReader(text))}, err
}

// override lets the options win over the entry, and leaves exactly one way to authenticate.
func (a *Access) override(o *gophercloud.AuthOptions) {
	o.IdentityEndpoint = cmp.Or(a.IdentityEndpoint, o.IdentityEndpoint)
	switch {
	case a.Token != "":
		*o = gophercloud.AuthOptions{IdentityEndpoint: o.IdentityEndpoint, Scope: o.Scope, TokenID: a.Token}
		if a.TenantID == "" && a.TenantName == "" {
			o.Scope = nil
		}
	case a.ApplicationCredentialID != "" || a.ApplicationCredentialName != "" || a.ApplicationCredentialSecret != "":
		o.ApplicationCredentialID = cmp.Or(a.ApplicationCredentialID, o.ApplicationCredentialID)
		o.ApplicationCredentialName = cmp.Or(a.ApplicationCredentialName, o.ApplicationCredentialName)
		o.ApplicationCredentialSecret = cmp.Or(a.ApplicationCredentialSecret, o.ApplicationCredentialSecret)
		o.Password, o.TokenID = "", ""
	case a.Password != "":
		o.ApplicationCredentialID, o.ApplicationCredentialName, o.TokenID = "", "", ""
	}
	a.overrideUser(o)
	a.overrideScope(o)
	o.AllowReauth = o.TokenID == ""
}

func (a *Access) overrideUser(o *gophercloud.AuthOptions) {
	switch {
	case a.UserID != "":
		o.UserID, o.Username = a.UserID, ""
	case a.Username != "":
		o.UserID, o.Username = "", a.Username
	}
	switch {
	case a.DomainID != "":
		o.DomainID, o.DomainName = a.DomainID, ""
	case a.DomainName != "":
		o.DomainID, o.DomainName = "", a.DomainName
	case o.DomainID != "":
		o.DomainName = ""
	}
	byCredential := o.ApplicationCredentialID != "" || o.ApplicationCredentialName != ""
	o.Password = cmp.Or(a.Password, o.Password)
	if o.Password == "" && o.TokenID == "" && !byCredential {
		o.Password = os.Getenv("OS_PASSWORD")
	}
	switch {
	case o.Password != "":
		o.TokenID, o.ApplicationCredentialID, o.ApplicationCredentialName = "", "", ""
	case o.TokenID != "":
		o.UserID, o.Username = "", ""
	}
	// Where nobody ever chose a domain there is only the first, whose id is always the same.
	if o.DomainID == "" && o.DomainName == "" {
		o.DomainID = firstDomain
	}
	if o.UserID != "" {
		o.Username, o.DomainID, o.DomainName = "", "", ""
	}
	if o.TokenID != "" {
		o.DomainID, o.DomainName = "", ""
	}
}

func (a *Access) overrideScope(o *gophercloud.AuthOptions) {
	switch {
	case a.TenantID != "":
		o.Scope = &gophercloud.AuthScope{ProjectID: a.TenantID}
	case a.TenantName != "":
		scope := gophercloud.AuthScope{ProjectName: a.TenantName, DomainID: a.DomainID, DomainName: a.DomainName}
		if scope.DomainID == "" && scope.DomainName == "" {
			scope.DomainID, scope.DomainName = o.DomainID, o.DomainName
			if s := o.Scope; s != nil && (s.DomainID != "" || s.DomainName != "") {
				scope.DomainID, scope.DomainName = s.DomainID, s.DomainName
			}
		}
		o.Scope = &scope
	}
	if s := o.Scope; s != nil && s.ProjectName != "" {
		if (a.DomainID != "" || a.DomainName != "") && a.TenantName == "" && s.DomainID == "" && s.DomainName == "" {
			s.DomainID, s.DomainName = a.DomainID, a.DomainName
		}
		if s.DomainID != "" {
			s.DomainName = ""
		} else if s.DomainName == "" {
			s.DomainID = firstDomain
		}
	}
	o.TenantID, o.TenantName = "", ""
}
