package cloud

import (
	"cmp"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
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

// commonRun is what the processes of one Packer run that check certificates alike have in common, so
// that all of its builds keep to the few connections of one; "" outside of Packer.
func (t trust) commonRun(config *tls.Config) string {
	run := os.Getenv("PACKER_RUN_UUID")
	if run == "" {
		return ""
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s %v %x %q", run, t.insecure, sha256.Sum256(t.caCert),
		[]string{os.Getenv("HTTPS_PROXY"), os.Getenv("HTTP_PROXY"), os.Getenv("NO_PROXY")})
	for _, c := range config.Certificates {
		fmt.Fprintf(h, " %x", c.Certificate)
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}

// secrets are the credentials, none of which may be shown.
func (s *settings) secrets() []string {
	return slices.DeleteFunc([]string{s.auth.Password, s.auth.Passcode, s.auth.TokenID, s.auth.ApplicationCredentialSecret},
		func(secret string) bool { return secret == "" })
}
