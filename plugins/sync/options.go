package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/sync"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func flags() sdk.Flags {
	return sdk.Flags{
		sdk.File("policy", "", "the policy, or a site.yaml of Chameleon's image tools").Short("F").ValueName("FILE").Required(),
		sdk.String("image", "", "only this image: its name, or its id in the store").ValueName("NAME|ID").
			Completes(sdk.CompleteDynamically),
		sdk.Strings("latest", "only the image of this distribution, release and variant").ValueName("DISTRO,RELEASE,VARIANT"),
		sdk.String("scope", "", "scope of Chameleon's store, in place of the site's, such as prod or dev").ValueName("SCOPE"),
		sdk.Enum("via", "", "how the data gets into the cloud, in place of the policy's way", sync.Ways...),
		sdk.Bool("insecure-no-checksum", "take images that have no checksum"),
	}
}

// words are those that people write after the distribution.
func words() []sdk.Arg {
	return []sdk.Arg{sdk.ZeroOrMore("WORD", "release and variant, where --latest has the distribution alone")}
}

// options are what the flags ask for, on the cloud that they name.
func options(ctx context.Context, in *sdk.Input) (o sync.Options, site sync.Site, done func(), err error) {
	if o.Wanted, err = wanted(in); err != nil {
		return o, site, nil, err
	}
	file := in.File("policy")
	text, err := os.ReadFile(file)
	if err != nil {
		return o, site, nil, fault.Bad("policy", "name a readable file", "%w", err)
	}
	policy, err := sync.ReadPolicy(text)
	if err != nil {
		return o, site, nil, fmt.Errorf("%s: %w", file, err)
	}
	var closing []func()
	done = func() {
		for _, c := range closing {
			c()
		}
	}
	images := func(name string) (*glance.Client, error) {
		c, images, err := bridge.Images(ctx, in, name)
		if err == nil {
			closing = append(closing, c.Close)
		}
		return images, err
	}
	client, err := registry.New(registry.Options{})
	if err != nil {
		return o, site, nil, err
	}
	closing = append(closing, client.Close)
	o.From, err = policy.Open(ctx, sync.Opening{
		Folder: filepath.Dir(file), Scope: in.String("scope"), Images: images, Registry: client,
	})
	if err == nil {
		site, o.Test, err = open(ctx, in, policy, &closing)
	}
	if err != nil {
		done()
		return o, site, nil, err
	}
	for n := range o.From {
		o.From[n].Unchecked = in.Bool("insecure-no-checksum")
		if via := in.String("via"); via != "" {
			o.From[n].Via = via
		}
	}
	return o, site, done, nil
}

func open(ctx context.Context, in *sdk.Input, policy *sync.Policy, closing *[]func()) (sync.Site, sync.Test, error) {
	c, err := bridge.Cloud(ctx, in, "")
	if err != nil {
		return sync.Site{}, nil, err
	}
	*closing = append(*closing, c.Close)
	site, err := sync.NewSite(c)
	return site, policy.BootTest(c), err
}

func wanted(in *sdk.Input) (w sync.Wanted, err error) {
	latest, words := in.Strings("latest"), in.ArgValues("WORD")
	switch {
	case len(latest) > 0:
		w, err = sync.ParseLatest(append(latest, words...))
	case len(words) > 0:
		err = fault.New(fault.Usage, "", "%q: only a distribution's release and variant may follow, after %s", words[0],
			fault.Option("latest"))
	}
	if err != nil {
		return w, err
	}
	w.Image = in.String("image")
	return w, nil
}
