package conformance

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http/httptest"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// Name is what the kit gives for an argument where a command has no example.
const Name = "x"

// Cloud stands in for all clouds that a plugin asks for. It has one image, of whatever name is asked
// for; other lists are empty, other objects are missing, and every write is counted, and refused but for
// those that Take lets it take.
type Cloud struct {
	server *httptest.Server

	mu       sync.Mutex
	writes   []string
	requests int
	refused  map[string]int
	tokens   []grant
	image    image
	store    *store // nil where writes are refused
	lacks    []string
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
