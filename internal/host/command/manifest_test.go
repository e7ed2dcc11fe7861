package command

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/imgctl/packer-plugin-openstack/internal/host/discover"
	"github.com/imgctl/packer-plugin-openstack/internal/host/inventory"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/manifest"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// none carries nothing out.
type none struct{}

func (none) Run(Invocation) error                              { return nil }
func (none) Complete(Invocation, string, int, string) []string { return nil }

// Whatever a plugin says of itself, it is either refused or makes a command line whose help and
// completion work.
func FuzzManifest(f *testing.F) {
	seeds, err := filepath.Glob("testdata/manifests/*.binpb")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range seeds {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, m := range []*pluginv1.Manifest{
		{Name: "age", Version: "1.0.0", Commands: []*pluginv1.Command{{
			Path: []string{"image", "age"}, Aliases: []string{"old"}, Short: "List", Kind: pluginv1.CommandKind_COMMAND_KIND_LIST,
			Danger:  pluginv1.Danger_DANGER_CHANGES,
			Columns: []*pluginv1.Column{{Title: "ID"}}, Args: []*pluginv1.Arg{{Name: "FIRST", Help: "one", Min: 1, Max: 1}},
			Flags: []*pluginv1.Flag{
				{Name: "span", Short: "s", Type: pluginv1.FlagType_FLAG_TYPE_DURATION, Default: "7d", Help: "age", Env: "AGE"},
				{Name: "pick", Type: pluginv1.FlagType_FLAG_TYPE_ENUM, Help: "a", Values: []string{"x", "y"}, Default: "x"},
				{Name: "force", Type: pluginv1.FlagType_FLAG_TYPE_BOOL, Help: "b", Deprecated: "old"},
				{Name: "prefix", Type: pluginv1.FlagType_FLAG_TYPE_STRING, Help: "c"},
			},
		}, {Path: []string{"image"}, Short: "Both a word and a command", Kind: pluginv1.CommandKind_COMMAND_KIND_RAW}}},
		{Name: "x"},
	} {
		text, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m := &pluginv1.Manifest{}
		if proto.Unmarshal(text, m) != nil || len(manifest.Check(m)) > 0 {
			return
		}
		root := &cobra.Command{Use: "imgctl", CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true}}
		var out bytes.Buffer
		root.SetOut(&out)
		root.SetErr(&out)
		global := AddGlobal(root)
		Add(root, global, &inventory.Inventory{Plugins: []*inventory.Plugin{{Plugin: discover.Plugin{Name: m.GetName()}, Manifest: m}}},
			none{})
		for _, c := range m.GetCommands() {
			at, rest, err := root.Find(c.GetPath())
			if err != nil || len(rest) > 0 {
				t.Fatalf("%q isn't found: %v", c.GetPath(), err)
			}
			if err := Help(&out, at, 80, nil); err != nil {
				t.Error(err)
			}
			root.SetArgs(append(append([]string{"__complete"}, c.GetPath()...), "--"))
			if err := root.Execute(); err != nil {
				t.Error(err)
			}
		}
	})
}
