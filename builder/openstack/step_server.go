package openstack

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/hashicorp/packer-plugin-sdk/multistep"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// stepServer boots the server and waits until it is active.
type stepServer struct{}

func (*stepServer) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	b := from(state)
	b.report.Step("Booting server %q", b.config.InstanceName)
	opts, err := b.serverOpts()
	if err != nil {
		return next(state, err)
	}
	if err := b.withRoom(ctx, "server", func(ctx context.Context) error { return b.boot(ctx, opts) }); err != nil {
		return next(state, err)
	}
	state.Put("instance_id", b.server.ID)
	b.generate(state)
	return multistep.ActionContinue
}

// boot boots the server. If that fails because of the quota, it removes the server.
func (b *build) boot(ctx context.Context, opts servers.CreateOptsBuilder) error {
	b.serverMade = b.expect(b.serverThing())
	for _, t := range b.used {
		t.After = b.serverMade
	}
	id, err := cloud.Create(ctx, func(ctx context.Context) (string, error) {
		s, err := servers.Create(ctx, b.createClient(), opts, b.hints()).Extract()
		if err != nil {
			return "", err
		}
		return s.ID, nil
	}, func(ctx context.Context) (string, bool, error) {
		found, err := b.findServers(ctx)
		if err != nil || len(found) == 0 {
			return "", false, err
		}
		return found[0], true, nil
	})
	if err := settle(b.serverMade, id, err); err != nil {
		return fmt.Errorf("booting server %q: %w", b.config.InstanceName, cloud.Classify(err))
	}
	b.report.Step("Server %s", id)
	b.server, err = b.waitServer(ctx, id, "server to be active", b.config.ServerTimeout, "ACTIVE")
	switch {
	case err == nil:
		return nil
	case fault.Is(err, fault.Quota) && b.config.QuotaTimeout > 0:
		if e := b.serverMade.Remove(ctx, id); e != nil {
			return errors.Join(e, err)
		}
		b.serverMade.Keep()
		return err
	}
	return errors.Join(err, b.console(ctx, id))
}

// serverThing says how the server is found and removed.
func (b *build) serverThing() *cloud.Thing {
	return &cloud.Thing{
		Kind: "server",
		Find: b.findServers,
		Delete: func(ctx context.Context, id string) error {
			if b.config.ForceDelete {
				return servers.ForceDelete(cloud.Repeatable(ctx), b.compute, id).ExtractErr()
			}
			return servers.Delete(ctx, b.compute, id).ExtractErr()
		},
		Gone: func(ctx context.Context, id string) (bool, error) { return cloud.ServerDeleted(ctx, b.compute, id) },
	}
}

// findServers looks for what the run booted.
func (b *build) findServers(ctx context.Context) ([]string, error) {
	pages, err := servers.List(b.compute, servers.ListOpts{Name: "^" + regexp.QuoteMeta(b.config.InstanceName) + "$"}).AllPages(ctx)
	if err != nil {
		return nil, err
	}
	all, err := servers.ExtractServers(pages)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, s := range all {
		if s.Metadata[cloud.RunKey] == string(b.config.run) {
			ids = append(ids, s.ID)
		}
	}
	return ids, nil
}

func (b *build) serverOpts() (servers.CreateOptsBuilder, error) {
	c := &b.config.ServerConfig
	userData := []byte(c.UserData)
	if c.UserDataFile != "" {
		var err error
		if userData, err = os.ReadFile(c.UserDataFile); err != nil {
			return nil, fmt.Errorf("user_data_file: %w", err)
		}
	}
	metadata := b.marks()
	maps.Copy(metadata, c.InstanceMetadata)
	opts := servers.CreateOpts{
		Name: c.InstanceName, ImageRef: b.source.ID, FlavorRef: b.flavor.ID, SecurityGroups: b.groups,
		AvailabilityZone: c.AvailabilityZone, UserData: userData, ConfigDrive: c.ConfigDrive.ToBoolPointer(),
		Metadata: metadata, Tags: c.InstanceTags,
	}
	switch {
	case len(b.attach) > 0:
		opts.Networks = b.attach
	case len(c.InstanceTags) > 0:
		opts.Networks = "auto" // required from microversion 2.37 on
	}
	if b.volumeID != "" {
		opts.ImageRef = ""
		opts.BlockDevice = []servers.BlockDevice{{
			BootIndex: 0, SourceType: servers.SourceVolume, DestinationType: servers.DestinationVolume, UUID: b.volumeID,
		}}
	}
	var built servers.CreateOptsBuilder = described{opts, c.InstanceDescription}
	if b.keyName != "" {
		built = keypairs.CreateOptsExt{CreateOptsBuilder: built, KeyName: b.keyName}
	}
	return built, nil
}

// described adds the description, which gophercloud doesn't have.
type described struct {
	servers.CreateOptsBuilder
	description string
}

// ToServerCreateMap is the request's body.
func (d described) ToServerCreateMap() (map[string]any, error) {
	body, err := d.CreateOptsBuilder.ToServerCreateMap()
	if server, ok := body["server"].(map[string]any); ok && d.description != "" {
		server["description"] = d.description
	}
	return body, err
}

// createClient uses the oldest version of the API that has the options in use.
func (b *build) createClient() *gophercloud.ServiceClient {
	c := *b.compute
	switch {
	case len(b.config.InstanceTags) > 0:
		c.Microversion = "2.52"
	case b.config.InstanceDescription != "":
		c.Microversion = "2.19"
	}
	return &c
}

func (b *build) hints() servers.SchedulerHintOptsBuilder {
	if len(b.config.SchedulerHints) == 0 {
		return nil
	}
	hints := map[string]any{}
	for k, v := range b.config.SchedulerHints {
		hints[k] = v
	}
	return servers.SchedulerHintOpts{AdditionalProperties: hints}
}

func (*stepServer) Cleanup(multistep.StateBag) {}
