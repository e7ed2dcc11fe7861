package conformance

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// services are those of the stand-in, with the version in their URL and the one they claim.
var services = []struct{ kind, name, version, claims string }{
	{"identity", "keystone", "v3", "v3.14"},
	{"image", "glance", "v2", "v2.16"},
	{"compute", "nova", "v2.1", "v2.1"},
	{"network", "neutron", "v2.0", "v2.0"},
	{"volumev3", "cinder", "v3", "v3.70"},
	{"block-storage", "cinder", "v3", "v3.70"},
	{"baremetal", "ironic", "v1", "v1"},
}

// Name is what the kit gives for an argument where a command has no example.
const Name = "x"

// Cloud stands in for all clouds that a plugin asks for. It has one image, of whatever name is asked
// for; other lists are empty, other objects are missing, and every write is refused and counted.
type Cloud struct {
	server *httptest.Server

	mu       sync.Mutex
	writes   []string
	requests int
	refused  map[string]int
	tokens   []grant
	image    image
	expired  bool // the first token of each cloud counts no more
	failing  bool
}

// grant is a token for a cloud of that name.
type grant struct {
	token, cloud string
	renewed      bool
}

// project is the id of the project in the cloud.
func (g grant) project() string {
	sum := sha256.Sum256([]byte(g.cloud))
	return hex.EncodeToString(sum[:16])
}

// NewCloud starts a stand-in on the loopback interface.
func NewCloud() *Cloud {
	c := &Cloud{refused: map[string]int{}, image: image{name: Name}}
	c.server = httptest.NewServer(c)
	return c
}

// Close stops it.
func (c *Cloud) Close() { c.server.Close() }

// Access gives what a host answers to a CloudRequest, with a new token for each refresh.
func (c *Cloud) Access(request *pluginv1.CloudRequest) (*pluginv1.CloudAccess, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var g grant
	for _, old := range c.tokens {
		if old.cloud == request.GetName() {
			g = old
		}
	}
	if g.token == "" || request.GetRefresh() {
		g = grant{token: "canary-" + rand.Text(), cloud: request.GetName(), renewed: request.GetRefresh()}
		c.tokens = append(c.tokens, g)
	}
	return &pluginv1.CloudAccess{
		Name: g.cloud, AuthUrl: c.server.URL + "/identity/v3", Token: g.token,
		ExpiresAt: timestamppb.New(time.Now().Add(time.Hour)),
		Project:   &pluginv1.Project{Id: g.project(), Name: "conformance", DomainId: "default", DomainName: "Default"},
		UserId:    "f0000000000000000000000000000002", Roles: []string{"member", "reader"},
		Region: "RegionOne", Interface: "public", Catalog: c.catalog(),
	}, nil
}

func (c *Cloud) catalog() string {
	var entries []map[string]any
	for _, s := range services {
		entries = append(entries, map[string]any{"type": s.kind, "name": s.name, "id": s.kind, "endpoints": []map[string]string{{
			"id": s.kind, "interface": "public", "region": "RegionOne", "region_id": "RegionOne", "url": c.url(s.kind, s.version),
		}}})
	}
	text, err := json.Marshal(entries)
	if err != nil {
		panic(err) // it is made of strings
	}
	return string(text)
}

func (c *Cloud) url(service, version string) string {
	return c.server.URL + "/" + service + "/" + version
}

// Writes are the requests so far that would have changed something, such as "DELETE /image/v2/...".
func (c *Cloud) Writes() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.writes)
}

// Requests is how many requests came with a token.
func (c *Cloud) Requests() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.requests
}

// Tokens are those handed out, the secrets of this cloud.
func (c *Cloud) Tokens() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []string
	for _, g := range c.tokens {
		all = append(all, g.token)
	}
	return all
}

// Expire refuses the first token of each cloud from now on, with 401.
func (c *Cloud) Expire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expired = true
}

// Fail answers everything with 503 from now on.
func (c *Cloud) Fail() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failing = true
}

// ServeHTTP is the cloud's services.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status, body := c.answer(r)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Openstack-Request-Id", "req-conformance")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func (c *Cloud) answer(r *http.Request) (status int, body any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	problem := func(status int) (int, any) {
		return status, map[string]any{"error": map[string]any{"code": status, "title": http.StatusText(status), "message": "conformance: " + http.StatusText(status)}}
	}
	service, below, _ := strings.Cut(strings.Trim(r.URL.Path, "/"), "/")
	if c.failing {
		return problem(http.StatusServiceUnavailable)
	}
	if version, ok := c.version(service); ok && (below == "" || !strings.Contains(below, "/") && below[0] == 'v') {
		if below == "" {
			return http.StatusOK, map[string]any{"versions": []any{version}}
		}
		return http.StatusOK, map[string]any{"version": version}
	}
	i := slices.IndexFunc(c.tokens, func(g grant) bool { return g.token == r.Header.Get("X-Auth-Token") })
	if i < 0 {
		return problem(http.StatusUnauthorized)
	}
	c.requests++
	if g := c.tokens[i]; c.expired && !g.renewed {
		c.refused[g.cloud]++
		return problem(http.StatusUnauthorized)
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		c.writes = append(c.writes, r.Method+" "+r.URL.Path)
		return problem(http.StatusForbidden)
	}
	return c.read(below, r.URL.Query(), c.tokens[i], problem)
}

// read is an empty list for a collection, and 404 for what is in one, but for the image.
func (c *Cloud) read(below string, query url.Values, caller grant, problem func(int) (int, any)) (int, any) {
	if _, rest, ok := strings.Cut(below, "/images"); ok || below == "images" {
		if body := c.images(strings.Trim(rest, "/"), query, caller); body != nil {
			return http.StatusOK, body
		}
		return problem(http.StatusNotFound)
	}
	collection := path.Base(below)
	if collection == "detail" {
		collection = path.Base(path.Dir(below))
	}
	if !strings.HasSuffix(collection, "s") {
		return problem(http.StatusNotFound)
	}
	return http.StatusOK, map[string]any{collection: []any{}}
}

// version is the service's answer to what versions it has.
func (c *Cloud) version(service string) (map[string]any, bool) {
	for _, s := range services {
		if s.kind == service {
			return map[string]any{
				"id": s.claims, "status": "CURRENT", "version": "", "min_version": "",
				"links": []any{map[string]string{"rel": "self", "href": c.url(s.kind, s.version) + "/"}},
			}, true
		}
	}
	return nil, false
}

// Refused is how many requests were refused as their token was expired, by the cloud's name.
func (c *Cloud) Refused() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.refused)
}

// describe is the number and kind of requests, for a message.
func describe(writes []string) string {
	return fmt.Sprintf("%d writing requests, the first %s", len(writes), writes[0])
}
