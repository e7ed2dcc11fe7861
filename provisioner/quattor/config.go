//go:generate packer-sdc mapstructure-to-hcl2 -type Config
//go:generate packer-sdc struct-markdown

package quattor

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/hashicorp/packer-plugin-sdk/common"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/template/config"
	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"

	"github.com/imgctl/packer-plugin-openstack/builder/decode"
	"github.com/imgctl/packer-plugin-openstack/internal/aquilon/quattor"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// Config is the provisioner's block.
type Config struct {
	common.PackerConfig `mapstructure:",squash"`
	cloud.Access        `mapstructure:",squash"`
	Quattor             `mapstructure:",squash"`

	ctx interpolate.Context
}

// Commands are lists of a program and its arguments; they aren't run by a shell.
type Quattor struct {
	// The URL of the machine's profile, as a template with the fields `.Hostname` (the machine's full
	// name), `.Address` (where Packer reaches it) and `.ServerID`, such as
	// `http://aquilon.example.com/profiles/{{ .Hostname }}.json`.
	ProfileURL string `mapstructure:"profile_url" required:"true"`
	// What to wait for before fetching the profile: `dns` waits until the machine's address has a name;
	// `metadata` waits until Aquilon's hook has set `AQ_STATUS` to `SUCCESS` in the server's metadata,
	// and fails at once on `FAILED`; `none` doesn't wait. Defaults to `dns`.
	WaitFor string `mapstructure:"wait_for"`
	// The machine's name. Defaults to the result of the wait: the DNS name of the address by which
	// Packer reaches the machine, or the first of `HOSTNAMES` in the server's metadata.
	Hostname string `mapstructure:"hostname"`
	// How long to wait for the address to have a name. Defaults to `5m`.
	DNSTimeout time.Duration `mapstructure:"dns_timeout"`
	// The address of the DNS server to query, with or without a port. Defaults to the resolver of the
	// machine that Packer runs on.
	DNSServer string `mapstructure:"dns_server"`
	// How long to wait for `AQ_STATUS`. Defaults to `10m`.
	MetadataTimeout time.Duration `mapstructure:"metadata_timeout"`
	// Settings of the CCM other than the profile. The defaults: `retrieve_retries` and `lock_retries`
	// are 3; `retrieve_wait`, `get_timeout` and `lock_wait` are 30; `world_readable`, `force` and
	// `debug` are 0; `cache_root` is `/var/lib/ccm`.
	CCM map[string]string `mapstructure:"ccm"`
	// The CCM's configuration file. Defaults to `/etc/ccm.conf`.
	ConfFile string `mapstructure:"conf_file"`
	// The command that fetches the profile. Defaults to `["quattor", "fetch"]`.
	FetchCommand []string `mapstructure:"fetch_command"`
	// How long to retry fetching the profile. Defaults to `10m`.
	FetchTimeout time.Duration `mapstructure:"fetch_timeout"`
	// How long to wait between two attempts to fetch. Defaults to `10s`.
	FetchInterval time.Duration `mapstructure:"fetch_interval"`
	// The command that configures the machine. Defaults to `["quattor", "configure", "--all"]`.
	ConfigureCommand []string `mapstructure:"configure_command"`
	// How often to retry configuring after a failure. Defaults to `0`.
	ConfigureRetries int `mapstructure:"configure_retries"`
	// How long configuring may take, including all retries. Defaults to `1h`.
	ConfigureTimeout time.Duration `mapstructure:"configure_timeout"`
	// Fail the build if configuring fails: if it doesn't exit with 0, or the components' summary has
	// errors. Defaults to `true`.
	FailOnConfigureError config.Trilean `mapstructure:"fail_on_configure_error"`
	// A command to run at the end, such as `["/usr/local/bin/prepvm-managed.sh"]`.
	FinalizeCommand []string `mapstructure:"finalize_command"`
	// How long `finalize_command` may take. Defaults to `10m`.
	FinalizeTimeout time.Duration `mapstructure:"finalize_timeout"`
	// Restore the CCM's configuration file at the end, or remove it if there was none before. Defaults
	// to `false`: the machine stays configured for its profile.
	RestoreConf bool `mapstructure:"restore_conf"`
	// Files and folders that must not be in the image, removed at the end, with the wildcards `*` and
	// `?`, such as `["/var/lib/ccm/*", "/var/log/ncm"]`. Defaults to none.
	Remove []string `mapstructure:"remove"`
	// Run everything with `sudo`, which must not ask for a password. Defaults to `false`.
	Sudo bool `mapstructure:"sudo"`
}

// decode reads the block and checks it offline.
func (c *Config) decode(raws ...any) error {
	err := decode.Options(c, &config.DecodeOpts{
		PluginType: "openstack-quattor", Interpolate: true, InterpolateContext: &c.ctx,
		// The template's fields are known only when the machine has a name.
		InterpolateFilter: &interpolate.RenderFilter{Exclude: []string{"profile_url"}},
	}, decode.Empty{}, raws...)
	if err != nil {
		return fmt.Errorf("reading the options of provisioner openstack-quattor: %w", err)
	}
	packersdk.LogSecretFilter.Set(c.Secrets()...)
	errs := c.options().Validate(cloud.Unknown)
	if c.WaitFor == quattor.WaitMetadata {
		errs = append(errs, c.Prepare()...)
	}
	if c.DNSServer != "" && c.DNSServer != cloud.Unknown {
		if _, err := c.dnsAddress(); err != nil {
			errs = append(errs, err)
		}
	}
	return report.ForPacker(errors.Join(errs...))
}

// options turns the block into the subject's options.
func (c *Config) options() quattor.Options {
	return quattor.Options{
		ProfileURL: c.ProfileURL, Hostname: c.Hostname, WaitFor: c.WaitFor,
		DNSTimeout: c.DNSTimeout, MetadataTimeout: c.MetadataTimeout,
		CCM: c.CCM, ConfFile: c.ConfFile,
		FetchCommand: c.FetchCommand, FetchTimeout: c.FetchTimeout, FetchInterval: c.FetchInterval,
		ConfigureCommand: c.ConfigureCommand, ConfigureRetries: c.ConfigureRetries, ConfigureTimeout: c.ConfigureTimeout,
		TolerateErrors:  c.FailOnConfigureError.False(),
		FinalizeCommand: c.FinalizeCommand, FinalizeTimeout: c.FinalizeTimeout,
		RestoreConf: c.RestoreConf, Remove: c.Remove, Sudo: c.Sudo,
	}.WithDefaults()
}

// dnsAddress is dns_server with its port.
func (c *Config) dnsAddress() (string, error) {
	if net.ParseIP(c.DNSServer) != nil {
		return net.JoinHostPort(c.DNSServer, "53"), nil
	}
	host, _, err := net.SplitHostPort(c.DNSServer)
	if err != nil || net.ParseIP(host) == nil {
		return "", fmt.Errorf("dns_server: %q is not an address, with or without a port", c.DNSServer)
	}
	return c.DNSServer, nil
}
