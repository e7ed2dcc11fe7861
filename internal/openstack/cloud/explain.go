package cloud

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/outbound"
)

// explain says what to do about a token request that failed.
func (s *settings) explain(err error) error {
	at := fmt.Sprintf("authenticating at %q%s", redacted(s.auth.IdentityEndpoint), s.wish.String())
	said := fmt.Errorf("%s: %w", at, Classify(err))
	answer, answered := errors.AsType[gophercloud.ErrUnexpectedResponseCode](err)
	switch {
	case answered && answer.Actual == http.StatusUnauthorized, answered && s.tokenIsUnknown(answer):
		return fault.Wrap(fault.Forbidden, s.credentialsHint(), said)
	case answered && answer.Actual == http.StatusNotFound:
		return fault.Wrap(fault.Usage, fault.Advise("check %s: Keystone's version 3 is not there", s.names.endpoint), said)
	case answered:
		return said
	}
	if moved, ok := errors.AsType[*outbound.Moved](err); ok {
		return fault.New(fault.Usage, fault.Advise("correct %s, if that address is right", s.names.endpoint), "%s: %w", at, moved)
	}
	if other, ok := errors.AsType[*outbound.NotJSON](err); ok {
		return fault.New(fault.Usage, fault.Advise("check %s: Keystone's version 3 is not there", s.names.endpoint), "%s: %w", at,
			plain(other))
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fault.New(fault.Usage, fault.Advise("name the authority's file in %s, or set %s, or verify: false in the entry of "+
			"clouds.yaml",
			fault.Option("cacert"), fault.Option("insecure")), "%s: %w", at, err)
	}
	if kind := kindOf(err); kind == fault.Unavailable {
		return fault.New(kind, fault.Advise("check %s", s.names.endpoint), "%s: %w", at, err)
	}
	return said
}

// tokenIsUnknown distinguishes Keystone's response to an unknown or expired token from the 404 of a server
// without Keystone.
func (s *settings) tokenIsUnknown(answer gophercloud.ErrUnexpectedResponseCode) bool {
	return answer.Actual == http.StatusNotFound && s.auth.TokenID != "" && bytes.Contains(answer.Body, []byte(`"error"`))
}

func (s *settings) credentialsHint() fault.Advice {
	switch o := &s.auth; {
	case o.TokenID != "":
		return fault.Advise("check %s: it may have expired", fault.Option("token"))
	case o.ApplicationCredentialID != "" || o.ApplicationCredentialName != "":
		return fault.Advise("check %s and %s: they may have expired", fault.Option("application_credential_id"),
			fault.Option("application_credential_secret"))
	default:
		return fault.Advise("check %s, %s, %s and %s", fault.Option("username"), fault.Option("password"), fault.Option("domain_name"),
			fault.Option("tenant_name"))
	}
}

// redacted is an address without the password that somebody may have put into it.
func redacted(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Redacted()
}
