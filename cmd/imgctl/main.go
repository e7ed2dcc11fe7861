// Command imgctl manages images in OpenStack clouds; its commands come from plugins.
package main

import (
	"os"

	"github.com/imgctl/packer-plugin-openstack/internal/host"
)

func main() { os.Exit(host.Main(os.Args[1:])) }
