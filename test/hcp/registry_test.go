package hcp

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// registry stands in for HCP Packer, which can't be had without an account: it takes a build's metadata as the real
// one does, and keeps them.
type registry struct {
	*httptest.Server
	mu        sync.Mutex
	artifacts []artifact
	labels    map[string]string
	done      bool
}

// artifact is one that HCP Packer lists.
type artifact struct {
	ID     string `json:"external_identifier"`
	Region string `json:"region"`
}

// newRegistry starts one; env points packer at it.
func newRegistry(t *testing.T) (r *registry, env []string) {
	t.Helper()
	r = &registry{}
	mux := http.NewServeMux()
	const project = "/packer/2023-01-01/organizations/org/projects/project"
	answer := func(pattern, body string) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, body)
		})
	}
	version := `{"version": {"id": "v1", "bucket_name": "web", "fingerprint": "1", "name": "v0", "status": "VERSION_RUNNING"}}`
	answer("POST /oauth2/token", `{"access_token": "t", "token_type": "Bearer", "expires_in": 3600}`)
	answer("GET "+project+"/registry", `{"registry": {"id": "r"}}`)
	answer("GET "+project+"/buckets/web", `{"bucket": {"id": "b", "name": "web"}}`)
	answer("PATCH "+project+"/buckets/web", `{"bucket": {"id": "b", "name": "web"}}`)
	answer("POST "+project+"/buckets/web/versions", version)
	answer("GET "+project+"/buckets/web/versions/{v}", version)
	answer("GET "+project+"/buckets/web/versions/{v}/builds", `{"builds": []}`)
	answer("POST "+project+"/buckets/web/versions/{v}/builds", `{"build": {"id": "b1", "status": "BUILD_UNSET"}}`)
	mux.HandleFunc("PATCH "+project+"/buckets/web/versions/{v}/builds/b1", r.update)
	mux.HandleFunc("/", func(w http.ResponseWriter, q *http.Request) {
		t.Errorf("packer requests %s %s, which isn't known here", q.Method, q.URL)
		http.NotFound(w, q)
	})
	r.Server = httptest.NewTLSServer(mux)
	t.Cleanup(r.Close)
	return r, []string{
		"HCP_CLIENT_ID=id", "HCP_CLIENT_SECRET=secret", "HCP_ORGANIZATION_ID=org", "HCP_PROJECT_ID=project", "HCP_AUTH_URL=" + r.URL,
		"HCP_AUTH_TLS=insecure", "HCP_API_ADDRESS=" + r.Listener.Addr().String(), "HCP_API_TLS=insecure", "HCP_PACKER_BUCKET_NAME=web",
		"HOME=" + t.TempDir(),
	}
}

func (r *registry) update(w http.ResponseWriter, q *http.Request) {
	var told struct {
		Artifacts []artifact        `json:"artifacts"`
		Labels    map[string]string `json:"labels"`
		Status    string            `json:"status"`
	}
	if err := json.NewDecoder(q.Body).Decode(&told); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if told.Status == "BUILD_DONE" {
		r.artifacts, r.labels, r.done = told.Artifacts, told.Labels, true
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"build": {"id": "b1", "status": %q}}`, told.Status)
}
