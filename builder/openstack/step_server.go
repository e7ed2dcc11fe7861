package openstack

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/hashicorp/packer-plugin-sdk/multistep"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/nova"
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
	b.serverMade = b.expect(nova.ServerThing(b.compute, b.config.run, b.config.InstanceName, b.config.ForceDelete))
	for _, t := range b.used {
		t.After = b.serverMade
	}
	id, err := nova.MakeServer(ctx, b.createClient(), b.serverMade, b.config.InstanceName, opts, b.hints())
	if err != nil {
		return err
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
