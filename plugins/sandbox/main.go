// Command imgctl-sandbox is the plugin sandbox: the sandbox's program behind imgctl.
//
// The executable is three things: the plugin, the sandbox's program, which the plugin starts from
// its own file because it has to move into namespaces and deal with signals on its own, and the
// init of the sandbox's servers.
package main

import (
	"os"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/program"
	"github.com/imgctl/packer-plugin-openstack/version"
)

// programArg, as the first argument, makes this executable the sandbox's program.
const programArg = "program"

func main() {
	program.Init(os.Args) // does not return when this process is a server's init
	if len(os.Args) > 1 && os.Args[1] == programArg {
		os.Exit(program.Main("imgctl sandbox", os.Args[2:]))
	}
	sdk.Main(sdk.Plugin{
		Name: "sandbox", Version: version.Version, Vendor: "imgctl", License: "Apache-2.0",
		Homepage: "https://github.com/imgctl/packer-plugin-openstack",
		Commands: []sdk.Command{serve(), run()},
	})
}

func serve() sdk.Command {
	return sdk.Command{
		Path: "sandbox serve", Kind: sdk.Raw, Needs: []sdk.Need{sdk.NeedsEnvironment, sdk.NeedsNoTimeout},
		Short:    "Serve an OpenStack on this machine until Ctrl-C",
		Long:     "Serves Keystone, Glance, Nova, Neutron and Cinder from one process, on loopback. Servers are real places: they boot from an image, take SSH, and can be saved as images.",
		Examples: []sdk.Example{{Text: "Serve, with servers whose SSH everybody may bind", Command: "imgctl sandbox serve --ssh-port 2222"}},
		Flags:    flags(),
		Run:      start("serve"),
	}
}

func run() sdk.Command {
	return sdk.Command{
		Path: "sandbox run", Kind: sdk.Raw, Needs: []sdk.Need{sdk.NeedsEnvironment, sdk.NeedsStdin, sdk.NeedsNoTimeout},
		Short: "Run a command with an OpenStack of its own",
		Long: "Starts a sandbox, runs the command with OS_CLIENT_CONFIG_FILE and OS_CLOUD set, stops the sandbox and ends with the command's exit status. " +
			"The command has no terminal. Put -- in front of it.\n\n" +
			"The servers' SSH listens on port 22 of addresses in 127.77.0.0/16. Where that port is not permitted, the sandbox moves into a user and network " +
			"namespace of its own; the command then reaches loopback and nothing else.",
		Examples: []sdk.Example{
			{Text: "Try a template without a cloud", Command: "imgctl sandbox run -- packer build ."},
			{Text: "Test against a slow cloud whose requests fail", Command: "imgctl sandbox run --transition 500ms --faults faults.yaml -- make test"},
		},
		Args:  []sdk.Arg{sdk.OneOrMore("COMMAND", "command with its arguments")},
		Flags: append(flags(), sdk.String("cloud", sandbox.DefaultCloud, "entry of the sandbox's clouds.yaml that OS_CLOUD names").ValueName("NAME")),
		Run:   start("run"),
	}
}

// flags are those of the program that serve and run share.
func flags() sdk.Flags {
	return sdk.Flags{
		sdk.String("addr", "127.0.0.1:0", "loopback address and port to serve at; port 0 takes a free one").ValueName("ADDRESS:PORT"),
		sdk.String("dir", "", "folder for images, volumes and servers (default: a temporary one)").ValueName("FOLDER").Completes(sdk.CompleteDirectories),
		sdk.Duration("transition", 0, "time that each change of state takes, such as 500ms"),
		sdk.Int("ssh-port", 22, "port of the servers' SSH"),
		sdk.File("faults", "", "file with fault rules in YAML"),
		sdk.Strings("image", "public image to begin with: NAME=FILE with a tar archive of a root file system, or NAME alone for one with the built-in shell (default: base)").ValueName("NAME[=FILE]"),
		sdk.Bool("no-guests", "boot servers without an inside: states only, no SSH"),
	}
}
