package sandbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/config"
	"github.com/gophercloud/gophercloud/v2/openstack/config/clouds"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// provider logs in as an entry of the clouds.yaml.
func provider(t testing.TB, c *sandbox.Cloud, cloud string) *gophercloud.ProviderClient {
	t.Helper()
	auth, _, tls, err := clouds.Parse(clouds.WithCloudName(cloud), clouds.WithLocations(c.CloudsYAML()))
	if err != nil {
		t.Fatal(err)
	}
	p, err := config.NewProviderClient(t.Context(), auth, config.WithTLSConfig(tls))
	if err != nil {
		t.Fatalf("logging in as %q: %v", cloud, err)
	}
	return p
}

var region = gophercloud.EndpointOpts{Region: "RegionOne"}

func imageClient(t testing.TB, c *sandbox.Cloud, cloud string) *gophercloud.ServiceClient {
	t.Helper()
	client, err := openstack.NewImageV2(provider(t, c, cloud), region)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func networkClient(t testing.TB, c *sandbox.Cloud, cloud string) *gophercloud.ServiceClient {
	t.Helper()
	client, err := openstack.NewNetworkV2(provider(t, c, cloud), region)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func volumeClient(t testing.TB, c *sandbox.Cloud, cloud string) *gophercloud.ServiceClient {
	t.Helper()
	client, err := openstack.NewBlockStorageV3(provider(t, c, cloud), region)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// eventually waits until probe returns true.
func eventually(t *testing.T, what string, probe func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if probe() {
			return
		}
	}
	t.Fatalf("waiting for %s took more than 20 s", what)
}

// raw is a client of bare HTTP requests.
type raw struct {
	t     *testing.T
	url   string
	token string
	http  *http.Client
}

// login returns a raw client with a token of an entry of the clouds.yaml.
func login(t *testing.T, c *sandbox.Cloud, cloud string) *raw {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &raw{t, c.URL(), provider(t, c, cloud).TokenID, &http.Client{Transport: transport}}
}

type answer struct {
	Status int
	Header http.Header
	Text   string
	JSON   map[string]any
}

// do sends a request; body is a string, []byte or something to marshal, nil for none.
func (r *raw) do(method, path string, body any, headers ...string) answer {
	r.t.Helper()
	a, err := r.try(r.t.Context(), method, path, body, headers...)
	if err != nil {
		r.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

func (r *raw) try(ctx context.Context, method, path string, body any, headers ...string) (answer, error) {
	var data []byte
	switch b := body.(type) {
	case nil:
	case string:
		data = []byte(b)
	case []byte:
		data = b
	default:
		data, _ = json.Marshal(b)
	}
	q, err := http.NewRequestWithContext(ctx, method, r.url+path, bytes.NewReader(data))
	if err != nil {
		return answer{}, err
	}
	q.Header.Set("X-Auth-Token", r.token)
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("Accept", "*/*")
	for k := 0; k+1 < len(headers); k += 2 {
		q.Header.Set(headers[k], headers[k+1])
	}
	resp, err := r.http.Do(q)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{Status: resp.StatusCode, Header: resp.Header, Text: string(text)}
	_ = json.Unmarshal(text, &a.JSON) // HTML stays nil
	return a, nil
}

// patch sends operations such as `replace /name "x"` in the form of the Image API.
func (r *raw) patch(id string, ops ...map[string]any) answer {
	r.t.Helper()
	return r.do("PATCH", "/image/v2/images/"+id, ops, "Content-Type", "application/openstack-images-v2.1-json-patch")
}

func op(verb, path string, value ...any) map[string]any {
	m := map[string]any{"op": verb, "path": path}
	if len(value) > 0 {
		m["value"] = value[0]
	}
	return m
}

// want fails the test unless the answer has the status.
func (a answer) want(t *testing.T, status int) answer {
	t.Helper()
	if a.Status != status {
		t.Fatalf("status %d, want %d: %s", a.Status, status, a.Text)
	}
	return a
}

func (a answer) str(key string) string { return fmt.Sprint(a.JSON[key]) }

// newImage creates an image record.
func (r *raw) newImage(fields map[string]any) string {
	r.t.Helper()
	return r.do("POST", "/image/v2/images", fields).want(r.t, http.StatusCreated).str("id")
}
