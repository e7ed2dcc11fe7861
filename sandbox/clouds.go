package sandbox

import (
	"fmt"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/keystone"
)

// DefaultCloud is the entry of the clouds.yaml that OS_CLOUD names for commands run in a sandbox.
const DefaultCloud = "demo"

// login holds the credentials of one entry of the clouds.yaml.
type login struct {
	cloud, domain, password, role string
	credID                        string // of an application credential, whose secret password is
	user                          keystone.User
	project                       keystone.Project
}

// CloudsYAML is the path of the clouds.yaml.
func (c *Cloud) CloudsYAML() string { return filepath.Join(c.dir, "clouds.yaml") }

// Clouds are the names of the entries of the clouds.yaml.
func (c *Cloud) Clouds() []string {
	var names []string
	for _, l := range c.logins {
		names = append(names, l.cloud)
	}
	return names
}

// Env are the environment variables for a command that uses an entry of the clouds.yaml.
func (c *Cloud) Env(cloud string) []string {
	return []string{"OS_CLIENT_CONFIG_FILE=" + c.CloudsYAML(), "OS_CLOUD=" + cloud}
}

// FlatEnv are the environment variables that log in as an entry of the clouds.yaml without that file:
// OS_AUTH_URL and the like. It is nil for an unknown name.
func (c *Cloud) FlatEnv(cloud string) []string {
	l := c.login(cloud)
	if l == nil {
		return nil
	}
	env := []string{"OS_AUTH_URL=" + c.url + "/identity/v3", "OS_REGION_NAME=" + keystone.Region, "OS_IDENTITY_API_VERSION=3"}
	if l.credID != "" {
		return append(env, "OS_AUTH_TYPE=v3applicationcredential",
			"OS_APPLICATION_CREDENTIAL_ID="+l.credID, "OS_APPLICATION_CREDENTIAL_SECRET="+l.password)
	}
	return append(env, "OS_USERNAME="+l.user.Name, "OS_PASSWORD="+l.password, "OS_PROJECT_NAME="+l.project.Name,
		"OS_USER_DOMAIN_NAME="+l.domain, "OS_PROJECT_DOMAIN_NAME="+l.domain)
}

// Password is the password (or an application credential's secret) of an entry of the clouds.yaml.
func (c *Cloud) Password(cloud string) string {
	if l := c.login(cloud); l != nil {
		return l.password
	}
	return ""
}

func (c *Cloud) login(cloud string) *login {
	for k := range c.logins {
		if c.logins[k].cloud == cloud {
			return &c.logins[k]
		}
	}
	return nil
}

func (c *Cloud) writeCloudsYAML() error {
	entries := map[string]any{}
	for _, l := range c.logins {
		entry := map[string]any{"region_name": keystone.Region, "identity_api_version": 3}
		auth := map[string]any{"auth_url": c.url + "/identity/v3"}
		if l.credID != "" {
			entry["auth_type"] = "v3applicationcredential"
			auth["application_credential_id"], auth["application_credential_secret"] = l.credID, l.password
		} else {
			auth["username"], auth["password"], auth["project_name"] = l.user.Name, l.password, l.project.Name
			auth["user_domain_name"], auth["project_domain_name"] = l.domain, l.domain
		}
		entry["auth"] = auth
		entries[l.cloud] = entry
	}
	data, err := yaml.Marshal(map[string]any{"clouds": entries})
	if err != nil {
		return fmt.Errorf("writing clouds.yaml: %w", err)
	}
	_ = os.Remove(c.CloudsYAML()) // one of an earlier run may be readable by others
	if err := os.WriteFile(c.CloudsYAML(), data, 0o600); err != nil {
		return fmt.Errorf("writing clouds.yaml: %w", err)
	}
	return nil
}
