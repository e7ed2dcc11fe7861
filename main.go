// Packer-plugin-openstack is a set of Packer components that build, find and promote images of
// OpenStack clouds.
package main

import (
	"fmt"
	"os"

	"github.com/hashicorp/packer-plugin-sdk/plugin"
	sdkversion "github.com/hashicorp/packer-plugin-sdk/version"

	"github.com/imgctl/packer-plugin-openstack/builder/openstack"
	"github.com/imgctl/packer-plugin-openstack/datasource/catalog"
	"github.com/imgctl/packer-plugin-openstack/datasource/image"
	"github.com/imgctl/packer-plugin-openstack/post-processor/promote"
	"github.com/imgctl/packer-plugin-openstack/provisioner/quattor"
	"github.com/imgctl/packer-plugin-openstack/version"
)

func main() {
	set := plugin.NewSet()
	set.RegisterBuilder(plugin.DEFAULT_NAME, new(openstack.Builder))
	set.RegisterPostProcessor("promote", new(promote.PostProcessor))
	set.RegisterDatasource("image", new(image.Datasource))
	set.RegisterDatasource("catalog", new(catalog.Datasource))
	set.RegisterProvisioner("quattor", new(quattor.Provisioner))
	set.SetVersion(sdkversion.NewPluginVersion(version.Version, version.Prerelease, version.Metadata))
	if err := set.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
