package octavia_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/octavia"
)

// Octavia links to the previous page, too, and to a next one that may be empty. An amphora that is being booted has
// no image yet.
func TestAmphorae(t *testing.T) {
	t.Parallel()
	sc := cloudtest.Answers(t, "load-balancer", "/v2/", map[string]string{
		"/v2/octavia/amphorae?limit=1000": `{"amphorae": [{"id": "45f40289", "loadbalancer_id": "882f2a9d", "compute_id": "667bb225", ` +
			`"lb_network_ip": "192.168.1.2", "vrrp_ip": "192.168.1.5", "role": "MASTER", "status": "ALLOCATED", "cert_busy": false, ` +
			`"created_at": "2017-05-10T18:14:44", "image_id": "c1c2ad6f", "compute_flavor": "5446a14a"}], ` +
			`"amphorae_links": [{"rel": "next", "href": "http://lb.example/v2/octavia/amphorae?limit=1000&marker=45f40289"}]}`,
		"/v2/octavia/amphorae?limit=1000&marker=45f40289": `{"amphorae": [{"id": "7f890893", "loadbalancer_id": null, "compute_id": null, ` +
			`"status": "BOOTING", "image_id": null}], "amphorae_links": [` +
			`{"rel": "previous", "href": "http://lb.example/v2/octavia/amphorae?limit=1000&marker=7f890893&page_reverse=True"}, ` +
			`{"rel": "next", "href": "http://lb.example/v2/octavia/amphorae?limit=1000&marker=7f890893"}]}`,
		"/v2/octavia/amphorae?limit=1000&marker=7f890893": `{"amphorae": [], "amphorae_links": []}`,
	})
	var found []octavia.Amphora
	err := octavia.EachAmphora(t.Context(), sc, nil, func(page []octavia.Amphora) error {
		found = append(found, page...)
		return nil
	})
	want := []octavia.Amphora{
		{ID: "45f40289", Status: "ALLOCATED", Image: "c1c2ad6f", ServerID: "667bb225", BalancerID: "882f2a9d"},
		{ID: "7f890893", Status: "BOOTING"},
	}
	if diff := cmp.Diff(want, found); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

// The data of a flavor profile is a text with JSON in it. The links are called after one profile, and the service may
// allow fewer on a page than were asked for.
func TestFlavorProfiles(t *testing.T) {
	t.Parallel()
	sc := cloudtest.Answers(t, "load-balancer", "/v2/", map[string]string{
		"/v2/lbaas/flavorprofiles?limit=1000": `{"flavorprofiles": [` +
			`{"id": "a", "provider_name": "amphora", "name": "tagged", "flavor_data": "{\"amp_image_tag\": \"large\", \"loadbalancer_topology\": \"SINGLE\"}"}, ` +
			`{"id": "b", "provider_name": "ovn", "name": "plain", "flavor_data": "{}"}, ` +
			`{"id": "c", "provider_name": "amphora", "name": "broken", "flavor_data": "large"}], "flavorprofile_links": [{"rel": "next", "href": "http://lb.example/v2/lbaas/flavorprofiles?limit=3&marker=c"}]}`,
		"/v2/lbaas/flavorprofiles?limit=3&marker=c": `{"flavorprofiles": [{"id": "d", "name": "last", ` +
			`"flavor_data": "{\"amp_image_tag\": \"small\"}"}], "flavorprofile_links": []}`,
	})
	var tags []string
	broken := 0
	err := octavia.EachFlavorProfile(t.Context(), sc, nil, func(page []octavia.FlavorProfile) error {
		for _, p := range page {
			tag, err := p.ImageTag()
			if err != nil {
				broken++
			}
			tags = append(tags, tag)
		}
		return nil
	})
	if diff := cmp.Diff([]string{"large", "", "", "small"}, tags); diff != "" || err != nil || broken != 1 {
		t.Error(broken, err, diff)
	}
}
