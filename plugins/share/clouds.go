package main

import (
	"context"
	"sync"

	"github.com/imgctl/packer-plugin-openstack/internal/image/share"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// clouds opens the clouds that a command needs, each once, and closes them together.
type clouds struct {
	in *sdk.Input

	mu     sync.Mutex
	opened []*cloud.Cloud
}

// reach is how the domain opens clouds; done closes them.
func reach(in *sdk.Input) (open share.Clouds, done func()) {
	c := &clouds{in: in}
	return share.Cached(c.open), c.close
}

func (c *clouds) open(ctx context.Context, name string) (*share.Tenancy, error) {
	connection, err := bridge.Cloud(ctx, c.in, name)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.opened = append(c.opened, connection)
	c.mu.Unlock()
	return share.NewTenancy(connection)
}

func (c *clouds) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, connection := range c.opened {
		connection.Close()
	}
}
