package magnum_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/magnum"
)

// Magnum's image_id is whatever the template's author gave. "next" is there only where more may follow.
func TestClusterTemplates(t *testing.T) {
	t.Parallel()
	sc := cloudtest.Answers(t, "container-infra", "/v1/", map[string]string{
		"/v1/clustertemplates/detail?limit=1000": `{"clustertemplates": [{"insecure_registry": null, "http_proxy": null, "updated_at": null, ` +
			`"fixed_subnet": null, "master_flavor_id": null, "user_id": "c48d66", "uuid": "085e1c", "no_proxy": null, "tls_disabled": false, ` +
			`"keypair_id": "kp", "public": false, "labels": {}, "docker_volume_size": 3, "server_type": "vm", "cluster_distro": "fedora", ` +
			`"image_id": "fedora-atomic-latest", "volume_driver": "cinder", "project_id": "76bd20", "name": "k8s-bm2", "coe": "kubernetes", ` +
			`"links": [{"href": "http://10.164.180.104:9511/v1/clustertemplates/085e1c", "rel": "self"}]}], ` +
			`"next": "http://10.164.180.104:9511/v1/clustertemplates/detail?limit=1000&sort_key=id&sort_dir=asc&marker=085e1c"}`,
		"/v1/clustertemplates/detail?limit=1000&sort_key=id&sort_dir=asc&marker=085e1c": `{"clustertemplates": [{"uuid": "085e1d", ` +
			`"name": null, "project_id": "76bd20", "image_id": "6d3c1a52-6b0c-4d0f-8d55-1f6a3f9c6b11"}]}`,
	})
	var found []magnum.ClusterTemplate
	err := magnum.EachClusterTemplate(t.Context(), sc, nil, func(page []magnum.ClusterTemplate) error {
		found = append(found, page...)
		return nil
	})
	want := []magnum.ClusterTemplate{
		{ID: "085e1c", Name: "k8s-bm2", ProjectID: "76bd20", Image: "fedora-atomic-latest"},
		{ID: "085e1d", ProjectID: "76bd20", Image: "6d3c1a52-6b0c-4d0f-8d55-1f6a3f9c6b11"},
	}
	if diff := cmp.Diff(want, found); diff != "" || err != nil {
		t.Error(err, diff)
	}
}
