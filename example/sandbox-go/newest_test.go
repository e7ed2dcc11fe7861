package newest

import (
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/config"
	"github.com/gophercloud/gophercloud/v2/openstack/config/clouds"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

func TestImage(t *testing.T) {
	cloud := sandboxtest.Start(t)
	add(t, cloud, sandbox.Image{Name: "web", Project: "demo", Data: []byte("old"), CreatedAt: time.Now().Add(-time.Hour)})
	newest := add(t, cloud, sandbox.Image{Name: "web", Project: "demo", Data: []byte("new")})

	found, err := Image(t.Context(), imageClient(t, cloud, "demo"), "web")
	if err != nil || found.ID != newest {
		t.Errorf("found %v, %v; want %s", found, err, newest)
	}
}

func TestImageSurvivesOneFailure(t *testing.T) {
	cloud := sandboxtest.Start(t)
	add(t, cloud, sandbox.Image{Name: "web", Project: "demo", Data: []byte("data")})
	client := imageClient(t, cloud, "demo")
	cloud.ResetRequests()
	cloud.Faults().Add(sandbox.Rule{Method: "GET", Path: "/image/v2/images", Nth: 1, Fault: sandbox.Status(503)})

	if _, err := Image(t.Context(), client, "web"); err != nil {
		t.Error(err)
	}
	if requests := cloud.Requests(); len(requests) < 2 || requests[0].Status != 503 || requests[1].Status != 200 {
		t.Errorf("requests %+v", requests)
	}
}

func add(t *testing.T, cloud *sandbox.Cloud, image sandbox.Image) string {
	t.Helper()
	id, err := cloud.AddImage(image)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// imageClient signs in as an entry of the sandbox's clouds.yaml.
func imageClient(t *testing.T, cloud *sandbox.Cloud, name string) *gophercloud.ServiceClient {
	t.Helper()
	auth, endpoint, tls, err := clouds.Parse(clouds.WithLocations(cloud.CloudsYAML()), clouds.WithCloudName(name))
	if err != nil {
		t.Fatal(err)
	}
	provider, err := config.NewProviderClient(t.Context(), auth, config.WithTLSConfig(tls))
	if err != nil {
		t.Fatal(err)
	}
	client, err := openstack.NewImageV2(provider, endpoint)
	if err != nil {
		t.Fatal(err)
	}
	return client
}
