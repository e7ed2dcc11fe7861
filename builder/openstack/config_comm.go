package openstack

import (
	"slices"
	"strings"

	"github.com/hashicorp/packer-plugin-sdk/communicator"
	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// CommConfig is how the build reaches the server: Packer's own communicator options.
type CommConfig struct {
	Comm communicator.Config `mapstructure:",squash"`
}

func (c *CommConfig) prepare(f *findings, ctx *interpolate.Context, run cloud.Run) {
	comm := &c.Comm
	if c.needsKey() && comm.SSHTemporaryKeyPairName == "" {
		comm.SSHTemporaryKeyPairName = staging(run)
	}
	// The SDK would read the file, whose name isn't known yet.
	file := comm.SSHPrivateKeyFile
	if file == cloud.Unknown {
		comm.SSHPrivateKeyFile = ""
	}
	f.errs = append(f.errs, comm.Prepare(ctx)...)
	comm.SSHPrivateKeyFile = file

	name := comm.SSHTemporaryKeyPairName
	if c.needsKey() && name != "" && name != cloud.Unknown && (len(name) > longestName || !keyPairName.MatchString(name)) {
		f.bad("use at most 255 letters, digits, spaces, - and _", "temporary_key_pair_name: Nova takes no %q", beginning(name))
	}
	kind := strings.ToLower(comm.SSHTemporaryKeyPairType)
	if !slices.Contains([]string{"", "rsa", "ecdsa", "ed25519", "dsa", cloud.Unknown}, kind) {
		f.bad("use ed25519, rsa or ecdsa", "temporary_key_pair_type: %q is unknown", comm.SSHTemporaryKeyPairType)
	}
	if comm.Type == "winrm" && comm.WinRMPassword == "" {
		if kind != "" && kind != "rsa" && kind != cloud.Unknown {
			f.bad("use rsa, or set winrm_password", "temporary_key_pair_type: a password can't be encrypted for a key of type %q", kind)
		}
		if comm.SSHKeyPairName != "" && comm.SSHPrivateKeyFile == "" {
			f.bad("set ssh_private_key_file, or winrm_password",
				"ssh_keypair_name: without its private key the server's password can't be read")
		}
	}
	if comm.Type == "ssh" && comm.SSHKeyPairName != "" && comm.SSHPrivateKeyFile == "" && !comm.SSHAgentAuth && comm.SSHPassword == "" {
		f.bad("set ssh_private_key_file, ssh_agent_auth or ssh_password", "ssh_keypair_name: the build needs its private key")
	}
}

// needsKey reports whether the build creates a key pair: if the template gives no other way to log in.
func (c *CommConfig) needsKey() bool {
	comm := &c.Comm
	if comm.SSHPrivateKeyFile != "" || comm.SSHKeyPairName != "" {
		return false
	}
	switch comm.Type {
	case "", "ssh":
		return !comm.SSHAgentAuth && (comm.SSHPassword == "" || comm.SSHTemporaryKeyPairName != "")
	case "winrm":
		return comm.WinRMPassword == ""
	}
	return false
}
