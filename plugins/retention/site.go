package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
	"github.com/imgctl/packer-plugin-openstack/internal/image/retention"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// surveyFlags choose where to look for what uses images.
func surveyFlags() sdk.Flags {
	return sdk.Flags{
		sdk.Strings("also-in-use", "file with ids or names of images that are in use, one a line").ValueName("FILE").
			Completes(sdk.CompleteFiles),
		sdk.Strings("refs-file", "file whose text names images that are in use, such as Terraform's or nodepool's").ValueName("FILE").
			Completes(sdk.CompleteFiles),
		sdk.Strings("also-cloud", "another cloud that uses the same Image service").ValueName("CLOUD").Completes(sdk.CompleteClouds),
	}
}

// policyFlag is the policy of a command.
func policyFlag() sdk.Flag {
	return sdk.File("policy", "", "the policy, a site.yaml of Chameleon's image tools, - for standard input, or one of the shipped "+
		"policies: "+
		strings.Join(retention.Shipped, ", ")).Short("F").ValueName("FILE")
}

// open connects to the user's clouds. The first is that of --os-cloud.
func open(ctx context.Context, in *sdk.Input) (retention.Site, func(), error) {
	var clouds []*cloud.Cloud
	done := func() {
		for _, c := range clouds {
			c.Close()
		}
	}
	for _, name := range append([]string{""}, in.Strings("also-cloud")...) {
		c, err := bridge.Cloud(ctx, in, name)
		if err != nil {
			done()
			return retention.Site{}, nil, err
		}
		clouds = append(clouds, c)
	}
	site, err := retention.NewSite(clouds[0], retention.UsersIn(clouds, paths(in, "also-in-use"), paths(in, "refs-file")))
	if err != nil {
		done()
		return retention.Site{}, nil, err
	}
	return site, done, nil
}

// openAlone connects to the cloud of --os-cloud for what doesn't ask who uses images.
func openAlone(ctx context.Context, in *sdk.Input) (retention.Site, func(), error) {
	c, err := bridge.Cloud(ctx, in, "")
	if err != nil {
		return retention.Site{}, nil, err
	}
	site, err := retention.NewSite(c, nil)
	if err != nil {
		c.Close()
		return retention.Site{}, nil, err
	}
	return site, c.Close, nil
}

func paths(in *sdk.Input, flag string) (all []string) {
	for _, name := range in.Strings(flag) {
		all = append(all, in.Path(name))
	}
	return all
}

// policyOf reads the policy that the user names.
func policyOf(in *sdk.Input) (*retention.Policy, error) {
	name := in.String("policy")
	if name == "" {
		return nil, fault.Bad("policy", "name the policy's file", "it is missing")
	}
	return readPolicy(in, name)
}

func readPolicy(in *sdk.Input, name string) (*retention.Policy, error) {
	text, err := policyText(in, name)
	if err != nil {
		return nil, fault.Bad("policy", "name a readable file", "%w", err)
	}
	p, err := retention.ParsePolicy(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

func policyText(in *sdk.Input, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(upTo(in.Stdin()))
	}
	f, err := os.Open(in.Path(name))
	if errors.Is(err, os.ErrNotExist) && slices.Contains(retention.Shipped, name) {
		return retention.ShippedPolicy(name)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(upTo(f))
}

// upTo ends a file behind what a policy may have, which its parser then refuses.
func upTo(r io.Reader) io.Reader { return io.LimitReader(r, foreignfile.MaxSize+1) }

// planned plans what the flag's policy wants on the cloud. The plan needs the cloud until done is called.
func planned[P any](
	ctx context.Context, in *sdk.Input, plan func(context.Context, retention.Site, *retention.Policy) (P, error),
) (p P, done func(), err error) {
	policy, err := policyOf(in)
	if err != nil {
		return p, nil, err
	}
	site, done, err := open(ctx, in)
	if err != nil {
		return p, nil, err
	}
	if p, err = plan(ctx, site, policy); err != nil {
		done()
		return p, nil, err
	}
	return p, done, nil
}
