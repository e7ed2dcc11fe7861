// Package cloudtest signs tests in to clouds, without the environment, which parallel tests share.
package cloudtest

import (
	"context"
	"fmt"
	"os"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// Access is how an entry of a clouds.yaml with a user's name and password signs in.
func Access(file, entry string) (cloud.Access, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return cloud.Access{}, err
	}
	var entries struct {
		Clouds map[string]struct {
			Auth map[string]string `yaml:"auth"`
		} `yaml:"clouds"`
	}
	if err := yaml.Unmarshal(text, &entries); err != nil {
		return cloud.Access{}, fmt.Errorf("reading %s: %w", file, err)
	}
	a := entries.Clouds[entry].Auth
	if a == nil {
		return cloud.Access{}, fault.New(fault.NotFound, "", "no cloud %q", entry)
	}
	return cloud.Access{
		IdentityEndpoint: a["auth_url"], Username: a["username"], Password: a["password"],
		TenantName: a["project_name"], DomainName: a["user_domain_name"],
	}, nil
}

// Open signs in as an entry of a clouds.yaml.
func Open(ctx context.Context, file, entry string) (*cloud.Cloud, error) {
	a, err := Access(file, entry)
	if err != nil {
		return nil, err
	}
	return cloud.Connect(ctx, a)
}

// Connect signs in as an entry of a clouds.yaml until the test ends.
func Connect(t testing.TB, file, entry string) *cloud.Cloud {
	t.Helper()
	c, err := Open(t.Context(), file, entry)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}
