package cloud

import (
	"context"
	"fmt"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Renew replaces the token that a service refused, unless it has already been replaced. It is
// fault.Forbidden if the credentials don't allow it.
func (c *Cloud) Renew(ctx context.Context, refused string) error {
	if c.provider.ReauthFunc == nil {
		return fault.New(fault.Forbidden, "use a user with a password or an application credential",
			"the token of cloud %q can't be renewed", c.name)
	}
	if err := c.provider.Reauthenticate(ctx, refused); err != nil {
		return fmt.Errorf("renewing the token of cloud %q: %w", c.name, Classify(err))
	}
	return nil
}

// Secrets are what must not be shown: the credentials and the current token.
func (c *Cloud) Secrets() []string {
	return append(slices.Clone(c.secrets), c.provider.Token())
}
