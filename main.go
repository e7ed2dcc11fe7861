// Packer-plugin-openstack is a set of Packer components that build, find and promote images of
// OpenStack clouds.
package main

import (
	"fmt"
	"os"
	"runtime"
	"syscall"

	"github.com/hashicorp/packer-plugin-sdk/plugin"
	sdkversion "github.com/hashicorp/packer-plugin-sdk/version"

	"github.com/imgctl/packer-plugin-openstack/builder/openstack"
	"github.com/imgctl/packer-plugin-openstack/datasource/catalog"
	"github.com/imgctl/packer-plugin-openstack/datasource/image"
	imports "github.com/imgctl/packer-plugin-openstack/post-processor/import"
	"github.com/imgctl/packer-plugin-openstack/post-processor/promote"
	"github.com/imgctl/packer-plugin-openstack/provisioner/quattor"
	"github.com/imgctl/packer-plugin-openstack/version"
)

func main() {
	makeRoomForSocket()
	set := plugin.NewSet()
	set.RegisterBuilder(plugin.DEFAULT_NAME, new(openstack.Builder))
	set.RegisterPostProcessor("promote", new(promote.PostProcessor))
	set.RegisterPostProcessor("import", new(imports.PostProcessor))
	set.RegisterDatasource("image", new(image.Datasource))
	set.RegisterDatasource("catalog", new(catalog.Datasource))
	set.RegisterProvisioner("quattor", new(quattor.Provisioner))
	set.SetVersion(sdkversion.NewPluginVersion(version.Version, version.Prerelease, version.Metadata))
	if err := set.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// longestTemp keeps the path of the socket, which the SDK puts into the temporary folder, below what the
// systems that Packer runs on have room for.
const longestTemp = 80

// makeRoomForSocket starts the program again with another temporary folder where the user's has too long
// a path for a socket, as in Jenkins' workspaces. The SDK has taken note of the folder by now.
func makeRoomForSocket() {
	if runtime.GOOS == "windows" || len(os.TempDir()) <= longestTemp {
		return
	}
	self, err := os.Executable()
	if err != nil {
		return // the SDK says that it can't listen
	}
	for _, folder := range []string{"/tmp", "/var/tmp", "/dev/shm"} {
		f, err := os.CreateTemp(folder, "packer-plugin")
		if err != nil {
			continue
		}
		_ = f.Close()
		_ = os.Remove(f.Name())
		_ = os.Setenv("TMPDIR", folder)
		_ = syscall.Exec(self, os.Args, os.Environ()) // #nosec G204 G702 -- this program
	}
}
