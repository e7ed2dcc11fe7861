package bridge

import (
	"context"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/boottest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// BootTestFlags are the options of a boot test; prefix begins their names, where the command has others, too.
func BootTestFlags(prefix string) sdk.Flags {
	return sdk.Flags{
		sdk.String(prefix+"flavor", "", "flavor of the test's server, by name or id").ValueName("FLAVOR"),
		sdk.Strings(prefix+"network", "network of the server, by name or id (default: the one that Nova chooses)").ValueName("NETWORK"),
		sdk.Strings(prefix+"security-group", "security group of the server (default: a temporary one that lets the tested ports in)").
			ValueName("GROUP"),
		sdk.String(prefix+"floating-ip-network", "", "external network of a floating IP to connect to (default: none)").
			ValueName("NETWORK"),
		sdk.String(prefix+"availability-zone", "", "availability zone of the server").ValueName("ZONE"),
		sdk.Bool(prefix+"config-drive", "give the server a config drive"),
		sdk.String(prefix+"ssh-user", "", "the server has to let this user in over SSH, with a key that Nova injects").ValueName("USER"),
		sdk.Int(prefix+"ssh-port", sshPort, "port of the server's SSH").ValueName("PORT"),
		sdk.Strings(prefix+"ssh-command", "command that has to succeed over SSH").ValueName("COMMAND"),
		sdk.String(prefix+"console", "", "regular expression that a line of the console log has to match").ValueName("REGEX"),
		sdk.Strings(prefix+"port", "TCP port that has to accept connections").ValueName("PORT"),
		sdk.Bool(prefix+"cloud-init", "cloud-init has to end, without an error"),
		sdk.Duration(prefix+"limit", 10*time.Minute, "how long the server may take to boot and to show all of this"),
	}
}

const sshPort = 22

// bootTestNames are the names of BootTestFlags.
var bootTestNames = []string{
	"flavor", "network", "security-group", "floating-ip-network", "availability-zone", "config-drive", "ssh-user", "ssh-port",
	"ssh-command", "console", "port", "cloud-init", "limit",
}

// BootTestNames are the flags of BootTestFlags that don't have the name of their option.
func BootTestNames(prefix string) map[string]string {
	if prefix == "" {
		return map[string]string{"timeout": "--limit"}
	}
	names := map[string]string{}
	for _, f := range bootTestNames {
		names[strings.ReplaceAll(f, "-", "_")] = "--" + prefix + f
	}
	return names
}

// BootTest reads BootTestFlags. ok is false if the user asks for no test: none of the flags is set.
func BootTest(in *sdk.Input, prefix string) (o boottest.Options, ok bool, err error) {
	for _, f := range bootTestNames {
		ok = ok || in.IsSet(prefix+f)
	}
	o = boottest.Options{
		Flavor: in.String(prefix + "flavor"), Networks: in.Strings(prefix + "network"),
		SecurityGroups:    in.Strings(prefix + "security-group"),
		FloatingIPNetwork: in.String(prefix + "floating-ip-network"), AvailabilityZone: in.String(prefix + "availability-zone"),
		ConfigDrive: in.Bool(prefix + "config-drive"), SSHUser: in.String(prefix + "ssh-user"), SSHPort: in.Int(prefix + "ssh-port"),
		SSHCommands: in.Strings(prefix + "ssh-command"), Console: in.String(prefix + "console"), CloudInit: in.Bool(prefix + "cloud-init"),
		Timeout: in.Duration(prefix + "limit"),
	}
	for _, text := range in.Strings(prefix + "port") {
		port, e := boottest.ParsePort(text)
		if e != nil {
			return o, ok, e
		}
		o.Ports = append(o.Ports, port)
	}
	return o, ok, nil
}

// BootTestSite connects a boot test to a cloud, under a run id of its own.
func BootTestSite(ctx context.Context, in *sdk.Input) (boottest.Site, error) {
	c, err := Cloud(ctx, in, "")
	if err != nil {
		return boottest.Site{}, err
	}
	site, err := boottest.NewSite(c, cloud.NewRun())
	if err != nil {
		c.Close()
	}
	return site, fault.Wrap(fault.KindOf(err), "", err)
}
