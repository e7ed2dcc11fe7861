// Command imgctl-sandbox is the plugin sandbox: it runs the sandbox's program from imgctl.
//
// The executable plays three parts: the plugin; the sandbox's program, which the plugin starts as a
// process of its own because it moves into namespaces and handles signals; and the init of the
// sandbox's servers.
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
		Short:    "Give any command an OpenStack in one process",
		Homepage: "https://github.com/imgctl/packer-plugin-openstack",
		Commands: []sdk.Command{serve(), run()},
	})
}

func serve() sdk.Command {
	return sdk.Command{
		Path: "sandbox serve", Kind: sdk.Raw, Needs: []sdk.Need{sdk.NeedsEnvironment, sdk.NeedsNoTimeout},
		Short: "Serve an OpenStack on this machine until Ctrl-C",
		Long: "Serves Keystone, Glance, Nova, Neutron, Cinder and Ironic from one process, on loopback. Servers boot from images, accept " +
			"SSH, and can be saved as images.",
		Examples: []sdk.Example{{
			Text:    "Serve, with the servers' SSH on an unprivileged port",
			Command: "imgctl sandbox serve --ssh-port 2222",
		}},
		Flags: flags(),
		Run:   start("serve"),
	}
}

func run() sdk.Command {
	return sdk.Command{
		Path: "sandbox run", Kind: sdk.Raw, Needs: []sdk.Need{sdk.NeedsEnvironment, sdk.NeedsStdin, sdk.NeedsNoTimeout},
		Short: "Run a command against a sandbox OpenStack of its own",
		Long: "Starts a sandbox, runs the command with OS_CLIENT_CONFIG_FILE and OS_CLOUD set, stops the sandbox and exits with the " +
			"command's exit code. " +
			"The command has no terminal. Put -- in front of it.\n\n" +
			"The servers' SSH listens on port 22 of addresses in 127.77.0.0/16. If that port is not permitted, the sandbox moves " +
			"into a user and network " +
			"namespace of its own, from which the command can reach only loopback.",
		Examples: []sdk.Example{
			{Text: "Try a template without a cloud", Command: "imgctl sandbox run -- packer build ."},
			{
				Text:    "Test against a slow cloud whose requests fail",
				Command: "imgctl sandbox run --transition 500ms --faults faults.yaml -- make test",
			},
		},
		Args: []sdk.Arg{sdk.OneOrMore("COMMAND", "command with its arguments")},
		Flags: append(flags(), sdk.String("cloud", sandbox.DefaultCloud,
			"entry of the sandbox's clouds.yaml that OS_CLOUD names").ValueName("NAME")),
		Run: start("run"),
	}
}

// flags are the flags of the program that serve and run have in common.
func flags() sdk.Flags {
	return sdk.Flags{
		sdk.String("addr", "127.0.0.1:0", "loopback address and port to serve on; port 0 picks a free one").ValueName("ADDRESS:PORT"),
		sdk.String("dir", "", "folder for images, volumes and servers (default: a temporary one)").
			ValueName("FOLDER").Completes(sdk.CompleteDirectories),
		sdk.Duration("transition", 0, "duration of each change of state, such as 500ms"),
		sdk.Int("ssh-port", 22, "port of the servers' SSH"),
		sdk.File("faults", "", "file with fault rules in YAML"),
		sdk.Strings("image", "public image to start with: NAME=FILE for a tar archive of a root file system, or NAME alone for one "+
			"with the built-in shell (default: base)").ValueName("NAME[=FILE]"),
		sdk.String("request-log", "", "file to append each request to, as a line of JSON").ValueName("FILE").
			Completes(sdk.CompleteFiles).Writes(),
		sdk.Strings("quota", "quota, -1 for no limit, such as instances=4 or floating-ips=0").ValueName("NAME=NUMBER"),
		sdk.Int("page-size", 0, "maximum page size of all lists; 0 for each service's own"),
		sdk.Duration("clock-offset", 0, "how far the services' clock is ahead of this machine's, such as 10m"),
		sdk.Bool("no-guests", "boot servers as states only, without an inside and without SSH"),
	}
}
