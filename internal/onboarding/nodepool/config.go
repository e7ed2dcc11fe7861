// Package nodepool reads, checks, generates and edits the configuration of nodepool, which boots the servers of a
// CI system in clouds.
//
// Edits change bytes at the places of values instead of writing the file anew: comments, anchors and the order of
// keys stay. Each edited text is read again, and has to differ from the file in exactly what was to change.
package nodepool

import (
	"io/fs"
	"os"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
)

// Config is a configuration file.
type Config struct {
	Path string // as errors name it
	Text []byte

	tree *foreignfile.Value
	mode fs.FileMode
}

const defaultMode = 0o644

// Read reads the configuration file at path.
func Read(path string) (*Config, error) {
	text, err := foreignfile.ReadText(path)
	if err != nil {
		return nil, err
	}
	c, err := Parse(path, text)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
		c.mode = info.Mode().Perm()
	}
	return c, nil
}

// Parse reads a configuration that errors call path.
func Parse(path string, text []byte) (*Config, error) {
	tree, err := foreignfile.Tree(path, text)
	if err != nil {
		return nil, err
	}
	if tree.Kind != foreignfile.Map {
		return nil, tree.Errorf("a configuration of nodepool is a mapping with keys such as labels, providers and diskimages, not %s",
			tree.Kind)
	}
	return &Config{Path: path, Text: text, tree: tree, mode: defaultMode}, nil
}

// Providers are the names of the providers, in the file's order.
func (c *Config) Providers() []string { return names(c.tree.Get("providers")) }

// Pools are the names of a provider's pools; none if there is no such provider.
func (c *Config) Pools(provider string) []string {
	p, err := c.provider(provider)
	if err != nil {
		return nil
	}
	return names(p.Get("pools"))
}

func names(list *foreignfile.Value) (all []string) {
	for _, item := range items(list) {
		if name := item.Get("name"); name != nil && name.Text != "" {
			all = append(all, name.Text)
		}
	}
	return all
}

func items(list *foreignfile.Value) []*foreignfile.Value {
	if list == nil {
		return nil
	}
	return list.Items
}

// provider is the provider of that name.
func (c *Config) provider(name string) (*foreignfile.Value, error) {
	found, err := one(c.tree.Get("providers"), "provider", name)
	if err != nil {
		return nil, fault.About("provider "+name, err)
	}
	if found == nil {
		advice := fault.Advise("the file has no providers")
		if all := c.Providers(); len(all) > 0 {
			advice = fault.Advise("its providers are %s", strings.Join(all, ", "))
			if near := foreignfile.Nearest(name, all); near != "" {
				advice = fault.Advise("did you mean %q?", near)
			}
		}
		return nil, fault.New(fault.NotFound, advice, "%s: there is no provider %q", c.Path, name)
	}
	return found, nil
}

// one is the item of that name in a list; nil if there is none.
func one(list *foreignfile.Value, what, name string) (found *foreignfile.Value, err error) {
	for _, item := range items(list) {
		switch n := item.Get("name"); {
		case n == nil || n.Text != name:
		case found != nil:
			return nil, fault.New(fault.Ambiguous, "give each a name of its own", "%s: there is another %s %q, at %s", item.At(), what,
				name,
				found.At())
		default:
			found = item
		}
	}
	return found, nil
}

// DiskImages are the names of the diskimages that providers upload: those that are named, or else those with this cloud.
// Whose are these providers' names.
func (c *Config) DiskImages(cloud string, providers []string) (images, whose []string, err error) {
	var chosen []*foreignfile.Value
	for _, name := range providers {
		p, err := c.provider(name)
		if err != nil {
			return nil, nil, err
		}
		chosen = append(chosen, p)
	}
	if len(providers) == 0 {
		for _, p := range items(c.tree.Get("providers")) {
			if name := p.Get("cloud"); name != nil && name.Text == cloud {
				chosen = append(chosen, p)
			}
		}
		if len(chosen) == 0 {
			return nil, nil, fault.New(fault.NotFound, fault.Advise("name the providers, with %s", fault.Option("provider")),
				"%s: no provider has the cloud %q", c.Path, cloud)
		}
	}
	for _, p := range chosen {
		images, whose = append(images, names(p.Get(diskimages))...), append(whose, nameOf(p))
	}
	return images, whose, nil
}
