// Package apitest is for the tests of the sandbox's services: gophercloud clients, and one for bare HTTP requests.
package apitest

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

// Provider logs in as an entry of the clouds.yaml.
func Provider(t testing.TB, c *sandbox.Cloud, cloud string) *gophercloud.ProviderClient {
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

// Region is where the services are.
var Region = gophercloud.EndpointOpts{Region: "RegionOne"}

// ImageClient is a client of Glance.
func ImageClient(t testing.TB, c *sandbox.Cloud, cloud string) *gophercloud.ServiceClient {
	t.Helper()
	client, err := openstack.NewImageV2(Provider(t, c, cloud), Region)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// NetworkClient is a client of Neutron.
func NetworkClient(t testing.TB, c *sandbox.Cloud, cloud string) *gophercloud.ServiceClient {
	t.Helper()
	client, err := openstack.NewNetworkV2(Provider(t, c, cloud), Region)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// VolumeClient is a client of Cinder.
func VolumeClient(t testing.TB, c *sandbox.Cloud, cloud string) *gophercloud.ServiceClient {
	t.Helper()
	client, err := openstack.NewBlockStorageV3(Provider(t, c, cloud), Region)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// Eventually waits until probe returns true.
func Eventually(t testing.TB, what string, probe func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-time.After(2 * time.Millisecond) {
		if probe() {
			return
		}
	}
	t.Fatalf("waiting for %s took more than a minute", what)
}

// Client is a client of bare HTTP requests.
type Client struct {
	T     *testing.T
	Token string
	url   string
	http  *http.Client
}

// Login returns a client with a token of an entry of the clouds.yaml.
func Login(t *testing.T, c *sandbox.Cloud, cloud string) *Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &Client{t, Provider(t, c, cloud).TokenID, c.URL(), &http.Client{Transport: transport}}
}

// Answer is what a service answered.
type Answer struct {
	Status int
	Header http.Header
	Text   string
	JSON   map[string]any
}

// Do sends a request; body is a string, []byte or something to marshal, nil for none.
func (r *Client) Do(method, path string, body any, headers ...string) Answer {
	r.T.Helper()
	a, err := r.Try(r.T.Context(), method, path, body, headers...)
	if err != nil {
		r.T.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// Try is Do for requests whose connection may break.
func (r *Client) Try(ctx context.Context, method, path string, body any, headers ...string) (Answer, error) {
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
		return Answer{}, err
	}
	q.Header.Set("X-Auth-Token", r.Token)
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("Accept", "*/*")
	for k := 0; k+1 < len(headers); k += 2 {
		q.Header.Set(headers[k], headers[k+1])
	}
	resp, err := r.http.Do(q)
	if err != nil {
		return Answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return Answer{}, err
	}
	a := Answer{Status: resp.StatusCode, Header: resp.Header, Text: string(text)}
	_ = json.Unmarshal(text, &a.JSON) // HTML stays nil
	return a, nil
}

// Patch sends operations such as `replace /name "x"` in the form of the Image API.
func (r *Client) Patch(id string, ops ...map[string]any) Answer {
	r.T.Helper()
	return r.Do("PATCH", "/image/v2/images/"+id, ops, "Content-Type", "application/openstack-images-v2.1-json-patch")
}

// Op is an operation of Patch.
func Op(verb, path string, value ...any) map[string]any {
	m := map[string]any{"op": verb, "path": path}
	if len(value) > 0 {
		m["value"] = value[0]
	}
	return m
}

// Want fails the test unless the Answer has the status.
func (a Answer) Want(t *testing.T, status int) Answer {
	t.Helper()
	if a.Status != status {
		t.Fatalf("status %d, want %d: %s", a.Status, status, a.Text)
	}
	return a
}

// Str is a member of the answer, as text.
func (a Answer) Str(key string) string { return fmt.Sprint(a.JSON[key]) }

// NewImage creates an image record.
func (r *Client) NewImage(fields map[string]any) string {
	r.T.Helper()
	return r.Do("POST", "/image/v2/images", fields).Want(r.T, http.StatusCreated).Str("id")
}

// AddImage adds an image of the project demo.
func AddImage(t testing.TB, c *sandbox.Cloud, i sandbox.Image, data string) string {
	t.Helper()
	i.Project, i.Data = "demo", []byte(data)
	id, err := c.AddImage(i)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// As is the same client with another token.
func (r *Client) As(token string) *Client {
	other := *r
	other.Token = token
	return &other
}
