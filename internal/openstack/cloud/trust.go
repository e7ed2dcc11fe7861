package cloud

import (
	"fmt"
	"os"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// trust is how the services' certificates are checked.
type trust struct {
	caCert   []byte // PEM; nil for the system's authorities
	insecure bool
}

func (s *settings) trust() (trust, error) {
	t := trust{insecure: s.tls != nil && s.tls.InsecureSkipVerify}
	if s.caFile == "" {
		return t, nil
	}
	pem, err := os.ReadFile(expandHome(s.caFile))
	if err != nil {
		return t, fault.Wrap(fault.Usage, "", fmt.Errorf("reading the authorities: %w", err))
	}
	t.caCert = pem
	return t, nil
}

// secrets are the credentials, none of which may be shown.
func (s *settings) secrets() []string {
	return slices.DeleteFunc([]string{s.auth.Password, s.auth.Passcode, s.auth.TokenID, s.auth.ApplicationCredentialSecret},
		func(secret string) bool { return secret == "" })
}
