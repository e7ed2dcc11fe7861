//go:generate packer-sdc struct-markdown

package cloud

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudsyaml"
)

// Unknown is the value that `packer validate` passes for the future output of a data source.
const Unknown = "<unknown>"

// How to connect to the cloud. Usually, set `cloud` to an entry in `clouds.yaml`. The whole entry is
// used, including its certificates, `verify`, `interface` and `region_name`, and `secure.yaml` beside
// the file. Options set here override the entry. If neither sets a value, the `OS_*` environment
// variables do.
type Access struct {
	// The name of an entry in `clouds.yaml`. The file is searched for in the current folder,
	// `~/.config/openstack` and `/etc/openstack`, unless the environment variable
	// `OS_CLIENT_CONFIG_FILE` names it. Default: `OS_CLOUD`, or the only entry that exists.
	Cloud string `mapstructure:"cloud" required:"false"`
	// The URL of the Identity service (Keystone, version 3), such as
	// `https://cloud.example.com:5000`. Default: the entry's `auth_url`, or the environment
	// variable `OS_AUTH_URL`.
	IdentityEndpoint string `mapstructure:"identity_endpoint" required:"false"`
	// The name of the user; also needs `domain_name` or `domain_id`. Environment: `OS_USERNAME`.
	Username string `mapstructure:"username" required:"false"`
	// The id of the user, instead of `username`. Environment: `OS_USER_ID` or `OS_USERID`.
	UserID string `mapstructure:"user_id" required:"false"`
	// The user's password. Environment: `OS_PASSWORD`.
	Password string `mapstructure:"password" required:"false"`
	// The id of the project to work in. Environment: `OS_PROJECT_ID` or `OS_TENANT_ID`.
	TenantID string `mapstructure:"tenant_id" required:"false"`
	// The name of the project to work in, instead of `tenant_id`; also needs `domain_name` or
	// `domain_id`. Environment: `OS_PROJECT_NAME` or `OS_TENANT_NAME`.
	TenantName string `mapstructure:"tenant_name" required:"false"`
	// The id of the domain of both the user and the project. Environment: `OS_DOMAIN_ID`, or
	// `OS_USER_DOMAIN_ID` and `OS_PROJECT_DOMAIN_ID` if the domains differ.
	DomainID string `mapstructure:"domain_id" required:"false"`
	// The name of the domain, instead of `domain_id`. Environment: `OS_DOMAIN_NAME`,
	// `OS_USER_DOMAIN_NAME`, `OS_PROJECT_DOMAIN_NAME`.
	DomainName string `mapstructure:"domain_name" required:"false"`
	// A token, instead of a user and password. It can't be renewed, so it must stay valid for the
	// whole build. Environment: `OS_TOKEN`.
	Token string `mapstructure:"token" required:"false"`
	// The id of an application credential, used with `application_credential_secret` instead of a
	// user and password. Environment: `OS_APPLICATION_CREDENTIAL_ID`.
	ApplicationCredentialID string `mapstructure:"application_credential_id" required:"false"`
	// The name of an application credential, instead of its id; also needs the user.
	// Environment: `OS_APPLICATION_CREDENTIAL_NAME`.
	ApplicationCredentialName string `mapstructure:"application_credential_name" required:"false"`
	// The secret of the application credential. Environment:
	// `OS_APPLICATION_CREDENTIAL_SECRET`.
	ApplicationCredentialSecret string `mapstructure:"application_credential_secret" required:"false"`
	// The region whose services to use. Default: the entry's `region_name` or the first of its `regions`,
	// or the first region in the cloud's catalog. Where no entry is named, `OS_REGION_NAME` comes first.
	Region string `mapstructure:"region" required:"false"`
	// The interface of the services to use: `public`, `internal` or `admin` (also `publicURL` and so
	// on). Default: the entry's `interface`, or `public`. Where no entry is named, `OS_INTERFACE` or
	// `OS_ENDPOINT_TYPE` comes first.
	EndpointType string `mapstructure:"endpoint_type" required:"false"`
	// Don't verify the services' certificates. Default: the entry's `insecure`, or the opposite of its `verify`.
	Insecure bool `mapstructure:"insecure" required:"false"`
	// A file with the CA certificates to verify the services' certificates with. Environment:
	// `OS_CACERT`.
	CACert string `mapstructure:"cacert" required:"false"`
	// A file with a client certificate, for clouds that require one. Environment: `OS_CERT`.
	ClientCert string `mapstructure:"cert" required:"false"`
	// A file with the client certificate's private key. Environment: `OS_KEY`.
	ClientKey string `mapstructure:"key" required:"false"`

	byDefault, other bool // which variables count, see cloudsyaml.Role

	userDomain, projectDomain Domain
}

// Domain is a domain by its id or its name; the zero value is none.
type Domain struct{ ID, Name string }

// InDomains is the access of a user and to a project of these domains, where they are given.
func (a Access) InDomains(user, project Domain) Access {
	a.userDomain, a.projectDomain = user, project
	return a
}

// ByDefault is the access that a command is about, even if an entry is named: the OS_* variables
// that choose a region, a project and so on count for it, as for the openstack command.
func (a Access) ByDefault() Access {
	a.byDefault = true
	return a
}

// Other is the access to one more cloud, by its entry: no OS_* variable is about it.
func Other(entry string) Access { return Access{Cloud: entry, other: true} }

// Prepare checks the options as far as possible without the network. Values that aren't known yet
// count as valid.
func (a *Access) Prepare() []error {
	var errs []error
	if _, ok := endpointTypes[a.EndpointType]; !ok && a.EndpointType != Unknown {
		errs = append(errs, fault.Bad("endpoint_type", "use public, internal or admin", "%q is unknown", a.EndpointType))
	}
	for _, f := range []struct{ option, path string }{{"cacert", a.CACert}, {"cert", a.ClientCert}, {"key", a.ClientKey}} {
		if f.path == "" || f.path == Unknown {
			continue
		}
		if _, err := os.Stat(expandHome(f.path)); err != nil {
			errs = append(errs, fault.Bad(f.option, "name a readable file", "%w", err))
		}
	}
	if len(errs) > 0 || a.unknown() {
		return errs
	}
	if _, err := a.settings(); err != nil && !noneYet(err) {
		errs = append(errs, err)
	}
	return errs
}

// LoneCertificate reports whether the client certificate has no key: neither an option nor the entry names one, and
// its own file has none.
func (a *Access) LoneCertificate() bool {
	if a.ClientCert == "" || a.ClientKey != "" || a.unknown() {
		return false
	}
	if entry, err := a.entry(); err == nil && entry.Key() != "" {
		return false
	}
	text, err := os.ReadFile(expandHome(a.ClientCert))
	return err == nil && !bytes.Contains(text, []byte("PRIVATE KEY-----"))
}

// noneYet reports whether err is no more than that there is no cloud here, which a machine that only
// checks templates needn't have.
func noneYet(err error) bool {
	missing, is := errors.AsType[*cloudsyaml.NoEntry](err)
	return errors.Is(err, errNoCloud) || is && missing.File == ""
}

// Secrets are the values that must not appear in logs.
func (a *Access) Secrets() []string {
	return slices.DeleteFunc([]string{a.Password, a.Token, a.ApplicationCredentialSecret}, func(s string) bool {
		return s == "" || s == Unknown
	})
}

// unknown reports whether an option has a value that is known only during the build.
func (a *Access) unknown() bool {
	return slices.Contains([]string{
		a.Cloud, a.IdentityEndpoint, a.Username, a.UserID, a.Password, a.TenantID, a.TenantName, a.DomainID,
		a.DomainName, a.Token, a.ApplicationCredentialID, a.ApplicationCredentialName,
		a.ApplicationCredentialSecret, a.Region, a.EndpointType, a.CACert, a.ClientCert, a.ClientKey,
	}, Unknown)
}

// expandHome resolves a leading "~/".
func expandHome(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return fmt.Sprintf("%s/%s", home, rest)
		}
	}
	return path
}
