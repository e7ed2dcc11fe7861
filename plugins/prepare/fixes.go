package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/installed"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// verifyPackages tells which images have the packages of the flag.
func verifyPackages(ctx context.Context, in *sdk.Input, out *sdk.Output, c *registry.Client, images []reference.Reference) error {
	var wants []installed.Want
	for _, text := range in.Strings("packages") {
		w, err := installed.Parse(text)
		if err != nil {
			return fault.In("packages", err)
		}
		wants = append(wants, w)
	}
	all, fetched, err := installed.Check(ctx, c, images, wants)
	if err != nil {
		return err
	}
	bad := 0
	for _, one := range all {
		state, problem := "fixed", ""
		var lacks []string
		for _, g := range one.Found {
			out.Textf("%s: %s: %s", one.Image, g.Text, found(g))
			if !g.OK {
				lacks = append(lacks, fmt.Sprintf("%s: %s", g.Text, found(g)))
			}
		}
		switch {
		case one.Err != nil:
			state, problem = "unknown", one.Err.Error()
		case len(lacks) > 0:
			state, problem = "not fixed", strings.Join(lacks, "; ")
		}
		if state != "fixed" {
			bad++
		}
		out.Row(one.Image.String(), state, one.Layers, nil, one.Digest, problem, nil)
	}
	out.Textf("fetched: %s", size(fetched))
	if bad > 0 {
		return fault.New(fault.Drift, "", "%d of %d images don't have all packages", bad, len(images))
	}
	return nil
}

func found(g installed.Got) string {
	switch {
	case len(g.Installed) == 0:
		return "not installed"
	case g.OK:
		return strings.Join(g.Installed, ", ")
	}
	return strings.Join(g.Installed, ", ") + " in its place"
}
