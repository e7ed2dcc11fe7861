package sync

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
	"github.com/imgctl/packer-plugin-openstack/internal/image/boottest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/quantity"
)

// readBootTest reads how a server is booted from each image before it becomes current.
func readBootTest(into **boottest.Options) foreignfile.Reader {
	return func(n *foreignfile.Node) error {
		var o boottest.Options
		var timeout quantity.Span
		err := n.Map(foreignfile.Keys{
			"flavor": foreignfile.Text(&o.Flavor), "networks": foreignfile.Texts(&o.Networks),
			"availability_zone": foreignfile.Text(&o.AvailabilityZone), "user_data": foreignfile.Text(&o.UserData),
			"config_drive": foreignfile.Bool(&o.ConfigDrive), "ssh_port": foreignfile.Int(&o.SSHPort, 1),
			"security_groups": foreignfile.Texts(&o.SecurityGroups), "floating_ip_network": foreignfile.Text(&o.FloatingIPNetwork),
			"ssh_user": foreignfile.Text(&o.SSHUser), "ssh_commands": foreignfile.Texts(&o.SSHCommands),
			"console": foreignfile.Text(&o.Console), "cloud_init": foreignfile.Bool(&o.CloudInit),
			"timeout": foreignfile.Span(&timeout),
			"ports": foreignfile.Some(func(n *foreignfile.Node) error {
				var port int
				err := foreignfile.Int(&port, 1)(n)
				o.Ports = append(o.Ports, port)
				return err
			}),
		}, "flavor")
		if err != nil {
			return err
		}
		o.Timeout = timeout.Length()
		for _, err := range o.Validate() {
			return n.Errorf("%w", err)
		}
		*into = &o
		return nil
	}
}

// BootTest boots a server from each image on the cloud; nil if the policy doesn't ask for it.
func (p *Policy) BootTest(c *cloud.Cloud) Test {
	if p.bootTest == nil {
		return nil
	}
	return func(ctx context.Context, img *glance.Image, rep report.Reporter) error {
		site, err := boottest.NewSite(c, cloud.NewRun())
		if err != nil {
			return err
		}
		o := *p.bootTest
		o.Image = img.ID
		return boottest.Test(ctx, site, o, rep)
	}
}
