package cloud

import (
	"cmp"

	"github.com/gophercloud/gophercloud/v2"
)

// firstDomain is the id of the domain that every Keystone starts with.
const firstDomain = "default"

// override applies the options to the entry, and leaves exactly one way to authenticate.
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
	case a.userDomain != Domain{}:
		o.DomainID, o.DomainName = a.userDomain.ID, a.userDomain.Name
	case a.DomainID != "":
		o.DomainID, o.DomainName = a.DomainID, ""
	case a.DomainName != "":
		o.DomainID, o.DomainName = "", a.DomainName
	case o.DomainID != "":
		o.DomainName = ""
	}
	o.Password = cmp.Or(a.Password, o.Password)
	switch {
	case o.Password != "":
		o.TokenID, o.ApplicationCredentialID, o.ApplicationCredentialName = "", "", ""
	case o.TokenID != "":
		o.UserID, o.Username = "", ""
	}
	// If no domain was ever chosen, there is only the first one, whose id is always the same.
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
		if (a.projectDomain != Domain{}) {
			s.DomainID, s.DomainName = a.projectDomain.ID, a.projectDomain.Name
		}
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
