package main

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// site is the cloud that a command works on.
type site struct {
	promote.Site
	owner  string // id of the project that owns the images
	clouds []*cloud.Cloud
}

func (s *site) close() {
	for _, c := range s.clouds {
		c.Close()
	}
}

// reach connects to the cloud of --os-cloud, and to those that accept on their members' behalf.
func reach(ctx context.Context, in *sdk.Input, acceptWith ...string) (*site, error) {
	c, images, err := bridge.Images(ctx, in, "")
	if err != nil {
		return nil, err
	}
	s := &site{
		Site: promote.Site{
			Images: images, Project: c.Project().ID, Admin: c.IsAdmin(), Acceptors: map[string]*glance.Client{},
			Run: cmp.Or(in.RunID(), string(cloud.NewRun())),
		},
		clouds: []*cloud.Cloud{c},
	}
	if s.owner, err = s.Owner(in.String("project")); err != nil {
		s.close()
		return nil, fault.In("project", err)
	}
	for _, name := range acceptWith {
		member, images, err := bridge.Images(ctx, in, name)
		if err != nil {
			s.close()
			return nil, fault.In("accept_with", err)
		}
		s.clouds = append(s.clouds, member)
		s.Acceptors[member.Project().ID] = images
	}
	return s, nil
}

// promotionFlags are the options of a promotion.
func promotionFlags() sdk.Flags {
	return sdk.Flags{
		sdk.String("archive-name", "", "template for the predecessors' archive names, with the fields "+
			".Name, .Date, .Time, .ID, .ShortID, .CreatedAt and .Property \"KEY\" "+
			"(default: "+promote.DefaultArchiveName+")").ValueName("TEMPLATE"),
		sdk.Enum("members", promote.Transfer, "projects that the predecessor is shared with: "+
			"move them to the new image, give them both images, or change nothing", promote.Transfer, promote.Copy, promote.None),
		sdk.Enum("member-states", promote.Preserve, "their statuses: keep each, or also accept for those that are pending",
			promote.Preserve, promote.Accept),
		sdk.Strings("accept-with", "clouds of member projects, whose credentials accept the image").
			ValueName("CLOUD").Completes(sdk.CompleteClouds),
		sdk.Enum("visibility", "", "final visibility (default: the predecessor's)",
			glance.Private, glance.Shared, glance.Community, glance.Public),
		sdk.Strings("copy-properties", "patterns, with * and ?, of properties to copy from the predecessor").ValueName("PATTERN"),
		sdk.Enum("old-action", promote.Keep, "what else to do with the predecessor", promote.Keep, promote.Hide, promote.Deactivate),
		sdk.Int("keep", 0, "how many archived images of the name to keep; older ones are deleted (default: all)").ValueName("N"),
		sdk.Enum("strategy", "", "how the current image is marked: by its name, or by the property imgctl_current "+
			"(default: the strategy that the name's images show; rename for a new name)", promote.Rename, promote.Pointer),
		sdk.String("gate", "", "shell command that tests the image, given in the variable IMAGE_ID, before anything is changed").
			ValueName("COMMAND"),
		sdk.Duration("limit", 15*time.Minute, "how long it may take, including the gate and the wait for another promotion"),
		project(),
	}
}

// promotion turns promotionFlags into the subject's options.
func promotion(in *sdk.Input) promote.Options {
	o := promote.Options{
		ArchiveName: in.String("archive-name"), Members: in.String("members"), MemberStates: in.String("member-states"),
		Visibility: in.String("visibility"), CopyProperties: in.Strings("copy-properties"), OldAction: in.String("old-action"),
		Strategy: in.String("strategy"), Timeout: in.Duration("limit"),
	}
	if in.IsSet("keep") {
		keep := in.Int("keep")
		o.Retain = &keep
	}
	if command := in.String("gate"); command != "" {
		o.Gate, o.GateDir, o.GateEnv = []string{"/bin/sh", "-c", command}, in.WorkDir(), []string{}
		environment := in.Environment()
		for _, key := range slices.Sorted(maps.Keys(environment)) {
			o.GateEnv = append(o.GateEnv, key+"="+environment[key])
		}
	}
	return o
}
