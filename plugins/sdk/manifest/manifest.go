// Package manifest holds the rules for a plugin's manifest, and parses the values of its flags. The
// host, the SDK and the conformance kit all use it.
package manifest

import (
	"slices"
	"strings"

	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// ReservedFlags are the host's own flags, long names and short ones; so are all that start with
// "os-". A plugin must not declare one.
var ReservedFlags = []string{
	"format", "f", "output", "o", "column", "c", "sort-column", "sort-ascending", "sort-descending",
	"max-width", "fit-width", "noindent", "quote", "print-empty", "insecure", "debug", "verbose", "v",
	"quiet", "q", "yes", "y", "dry-run", "timeout", "help", "h", "version",
}

// ReservedCommands are the host's own first words.
var ReservedCommands = []string{"plugin", "version", "help", "completion", "complete", "__complete", "__completeNoDesc"}

// IsReservedFlag reports whether the name, long or short and without dashes, is the host's.
func IsReservedFlag(name string) bool {
	return strings.HasPrefix(name, "os-") || slices.Contains(ReservedFlags, name)
}

// Path is the command's words, as the user types them after imgctl.
func Path(c *pluginv1.Command) string { return strings.Join(c.GetPath(), " ") }

// Find gives the command of that path, nil if there is none. Aliases are the host's to resolve.
func Find(m *pluginv1.Manifest, path []string) *pluginv1.Command {
	for _, c := range m.GetCommands() {
		if slices.Equal(c.GetPath(), path) {
			return c
		}
	}
	return nil
}
