package acceptance_test

import (
	"os"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/test/acceptance/scenario"
)

// realClouds names the clouds.yaml of a real cloud.
const realClouds = "IMGCTL_ACCEPTANCE_CLOUDS"

func TestScenariosOnSandbox(t *testing.T) {
	t.Parallel()
	scenario.OnSandbox(t, "scenarios")
}

func TestScenariosOnCloud(t *testing.T) {
	t.Parallel()
	file := os.Getenv(realClouds)
	if file == "" {
		t.Skipf("%s doesn't name the clouds.yaml of a real cloud; `make acceptance` starts one", realClouds)
	}
	scenario.OnCloud(t, "scenarios", file)
}
