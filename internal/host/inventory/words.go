package inventory

import (
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/host/discover"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/manifest"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// assign gives each first word to the first plugin that has it. Another plugin may have commands under it only
// if both are packaged or the lock file allows it, and never the same command.
func (inv *Inventory) assign() {
	owner := map[string]*Plugin{}
	inv.owner = owner
	taken := map[string]*Plugin{}
	inv.taken = taken
	for _, p := range inv.Plugins {
		if p.Err != nil || p.Manifest == nil {
			continue
		}
		p.Words = FirstWords(p.Manifest)
		entry, _ := inv.config.Judge.Lock().Entry(p.Name)
		if p.Err = inv.Clash(p, entry.Extends); p.Err != nil {
			continue
		}
		for _, word := range p.Words {
			if owner[word] == nil {
				owner[word] = p
			}
		}
		for _, c := range p.Manifest.GetCommands() {
			for _, spelling := range manifest.Spellings(c) {
				taken[spelling] = p
			}
		}
	}
}

// Clash says whether the plugin may have its commands beside those of the plugins before it, or of all others once they
// are loaded. It may extend the first words of others that are named.
func (inv *Inventory) Clash(p *Plugin, extends []string) error {
	for _, word := range FirstWords(p.Manifest) {
		o := inv.owner[word]
		switch {
		case slices.Contains(manifest.ReservedCommands, word):
			return fault.New(fault.Forbidden, "", "plugin %q claims %q, which is imgctl's own", p.Name, word)
		case o == nil, o.Name == p.Name, slices.Contains(extends, word):
		case o.Folder.Origin == discover.Packaged && p.Folder.Origin == discover.Packaged:
		default:
			return fault.New(fault.Forbidden, "if it may add to it, pass --extends "+word+" to imgctl plugin trust or install",
				"plugin %q claims %q, which is plugin %q's", p.Name, word, o.Name)
		}
	}
	for _, c := range p.Manifest.GetCommands() {
		for _, spelling := range manifest.Spellings(c) {
			if o := inv.taken[spelling]; o != nil && o.Name != p.Name {
				return fault.New(fault.Forbidden, "remove one of them", "plugin %q claims %q, which plugin %q has", p.Name, spelling,
					o.Name)
			}
		}
	}
	return nil
}

// Owner is the plugin that owns the first word, nil if there is none.
func (inv *Inventory) Owner(word string) *Plugin { return inv.owner[word] }

// WordsOfOthers are the first words of all plugins but the one of that name, as far as they are known.
func (inv *Inventory) WordsOfOthers(name string) []string {
	var words []string
	for _, p := range inv.Plugins {
		if p.Name != name {
			words = append(words, p.Words...)
		}
	}
	slices.Sort(words)
	return slices.Compact(words)
}

// FirstWords are the first words of the plugin's commands.
func FirstWords(m *pluginv1.Manifest) []string {
	var words []string
	for _, c := range m.GetCommands() {
		if len(c.GetPath()) == 0 {
			continue
		}
		words = append(words, c.GetPath()[0])
		if len(c.GetPath()) == 1 {
			words = append(words, c.GetAliases()...)
		}
	}
	slices.Sort(words)
	return slices.Compact(words)
}
