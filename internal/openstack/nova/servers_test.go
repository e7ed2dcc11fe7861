package nova_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/nova"
)

// list reads the servers of a service that answers with the body, if the microversion is one it knows.
func list(t *testing.T, body string, old bool) (images []string, asked []string, err error) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		version := r.Header.Get("OpenStack-API-Version")
		asked = append(asked, r.URL.RequestURI()+" "+version)
		if old && version != "" {
			w.WriteHeader(http.StatusNotAcceptable)
			return
		}
		fmt.Fprint(w, body)
	}))
	t.Cleanup(server.Close)
	sc := &gophercloud.ServiceClient{ProviderClient: &gophercloud.ProviderClient{}, Endpoint: server.URL + "/", Type: "compute"}
	err = nova.EachServer(t.Context(), sc, nova.Query{AllProjects: true}, nil, func(page []nova.Server) error {
		for _, s := range page {
			images = append(images, s.Image.ID)
		}
		return nil
	})
	return images, asked, err
}

func TestImagesOfServers(t *testing.T) {
	t.Parallel()
	const body = `{"servers": [{"id": "a", "image": {"id": "x"}}, {"id": "b", "image": ""}, {"id": "c", "image": null}]}`
	for _, old := range []bool{false, true} {
		images, asked, err := list(t, body, old)
		if err != nil || !slices.Equal(images, []string{"x", "", ""}) {
			t.Errorf("%v, %v", images, err)
		}
		// Without a limit: with one, Nova leaves out the servers of a cell that doesn't answer.
		want := []string{"/servers/detail?all_tenants=1 compute 2.69"}
		if old {
			want = append(want, "/servers/detail?all_tenants=1 ")
		}
		if !slices.Equal(asked, want) {
			t.Errorf("asked %q, want %q", asked, want)
		}
	}
}

// What isn't known of a server is an error, never a server without an image.
func TestUnknownImages(t *testing.T) {
	t.Parallel()
	for name, server := range map[string]string{
		"a cell is down": `{"id": "a", "status": "UNKNOWN"}`,
		"a number":       `{"id": "a", "image": 7}`,
		"no id":          `{"id": "a", "image": {}}`,
		"text":           `{"id": "a", "image": "x"}`,
	} {
		_, _, err := list(t, `{"servers": [`+server+`]}`, false)
		if err == nil || name == "a cell is down" && !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
