// Package openstack is Packer's builder for OpenStack: it boots a server, lets the provisioners
// work on it, and captures one image.
//
// Only the image outlives a build. Everything else that the build creates is recorded before it is created,
// marked with the run id, and removed at the end, whatever happened. One request at the end gives the
// image its final name.
package openstack

import (
	"context"
	"errors"

	"github.com/hashicorp/packer-plugin-sdk/communicator"
	"github.com/hashicorp/packer-plugin-sdk/multistep"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/version"
)

// BuilderID identifies the builder in artifacts. It is that of HashiCorp's plugin, so that components that
// look for its artifacts find ours.
const BuilderID = "mitchellh.openstack"

// Builder makes one image on OpenStack.
type Builder struct{ config Config }

// Run makes the image. Without an image (skip_create_image) the artifact is nil.
func (b *Builder) Run(ctx context.Context, ui packersdk.Ui, hook packersdk.Hook) (packersdk.Artifact, error) {
	c := &b.config
	state := newState(c, ui, hook)
	from(state).report.Step("imgctl's builder openstack %s (github.com/imgctl/openstack)", version.String())
	runner := newRunner(steps(c), c.PackerConfig, ui)
	runner.Run(ctx, state)

	bd := from(state)
	bd.usual.save()
	err, failed := state.Get("error").(error)
	switch {
	case bd.published:
		// Complete, even if the build was cancelled while it cleaned up.
		data, _ := state.Get("generated_data").(map[string]any)
		return newArtifact(bd, data), nil
	case failed:
		return nil, report.ForPacker(err)
	case ctx.Err() != nil:
		return nil, fault.Wrap(fault.Cancelled, "", errors.New("the build was cancelled"))
	}
	return nil, nil
}

func steps(c *Config) []multistep.Step {
	return []multistep.Step{
		&stepRemove{}, // its clean-up comes last, and removes everything at once
		&stepConnect{},
		&stepLookUp{},
		&stepRights{},
		&stepKeyPair{},
		&stepImport{},
		&stepVolume{},
		&stepPort{},
		&stepFloatingIP{},
		&stepServer{},
		&stepRackConnect{},
		&stepAssociate{},
		&stepPassword{},
		&stepReach{},
		&stepCommunicate{&communicator.StepConnect{
			Config:    &c.Comm,
			Host:      host,
			SSHConfig: preferEd25519(c.Comm.SSHConfigFunc()),
		}},
		&stepProvision{},
		&stepClearKeys{},
		&stepStop{},
		&stepCapture{},
		&stepUpload{},
		&stepRelease{},
		&stepTrial{},
		&stepPublish{},
	}
}
