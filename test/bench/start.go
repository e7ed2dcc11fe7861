package main

import (
	"context"
	"fmt"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/image/share"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// starting measures what imgctl and its plugin take to start: what remains of a whole `share list`
// without what it does, which is done here directly; and help, for which no plugin starts.
func (s *shell) starting(ctx context.Context, c *sandbox.Cloud, listed []time.Duration) ([]row, error) {
	var direct, help []time.Duration
	for range listed {
		start := time.Now()
		if err := listDirectly(ctx, c); err != nil {
			return nil, err
		}
		direct = append(direct, time.Since(start))
		took, err := s.timed(ctx, "imgctl", "--help")
		if err != nil {
			return nil, err
		}
		help = append(help, took)
	}
	return []row{
		{"of that, what imgctl and its plugin take to start", 0, 1000 * (seconds(listed) - seconds(direct)), "ms", 40},
		{"`imgctl --help`", 0, 1000 * seconds(help), "ms", 20},
	}, nil
}

// listDirectly does what `imgctl share list` does, login included.
func listDirectly(ctx context.Context, c *sandbox.Cloud) error {
	connected, err := cloudtest.Open(ctx, c.CloudsYAML(), "empty")
	if err != nil {
		return err
	}
	defer connected.Close()
	site, err := share.NewTenancy(connected)
	if err != nil {
		return err
	}
	found, err := share.List(ctx, func(context.Context, string) (*share.Tenancy, error) { return site, nil }, share.ListOptions{})
	if err == nil && len(found) > 0 {
		err = fmt.Errorf("%d shares in an empty project", len(found))
	}
	return err
}
