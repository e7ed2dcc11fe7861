// Command imgctl-factory is the plugin factory, imgctl's door to internal/factory.
package main

import "github.com/imgctl/packer-plugin-openstack/plugins/sdk"

func main() { sdk.Main(plugin()) }
