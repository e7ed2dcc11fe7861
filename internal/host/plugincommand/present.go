package plugincommand

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/host/inventory"
	"github.com/imgctl/packer-plugin-openstack/internal/host/launch"
	"github.com/imgctl/packer-plugin-openstack/internal/host/printable"
	"github.com/imgctl/packer-plugin-openstack/internal/host/trust"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/manifest"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// longest is how much of a plugin's own text stands on a line, in characters.
const longest = 80

// present shows everything that the user grants with a yes, each on a line of its own. The plugin's own text is
// in quotation marks, so that it can't pass for imgctl's.
func (m *Manager) present(p *inventory.Plugin, source string, described *pluginv1.Manifest, old trust.Entry, said consent) error {
	say := func(name, format string, args ...any) {
		m.Console.Say(fmt.Sprintf("  %-9s %s", name, fmt.Sprintf(format, args...)))
	}
	m.Console.Say("Plugin " + p.Name)
	say("version", "%s", quoted(described.GetVersion()))
	say("vendor", "%s, as it says", quoted(described.GetVendor()))
	say("file", "%s", printable.Line(source))
	say("sha256", "%s", p.SHA256)
	if old.SHA256 != "" && old.SHA256 != p.SHA256 {
		say("before", "%s, version %s", printable.Line(old.SHA256), quoted(old.Version))
	}
	if said.rebuilt {
		say("rebuilt", "whoever can write to %s decides what runs", printable.Line(filepath.Dir(p.Path)))
	}
	script, err := isScript(p.Path)
	if err != nil {
		return err
	}
	if script {
		say("script", "only this file is checked from now on, not its interpreter and not what it imports")
	}
	say("clouds", "%s", cmp.Or(printable.Line(strings.Join(said.clouds, ", ")), "all"))
	for _, word := range inventory.FirstWords(described) {
		if o := m.Inventory.Owner(word); o != nil && o.Name != p.Name {
			if slices.Contains(said.extends, word) {
				say("extends", "%s, whose commands come from plugin %s", word, o.Name)
			} else {
				say("conflict", "%s is plugin %s's; without --extends %s it can't be used", word, o.Name, word)
			}
		}
	}
	for _, c := range described.GetCommands() {
		say("command", "imgctl %s: %s", manifest.Path(c), quoted(c.GetShort()))
		for _, line := range granted(c) {
			say("", "  %s", line)
		}
	}
	return nil
}

func quoted(text string) string { return printable.Quoted(text, longest) }

func isScript(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	return launch.IsScript(f), nil
}

var dangers = map[pluginv1.Danger]string{
	pluginv1.Danger_DANGER_CHANGES:  "changes what can be changed back",
	pluginv1.Danger_DANGER_DESTROYS: "destroys",
}

var needs = map[pluginv1.Need]string{
	pluginv1.Need_NEED_CLOUD:        "gets a token for the cloud of --os-cloud",
	pluginv1.Need_NEED_CLOUDS:       "gets tokens for the clouds that its flags and arguments name",
	pluginv1.Need_NEED_STDIN:        "reads standard input",
	pluginv1.Need_NEED_LONG_RUNNING: "runs until it is interrupted",
	pluginv1.Need_NEED_ENVIRONMENT:  "reads the environment, all variables but OS_*",
}

// granted are a command's aliases, what it may do and what it may read.
func granted(c *pluginv1.Command) []string {
	var lines []string
	for _, alias := range c.GetAliases() {
		path := append(slices.Clone(c.GetPath()[:len(c.GetPath())-1]), alias)
		lines = append(lines, "also called imgctl "+strings.Join(path, " "))
	}
	if c.GetHidden() {
		lines = append(lines, "isn't shown in help")
	}
	if d := dangers[c.GetDanger()]; d != "" {
		lines = append(lines, d)
	}
	for _, need := range c.GetNeeds() {
		lines = append(lines, cmp.Or(needs[need], fmt.Sprintf("needs what this imgctl doesn't know (%d)", need)))
	}
	for _, f := range c.GetFlags() {
		if f.GetEnv() != "" {
			line := "reads the variable " + f.GetEnv() + " for --" + f.GetName()
			if f.GetHidden() {
				line += ", which isn't shown in help"
			}
			lines = append(lines, line)
		}
		if f.GetSecret() {
			lines = append(lines, "gets the secret that --"+f.GetName()+" names")
		}
	}
	return lines
}
