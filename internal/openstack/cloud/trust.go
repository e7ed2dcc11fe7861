package cloud

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudsyaml"
)

// trust is how the services' certificates are verified.
type trust struct {
	caCert   []byte // PEM; nil for the system's authorities
	insecure bool
}

// readTLS reads the certificates that options and entry name.
func (s *settings) readTLS(a *Access, entry *cloudsyaml.Entry) error {
	verify, err := entry.Verify()
	if err != nil {
		return fault.Wrap(fault.Usage, "", err)
	}
	s.trust = trust{insecure: a.Insecure || !verify}
	if file := cmp.Or(expandHome(a.CACert), entry.CACert()); file != "" {
		if s.trust.caCert, err = os.ReadFile(file); err != nil {
			return fault.Wrap(fault.Usage, "", fmt.Errorf("reading the authorities: %w", err))
		}
	}
	if s.tls, err = s.trust.config(); err != nil {
		return fault.Wrap(fault.Usage, "", err)
	}
	cert, key := cmp.Or(expandHome(a.ClientCert), entry.Cert()), cmp.Or(expandHome(a.ClientKey), entry.Key())
	if cert == "" {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(cert, cmp.Or(key, cert))
	if err != nil {
		return fault.Wrap(fault.Usage, "", fmt.Errorf("reading the client certificate: %w", err))
	}
	s.tls.Certificates = []tls.Certificate{pair}
	return nil
}

func (t trust) config() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: t.insecure} // #nosec G402 -- the user's choice
	if len(t.caCert) == 0 {
		return config, nil
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(t.caCert) {
		return nil, fmt.Errorf("there is no certificate among the authorities; give them as PEM")
	}
	return config, nil
}

// secrets are the credentials, none of which may be shown.
func (s *settings) secrets() []string {
	return slices.DeleteFunc([]string{s.auth.Password, s.auth.Passcode, s.auth.TokenID, s.auth.ApplicationCredentialSecret},
		func(secret string) bool { return secret == "" })
}
