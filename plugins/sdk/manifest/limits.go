package manifest

import (
	"google.golang.org/protobuf/proto"

	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// What a manifest has at most. imgctl makes its command line of all manifests each time it starts.
const (
	MaxCommands = 500
	MaxWords    = 5   // of a command's path
	MaxAliases  = 20  // of a command
	MaxArgs     = 50  // of a command
	MaxFlags    = 200 // of a command
	MaxColumns  = 200 // of a command
	MaxExamples = 50  // of a command
	MaxValues   = 1000
	MaxSize     = 1 << 20 // bytes, of all of it
)

func (c *checker) limits(m *pluginv1.Manifest) {
	atMost := func(n, most int, what, of string) {
		c.require(n <= most, "%s has %d %s; at most %d are allowed", of, n, what, most)
	}
	atMost(len(m.GetCommands()), MaxCommands, "commands", "the plugin")
	atMost(proto.Size(m), MaxSize, "bytes", "the manifest")
	if len(c.found) > 0 {
		return
	}
	for _, command := range m.GetCommands() {
		of := "command \"" + Path(command) + "\""
		atMost(len(command.GetPath()), MaxWords, "words", of)
		atMost(len(command.GetAliases()), MaxAliases, "aliases", of)
		atMost(len(command.GetArgs()), MaxArgs, "arguments", of)
		atMost(len(command.GetFlags()), MaxFlags, "flags", of)
		atMost(len(command.GetColumns()), MaxColumns, "columns", of)
		atMost(len(command.GetExamples()), MaxExamples, "examples", of)
		for _, f := range command.GetFlags() {
			atMost(len(f.GetValues()), MaxValues, "values", of+": flag --"+f.GetName())
		}
		for _, a := range command.GetArgs() {
			atMost(len(a.GetValues()), MaxValues, "values", of+": argument "+a.GetName())
		}
	}
}
