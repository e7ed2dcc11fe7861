package check_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"

	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/check"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// endpoint is one of a catalog's.
type endpoint struct {
	ID        string `json:"id"`
	Interface string `json:"interface"`
	Region    string `json:"region"`
	RegionID  string `json:"region_id"`
	URL       string `json:"url"`
}

// service is one of a catalog's.
type service struct {
	Type      string     `json:"type"`
	Name      string     `json:"name"`
	ID        string     `json:"id"`
	Endpoints []endpoint `json:"endpoints"`
}

// shape is how a world differs from a cloud that meets all requirements.
type shape struct {
	sandbox sandbox.Options
	flavors []flavors.CreateOpts // nil: one that fits
	catalog func([]service) []service
	plain   bool // no TLS
	valid   time.Duration
	noCA    bool
	control string // entry of clouds.yaml; "" is ci
	admin   bool   // the test nodes' user is an administrator
	profile string
}

// world is a cloud behind a front with TLS.
type world struct {
	*sandbox.Cloud
	t     *testing.T
	url   string
	ca    string // file
	shape shape
}

// seed are the projects of the test nodes and the mirror.
func seed() sandbox.Seed {
	return sandbox.Seed{Users: []sandbox.User{
		{Name: "admin", Project: "admin", Role: sandbox.RoleAdmin},
		{Name: "zuul", Project: "zuul", Role: sandbox.RoleMember},
		{Name: "ci", Project: "ci", Role: sandbox.RoleMember},
		{Name: "ci-in-zuul", Project: "zuul", Role: sandbox.RoleMember},
		{Name: "boss", Project: "zuul", Role: sandbox.RoleAdmin},
	}}
}

// ready are the options of a sandbox that just meets all requirements.
func ready() sandbox.Options {
	return sandbox.Options{
		Seed:          seed(),
		ServerQuotas:  sandbox.ServerQuotas{Instances: 100, Cores: 800, RAM: 819200},
		NetworkQuotas: sandbox.NetworkQuotas{Ports: 110, FloatingIPs: 100},
		VolumeQuotas:  sandbox.VolumeQuotas{Volumes: 2, Gigabytes: 750},
	}
}

var fits = flavors.CreateOpts{Name: "nodepool", RAM: 8192, VCPUs: 8, Disk: new(80)}

func newWorld(t *testing.T, s shape) *world {
	t.Helper()
	w := &world{Cloud: sandboxtest.Start(t, s.sandbox), t: t, shape: s}
	if s.flavors == nil {
		s.flavors = []flavors.CreateOpts{fits}
	}
	admin := cloudtest.Connect(t, w.CloudsYAML(), "admin")
	compute, err := admin.Compute()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range s.flavors {
		if err := flavors.Create(t.Context(), compute, f).Err; err != nil {
			t.Fatal(err)
		}
	}
	w.front()
	return w
}

// front serves the sandbox under an address of its own, with the shape's catalog.
func (w *world) front() {
	to, err := url.Parse(w.URL())
	if err != nil {
		w.t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
	quiet := log.New(io.Discard, "", 0) // of clients that refuse the certificate, or go away
	proxy.ErrorLog = quiet
	server := httptest.NewUnstartedServer(proxy)
	server.Config.ErrorLog = quiet
	proxy.ModifyResponse = func(r *http.Response) error {
		body, err := io.ReadAll(r.Body)
		if err == nil && strings.HasSuffix(r.Request.URL.Path, "/auth/tokens") {
			body = bytes.ReplaceAll(w.changed(body), []byte(w.URL()), []byte(w.url))
		}
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		r.Header.Set("Content-Length", fmt.Sprint(len(body)))
		return err
	}
	if w.shape.plain {
		server.Start()
	} else {
		var cert tls.Certificate
		cert, w.ca = certificate(w.t, w.shape.valid)
		server.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}}
		server.StartTLS()
	}
	w.t.Cleanup(server.Close)
	w.url = server.URL
}

// changed is a token with the shape's catalog.
func (w *world) changed(body []byte) []byte {
	if w.shape.catalog == nil {
		return body
	}
	var token map[string]map[string]json.RawMessage
	var catalog []service
	if json.Unmarshal(body, &token) != nil || json.Unmarshal(token["token"]["catalog"], &catalog) != nil {
		return body
	}
	token["token"]["catalog"], _ = json.Marshal(w.shape.catalog(catalog))
	body, _ = json.Marshal(token)
	return body
}

// certificate makes a self-signed one for loopback, and a file with it.
func certificate(t *testing.T, valid time.Duration) (tls.Certificate, string) {
	t.Helper()
	if valid == 0 {
		valid = 365 * 24 * time.Hour
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "donor"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(valid), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

// connect signs in through the front.
func (w *world) connect(entry string) (*cloud.Cloud, error) {
	a, err := cloudtest.Access(w.CloudsYAML(), entry)
	if err != nil {
		w.t.Fatal(err)
	}
	a.IdentityEndpoint = w.url + "/identity/v3"
	if w.ca != "" && !w.shape.noCA {
		a.CACert = w.ca
	}
	c, err := cloud.Connect(w.t.Context(), a)
	if err == nil {
		w.t.Cleanup(c.Close)
	}
	return c, err
}

// options are those of a check of both projects.
func (w *world) options() check.Options {
	w.t.Helper()
	o := check.Options{Profile: check.Shipped(check.OpenDev)}
	if w.shape.profile != "" {
		var err error
		if o.Profile, err = check.ParseProfile([]byte(w.shape.profile)); err != nil {
			w.t.Fatal(err)
		}
	}
	entry, control := "zuul", "ci"
	if w.shape.admin {
		entry = "boss"
	}
	if w.shape.control != "" {
		control = w.shape.control
	}
	var err error
	if o.Test, err = w.connect(entry); err != nil {
		w.t.Fatal(err)
	}
	if o.Control, err = w.connect(control); err != nil {
		w.t.Fatal(err)
	}
	return o
}

// check makes a check that only reads.
func (w *world) check(o check.Options) *check.Plan {
	w.t.Helper()
	p, err := check.NewPlan(w.t.Context(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// result is the result of one check in one region, "" for any.
func result(t *testing.T, p *check.Plan, id, region string) check.Result {
	t.Helper()
	for _, r := range p.Results {
		if r.ID == id && (region == "" || r.Region == region) {
			return r
		}
	}
	t.Fatalf("no result of %s in region %q", id, region)
	return check.Result{}
}
