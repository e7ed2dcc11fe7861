// Command imgctl-sandbox is an embedded OpenStack: serve runs it until stopped, run gives one to a command.
package main

import (
	"os"

	"github.com/imgctl/packer-plugin-openstack/sandbox/program"
)

func main() {
	program.Init(os.Args) // does not return when this process is a server's init
	os.Exit(program.Main("imgctl-sandbox", os.Args[1:]))
}
