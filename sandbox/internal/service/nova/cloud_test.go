package nova_test

import (
	"archive/tar"
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/config"
	"github.com/gophercloud/gophercloud/v2/openstack/config/clouds"
	"golang.org/x/crypto/ssh"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

const sshPort = 2222

// cloud is a sandbox under test, seen by one of its users.
type cloud struct {
	*sandbox.Cloud
	t     *testing.T
	token string
	image string // id of an image without a shell
}

func start(t *testing.T, o sandbox.Options) *cloud {
	t.Helper()
	o.SSHPort = sshPort
	var empty bytes.Buffer
	if err := tar.NewWriter(&empty).Close(); err != nil {
		t.Fatal(err)
	}
	c := sandboxtest.Start(t, o)
	id, err := c.AddImage(sandbox.Image{
		Name: "base", Visibility: sandbox.Public, DiskFormat: "qcow2", ContainerFormat: "bare",
		Properties: map[string]string{"os_distro": "none"},
		Data:       empty.Bytes(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return (&cloud{Cloud: c, t: t, image: id}).as("demo")
}

// as is the same cloud for another entry of the clouds.yaml.
func (c *cloud) as(user string) *cloud {
	c.t.Helper()
	auth, _, tls, err := clouds.Parse(clouds.WithCloudName(user), clouds.WithLocations(c.CloudsYAML()))
	if err != nil {
		c.t.Fatal(err)
	}
	p, err := config.NewProviderClient(c.t.Context(), auth, config.WithTLSConfig(tls))
	if err != nil {
		c.t.Fatal(err)
	}
	other := *c
	other.token = p.TokenID
	return &other
}

type answer struct {
	t      *testing.T
	what   string
	status int
	header http.Header
	text   string
	json   any
}

// do sends a request to Nova as microversion 2.minor. A path that starts with "//" is below the sandbox itself.
func (c *cloud) do(minor int, method, path string, body any) answer {
	c.t.Helper()
	var data []byte
	if text, ok := body.(string); ok {
		data = []byte(text)
	} else if body != nil {
		data, _ = json.Marshal(body)
	}
	url := c.URL() + "/compute/v2.1" + path
	if strings.HasPrefix(path, "//") {
		url = c.URL() + path[1:]
	}
	q, err := http.NewRequestWithContext(c.t.Context(), method, url, bytes.NewReader(data))
	if err != nil {
		c.t.Fatal(err)
	}
	q.Header.Set("X-Auth-Token", c.token)
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("OpenStack-API-Version", fmt.Sprintf("compute 2.%d", minor))
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	a := answer{t: c.t, what: method + " " + path, status: resp.StatusCode, header: resp.Header, text: string(text)}
	_ = json.Unmarshal(text, &a.json)
	return a
}

func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s: status %d, want %d: %s", a.what, a.status, status, a.text)
	}
	return a
}

// at is a member of the answer, such as "server.status".
func (a answer) at(path string) any {
	v := a.json
	for key := range strings.SplitSeq(path, ".") {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}

func (a answer) str(path string) string {
	if v := a.at(path); v != nil {
		return fmt.Sprint(v)
	}
	return ""
}

// server is a creation's body.
func (c *cloud) server(name string, more map[string]any) map[string]any {
	s := map[string]any{"name": name, "imageRef": c.image, "flavorRef": "1"}
	for k, v := range more {
		if v == nil {
			delete(s, k)
		} else {
			s[k] = v
		}
	}
	return map[string]any{"server": s}
}

func (c *cloud) create(name string, more map[string]any) string {
	c.t.Helper()
	return c.do(1, "POST", "/servers", c.server(name, more)).want(202).str("server.id")
}

// reach waits until a server's status and task are as given.
func (c *cloud) reach(id, status, task string) {
	c.t.Helper()
	var seen []string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		a := c.do(1, "GET", "/servers/"+id, nil).want(200)
		now := a.str("server.status") + "/" + a.str("server.OS-EXT-STS:task_state")
		if len(seen) == 0 || seen[len(seen)-1] != now {
			seen = append(seen, now)
		}
		if now == status+"/"+task {
			return
		}
		if a.str("server.status") == "ERROR" && status != "ERROR" {
			c.t.Fatalf("the server is in ERROR: %s", a.str("server.fault"))
		}
	}
	c.t.Fatalf("the server never became %s: %v", status, seen)
}

func (c *cloud) gone(id string) {
	c.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if c.do(1, "GET", "/servers/"+id, nil).status == 404 {
			return
		}
	}
	c.t.Fatal("the server is still there")
}

// login is a way into servers.
type login struct {
	t      *testing.T
	signer ssh.Signer
}

// newKey makes a keypair of a name.
func (c *cloud) newKey(name string) login {
	c.t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		c.t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		c.t.Fatal(err)
	}
	c.do(2, "POST", "/os-keypairs", map[string]any{"keypair": map[string]string{
		"name":       name,
		"public_key": string(ssh.MarshalAuthorizedKey(signer.PublicKey())),
	}}).want(201)
	return login{c.t, signer}
}

func (l login) dial(address string) (*ssh.Client, error) {
	return ssh.Dial("tcp", net.JoinHostPort(address, strconv.Itoa(sshPort)), l.config())
}

func (l login) config() *ssh.ClientConfig {
	return &ssh.ClientConfig{
		User: "root", Auth: []ssh.AuthMethod{ssh.PublicKeys(l.signer)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(), Timeout: time.Minute,
	}
}

func (l login) run(address, command string) string {
	l.t.Helper()
	c, err := l.dial(address)
	if err != nil {
		l.t.Fatal(err)
	}
	defer c.Close()
	s, err := c.NewSession()
	if err != nil {
		l.t.Fatal(err)
	}
	out, err := s.CombinedOutput(command)
	if err != nil {
		l.t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return string(out)
}

// address is a server's fixed address.
func (c *cloud) address(id string) string {
	c.t.Helper()
	for _, entries := range c.do(1, "GET", "/servers/"+id+"/ips", nil).want(200).at("addresses").(map[string]any) {
		return entries.([]any)[0].(map[string]any)["addr"].(string)
	}
	c.t.Fatal("the server has no address")
	return ""
}
