package glance_test

import (
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// An image of the name that isn't selected is told of, with what selects it.
func TestAnImageThatIsThereButNotSelected(t *testing.T) {
	sb := sandboxtest.Start(t, sandbox.Options{})
	t.Setenv("OS_CLIENT_CONFIG_FILE", sb.CloudsYAML())
	if _, err := sb.AddImage(sandbox.Image{Project: "other", Name: "comm", Visibility: "community", Data: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	c, err := cloud.Connect(t.Context(), cloud.Access{Cloud: "demo"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	api, err := c.Image()
	if err != nil {
		t.Fatal(err)
	}
	for _, newest := range []bool{false, true} {
		_, err = glance.New(api).One(t.Context(), glance.Selector{Name: "comm"}, newest)
		if !fault.Is(err, fault.NotFound) || !containsAll(err.Error(), "it is community", "visibility = community") {
			t.Errorf("%v", err)
		}
	}
}

func containsAll(text string, words ...string) bool {
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}
