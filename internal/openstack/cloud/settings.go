package cloud

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"os"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudsyaml"
)

var endpointTypes = map[string]gophercloud.Availability{
	"":       gophercloud.AvailabilityPublic,
	"public": gophercloud.AvailabilityPublic, "publicURL": gophercloud.AvailabilityPublic,
	"internal": gophercloud.AvailabilityInternal, "internalURL": gophercloud.AvailabilityInternal,
	"admin": gophercloud.AvailabilityAdmin, "adminURL": gophercloud.AvailabilityAdmin,
}

// settings combine options, entry and environment.
type settings struct {
	auth      gophercloud.AuthOptions
	base      string // Keystone's address without its version
	region    string
	avail     gophercloud.Availability
	services  map[string]special
	allowHTTP bool
	tls       *tls.Config
	trust     trust
	names     names
	wish      wish
}

// special holds an entry's settings for one service.
type special struct {
	url    string // instead of the catalog's
	region string
	avail  gophercloud.Availability
}

// names are how errors name the sources of the settings.
type names struct {
	cloud    string
	endpoint any // the option, or what stands in the entry
}

func (a *Access) settings() (*settings, error) {
	entry, err := a.entry()
	if err != nil {
		return nil, err
	}
	s := &settings{names: names{cloud: entry.Name, endpoint: fault.Option("identity_endpoint")}, region: entry.Region}
	if entry.Auth["auth_url"] != "" && a.IdentityEndpoint == "" && a.Cloud+os.Getenv("OS_CLOUD") != "" {
		s.names.endpoint = fmt.Sprintf("auth_url of cloud %q", entry.Name)
	}
	if s.auth, err = signInWith(entry, a); err != nil {
		return nil, fault.Wrap(fault.Usage, "", err)
	}
	a.override(&s.auth)
	if err := s.checkAddress(entry); err != nil {
		return nil, err
	}
	if err := s.checkCredentials(); err != nil {
		return nil, err
	}
	s.names.cloud = cmp.Or(entry.Name, s.auth.IdentityEndpoint)
	s.wish = a.wish(entry, s)
	if s.avail, err = availability(cmp.Or(a.EndpointType, entry.Interface())); err != nil {
		return nil, fault.Wrap(fault.Usage, "use public, internal or admin", fmt.Errorf("cloud %q: %w", s.names.cloud, err))
	}
	if s.services, err = specials(entry); err != nil {
		return nil, fault.Wrap(fault.Usage, "use public, internal or admin", fmt.Errorf("cloud %q: %w", s.names.cloud, err))
	}
	if s.allowHTTP, err = entry.AllowHTTP(); err != nil {
		return nil, fault.Wrap(fault.Usage, "", err)
	}
	return s, s.readTLS(a, entry)
}

// entry is the named entry, the default one, or an empty one if the options have to provide everything.
func (a *Access) entry() (*cloudsyaml.Entry, error) {
	config, err := cloudsyaml.Read()
	if err != nil {
		return nil, err
	}
	name := a.Cloud
	if name == "" && (a.IdentityEndpoint == "" || os.Getenv("OS_CLOUD") != "" || config.FromEnvironment(config.Default())) {
		name = config.Default()
	}
	role := cloudsyaml.Named
	switch {
	case a.other:
		role = cloudsyaml.Other
	case a.Cloud == "" || a.byDefault:
		role = cloudsyaml.Default
	}
	entry, err := config.Entry(name, a.Region, role)
	missing, is := errors.AsType[*cloudsyaml.NoEntry](err)
	switch {
	case is && missing.File == "":
		return nil, fault.New(fault.Usage, fault.Advise("write one, set OS_CLIENT_CONFIG_FILE, or give %s and credentials as options "+
			"or OS_* variables",
			fault.Option("identity_endpoint")), "cloud %q: there is %w", name, err)
	case is && a.other:
		return nil, fault.New(fault.Usage, "", "there is %w", err)
	case is:
		return nil, fault.Bad("cloud", fault.Advise("choose one of them with %s or OS_CLOUD", fault.Option("cloud")), "%w", err)
	}
	return entry, err
}

// checkAddress finds Keystone's.
func (s *settings) checkAddress(entry *cloudsyaml.Entry) (err error) {
	if s.auth.IdentityEndpoint == "" {
		if why := entry.MissingURL(); why != "" {
			return fault.New(fault.Usage, "", "cloud %q doesn't say where Keystone is; %s", entry.Name, why)
		}
		return fault.Bad("identity_endpoint", fault.Advise("choose an entry of clouds.yaml with %s or OS_CLOUD, or set %s or OS_AUTH_URL",
			fault.Option("cloud"), fault.Option("identity_endpoint")), "%w", errNoCloud)
	}
	if s.base, err = keystoneBase(s.auth.IdentityEndpoint); err != nil {
		return fault.New(fault.Usage, "", "%s: %w", s.names.endpoint, err)
	}
	return nil
}

// errNoCloud says that nothing names a cloud, which is fine as long as none is needed.
var errNoCloud = errors.New("no cloud is selected")

// checkCredentials finds what Keystone would refuse.
func (s *settings) checkCredentials() error {
	o := &s.auth
	user := o.Username != "" || o.UserID != ""
	switch {
	case o.TokenID != "":
		return nil
	case o.ApplicationCredentialID != "" || o.ApplicationCredentialName != "":
		if o.ApplicationCredentialSecret == "" {
			return fault.Bad("application_credential_secret", "set it or OS_APPLICATION_CREDENTIAL_SECRET", "it is missing")
		}
		if o.ApplicationCredentialID == "" && !user {
			return fault.Bad("application_credential_name", fault.Advise("set %s or %s as well, or use %s",
				fault.Option("username"), fault.Option("user_id"), fault.Option("application_credential_id")),
				"a name is only known together with its user")
		}
	case !user:
		return fault.Bad("username", fault.Advise("set %s and %s, %s or %s, or the OS_* variables of the same names",
			fault.Option("username"), fault.Option("password"), fault.Option("token"), fault.Option("application_credential_id")),
			"there are no credentials")
	case o.Password == "":
		return fault.Bad("password", "set it or OS_PASSWORD", "it is missing for user %q", cmp.Or(o.Username, o.UserID))
	}
	return nil
}

func availability(name string) (gophercloud.Availability, error) {
	avail, ok := endpointTypes[name]
	if !ok {
		return "", fmt.Errorf("interface %q is unknown", name)
	}
	return avail, nil
}

// specials are what the entry says about single services.
func specials(entry *cloudsyaml.Entry) (map[string]special, error) {
	all := map[string]special{}
	for _, s := range services {
		only := special{url: entry.Service(s.name, "endpoint_override"), region: entry.Service(s.name, "region_name")}
		if name := entry.Service(s.name, "interface"); name != "" {
			avail, err := availability(name)
			if err != nil {
				return nil, err
			}
			only.avail = avail
		}
		if only != (special{}) {
			all[s.name] = only
		}
	}
	return all, nil
}
