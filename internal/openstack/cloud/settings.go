package cloud

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/config/clouds"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

var endpointTypes = map[string]gophercloud.Availability{
	"":       gophercloud.AvailabilityPublic,
	"public": gophercloud.AvailabilityPublic, "publicURL": gophercloud.AvailabilityPublic,
	"internal": gophercloud.AvailabilityInternal, "internalURL": gophercloud.AvailabilityInternal,
	"admin": gophercloud.AvailabilityAdmin, "adminURL": gophercloud.AvailabilityAdmin,
}

// settings are what options, entry and environment come to.
type settings struct {
	auth   gophercloud.AuthOptions
	region string
	avail  gophercloud.Availability
	tls    *tls.Config
	caFile string // whose authorities tls has; "" for the system's
	names  names
}

// names are how errors speak of where the settings came from.
type names struct {
	cloud    string
	endpoint any // the option, or what stands in the entry
}

func (a *Access) settings() (*settings, error) {
	cloud := cmp.Or(a.Cloud, os.Getenv("OS_CLOUD"))
	s := &settings{names: names{cloud: cloud, endpoint: fault.Option("identity_endpoint")}}
	opts, err := source(cloud)
	if err != nil {
		return nil, err
	}
	opts = append(opts,
		clouds.WithCACertPath(a.CACert), clouds.WithClientCertPath(a.ClientCert), clouds.WithClientKeyPath(a.ClientKey))
	if a.Insecure {
		opts = append(opts, clouds.WithInsecure(true))
	}
	auth, endpoints, tlsConfig, err := clouds.Parse(opts...)
	if err != nil {
		return nil, fault.Wrap(fault.Usage, "", fmt.Errorf("reading the access to %s: %w", cmp.Or(cloud, "the cloud"), err))
	}
	s.auth, s.tls = auth, tlsConfig
	s.caFile = cmp.Or(a.CACert, os.Getenv("OS_CACERT"), entryCACert(cloud)) // gophercloud's order
	s.region = cmp.Or(a.Region, endpoints.Region, os.Getenv("SDK_REGION"))
	s.avail = endpointTypes[a.EndpointType]
	if a.EndpointType == "" {
		s.avail = endpoints.Availability
		if v, ok := endpointTypes[os.Getenv("OS_ENDPOINT_TYPE")]; ok && os.Getenv("OS_ENDPOINT_TYPE") != "" {
			s.avail = v
		}
	}
	if cloud != "" && a.IdentityEndpoint == "" {
		s.names.endpoint = fmt.Sprintf("auth_url of cloud %q", cloud)
	}
	a.override(&s.auth)
	s.names.cloud = cmp.Or(cloud, s.auth.IdentityEndpoint)
	return s, s.check()
}

// source is the clouds.yaml entry, or the environment in an entry's form.
func source(cloud string) ([]clouds.ParseOption, error) {
	if cloud != "" {
		return entry(cloud)
	}
	return environment()
}

// check finds what Keystone would refuse, in the words of our options.
func (s *settings) check() error {
	o := &s.auth
	user := o.Username != "" || o.UserID != ""
	switch {
	case o.IdentityEndpoint == "":
		return fault.Bad("identity_endpoint", fault.Advise("choose an entry of clouds.yaml with %s or OS_CLOUD, or set %s or OS_AUTH_URL", fault.Option("cloud"), fault.Option("identity_endpoint")),
			"there is no cloud to speak to")
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

// explain says what to do about a token request that failed.
func (s *settings) explain(err error) error {
	url := s.auth.IdentityEndpoint
	var status gophercloud.ErrUnexpectedResponseCode
	switch {
	case gophercloud.ResponseCodeIs(err, http.StatusUnauthorized):
		return fault.Wrap(fault.Forbidden, s.credentialsHint(), fmt.Errorf("authenticating at %q: %w", url, Classify(err)))
	case gophercloud.ResponseCodeIs(err, http.StatusNotFound):
		return fault.Wrap(fault.Usage, fault.Advise("check %s: Keystone's version 3 is not there", s.names.endpoint),
			fmt.Errorf("authenticating at %q: %w", url, Classify(err)))
	case errors.As(err, &status):
		return fmt.Errorf("authenticating at %q: %w", url, Classify(err))
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fault.Wrap(fault.Usage, fault.Advise("name the authority's file in %s, or set %s", fault.Option("cacert"), fault.Option("insecure")),
			fmt.Errorf("authenticating at %q: %w", url, err))
	}
	if kind := kindOf(err); kind == fault.Unavailable {
		return fault.Wrap(kind, fault.Advise("check %s", s.names.endpoint), fmt.Errorf("authenticating at %q: %w", url, err))
	}
	return fmt.Errorf("authenticating at %q: %w", url, Classify(err))
}

func (s *settings) credentialsHint() fault.Advice {
	switch o := &s.auth; {
	case o.TokenID != "":
		return fault.Advise("check %s: it may have expired", fault.Option("token"))
	case o.ApplicationCredentialID != "" || o.ApplicationCredentialName != "":
		return fault.Advise("check %s and %s: they may have expired", fault.Option("application_credential_id"), fault.Option("application_credential_secret"))
	default:
		return fault.Advise("check %s, %s, %s and %s", fault.Option("username"), fault.Option("password"), fault.Option("domain_name"), fault.Option("tenant_name"))
	}
}
