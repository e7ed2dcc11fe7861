package inventory

import (
	"fmt"
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
	for _, p := range inv.Plugins {
		if p.Err != nil || p.Manifest == nil {
			continue
		}
		p.Words = FirstWords(p.Manifest)
		if p.Err = inv.clash(p, owner, taken); p.Err != nil {
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

func (inv *Inventory) clash(p *Plugin, owner, taken map[string]*Plugin) error {
	entry, _ := inv.config.Judge.Lock().Entry(p.Name)
	for _, word := range p.Words {
		o := owner[word]
		switch {
		case slices.Contains(manifest.ReservedCommands, word):
			return fault.New(fault.Forbidden, "", "plugin %q claims %q, which is imgctl's own", p.Name, word)
		case o == nil, o.Folder.Origin == discover.Packaged && p.Folder.Origin == discover.Packaged, slices.Contains(entry.Extends, word):
		default:
			return fault.New(fault.Forbidden, fmt.Sprintf("imgctl plugin trust %s --extends %s, if it may add to it", p.Name, word),
				"plugin %q claims %q, which is plugin %q's", p.Name, word, o.Name)
		}
	}
	for _, c := range p.Manifest.GetCommands() {
		for _, spelling := range manifest.Spellings(c) {
			if o := taken[spelling]; o != nil {
				return fault.New(fault.Forbidden, "remove one of them", "plugin %q claims %q, which plugin %q has", p.Name, spelling,
					o.Name)
			}
		}
	}
	return nil
}

// Owner is the plugin that owns the first word, nil if there is none.
func (inv *Inventory) Owner(word string) *Plugin { return inv.owner[word] }

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
