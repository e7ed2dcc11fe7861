package cloud

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
	"go.yaml.in/yaml/v3"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// handed is what a cloud's grant has beyond what the cloud itself uses.
type handed struct {
	caCert   []byte
	insecure bool
	secrets  []string
}

func (s *settings) handed() (handed, error) {
	h := handed{insecure: s.tls != nil && s.tls.InsecureSkipVerify}
	for _, secret := range []string{s.auth.Password, s.auth.Passcode, s.auth.TokenID, s.auth.ApplicationCredentialSecret} {
		if secret != "" {
			h.secrets = append(h.secrets, secret)
		}
	}
	if s.caFile == "" {
		return h, nil
	}
	pem, err := os.ReadFile(expandHome(s.caFile))
	if err != nil {
		return h, fault.Wrap(fault.Usage, "", fmt.Errorf("reading the authorities: %w", err))
	}
	h.caCert = pem
	return h, nil
}

// Grant is this access for somebody else: the token with what goes with it, without the
// credentials that it was got with.
func (c *Cloud) Grant() (Grant, error) {
	catalog, err := json.Marshal(c.catalog.Entries)
	if err != nil {
		return Grant{}, fmt.Errorf("writing the catalog of cloud %q: %w", c.name, err)
	}
	g := Grant{
		Name: c.name, IdentityEndpoint: c.provider.IdentityBase, Token: c.provider.Token(),
		Project: c.project, UserID: c.userID, Roles: slices.Clone(c.roles),
		Region: c.region, EndpointType: string(c.avail), Catalog: catalog, Endpoints: maps.Clone(c.overrides),
		CACert: c.handed.caCert, Insecure: c.handed.insecure,
	}
	if t, ok := c.provider.GetAuthResult().(interface{ ExtractToken() (*tokens.Token, error) }); ok {
		if token, err := t.ExtractToken(); err == nil {
			g.ExpiresAt = token.ExpiresAt
		}
	}
	return g, nil
}

// Renew gets a new token in place of the one that a service refused; it does nothing if that one
// was replaced already. It is fault.Forbidden where the credentials don't allow it.
func (c *Cloud) Renew(ctx context.Context, refused string) error {
	if c.provider.ReauthFunc == nil {
		return fault.New(fault.Forbidden, "use a user with a password or an application credential", "the token of cloud %q can't be renewed", c.name)
	}
	if err := c.provider.Reauthenticate(ctx, refused); err != nil {
		return fmt.Errorf("renewing the token of cloud %q: %w", c.name, Classify(err))
	}
	return nil
}

// Secrets are what must not be shown: the credentials and the current token.
func (c *Cloud) Secrets() []string {
	return append(slices.Clone(c.handed.secrets), c.provider.Token())
}

// Names are the entries of clouds.yaml, sorted; none without the file. Nobody is asked.
func Names() ([]string, error) {
	path, err := cloudsFile()
	if err != nil {
		return nil, nil //nolint:nilerr // there is none, which is fine
	}
	file, err := readEntries(path)
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(file.Clouds)), nil
}

type cloudEntries struct {
	Clouds map[string]struct {
		CACert string `yaml:"cacert"`
	} `yaml:"clouds"`
}

func readEntries(path string) (cloudEntries, error) {
	var file cloudEntries
	text, err := os.ReadFile(path)
	if err == nil {
		err = yaml.Unmarshal(text, &file)
	}
	if err != nil {
		return file, fault.Wrap(fault.Usage, "", fmt.Errorf("reading %s: %w", path, err))
	}
	return file, nil
}

// entryCACert is the file of authorities that the entry names.
func entryCACert(cloud string) string {
	path, err := cloudsFile()
	if err != nil || cloud == "" {
		return ""
	}
	file, err := readEntries(path)
	if err != nil {
		return ""
	}
	return file.Clouds[cloud].CACert
}
