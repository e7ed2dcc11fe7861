package trove_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/trove"
)

// Trove answers with all versions at once. A version without tags has an empty one, and one with tags has no image.
func TestDatastoreVersions(t *testing.T) {
	t.Parallel()
	sc := cloudtest.Answers(t, "database", "/v1.0/922b47/", map[string]string{
		"/v1.0/922b47/mgmt/datastore-versions": `{"versions": [{"id": "a", "name": "5.7.29", "datastore_id": "x", "datastore_name": "mysql", ` +
			`"datastore_manager": "mysql", "image": "c1c2ad6f", "image_tags": [""], "packages": [""], "active": true, "default": false}, ` +
			`{"id": "b", "name": "8", "datastore_name": "mysql", "image": null, "image_tags": ["trove", "mysql"], "packages": [""]}]}`,
	})
	var found []trove.DatastoreVersion
	err := trove.EachDatastoreVersion(t.Context(), sc, nil, func(page []trove.DatastoreVersion) error {
		found = append(found, page...)
		return nil
	})
	want := []trove.DatastoreVersion{
		{ID: "a", Name: "5.7.29", Datastore: "mysql", Image: "c1c2ad6f", Tags: []string{""}},
		{ID: "b", Name: "8", Datastore: "mysql", Tags: []string{"trove", "mysql"}},
	}
	if diff := cmp.Diff(want, found); diff != "" || err != nil {
		t.Error(err, diff)
	}
}
