// Command agent is nothing but a guest's agent, for the tests of this folder.
package main

import (
	"os"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/host"
)

func main() { host.Main(os.Args) }
