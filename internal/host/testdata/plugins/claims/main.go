// Command imgctl-claims is a plugin that claims words of others; which ones follows from its name.
package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func main() {
	name := strings.TrimPrefix(filepath.Base(os.Args[0]), "imgctl-")
	path := map[string]string{"extra": "demo extra", "same": "demo rows", "builtin": "plugin list", "own": "own list"}[name]
	sdk.Main(sdk.Plugin{Name: name, Version: "1.0.0", Vendor: "example.org", Commands: []sdk.Command{{
		Path: path, Kind: sdk.Show, Short: "Claim a word",
		Run: func(_ context.Context, _ *sdk.Input, out *sdk.Output) error {
			out.Field("plugin", name)
			return nil
		},
	}}})
}
