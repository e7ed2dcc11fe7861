package ironic_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// cloud is a sandbox whose Ironic a test asks as the admin.
type cloud struct {
	*sandbox.Cloud
	t     *testing.T
	token string
}

func start(t *testing.T, o sandbox.Options) *cloud {
	t.Helper()
	o.Baremetal.CallbackTimeout = 200 * time.Millisecond
	c := &cloud{Cloud: sandboxtest.Start(t, o), t: t}
	body := `{"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "admin", "domain": {"name": "Default"},
		"password": "` + c.Password("admin") + `"}}}, "scope": {"project": {"name": "admin", "domain": {"name": "Default"}}}}}`
	resp, _ := c.send("POST", "/identity/v3/auth/tokens", body)
	c.token = resp.Header.Get("X-Subject-Token")
	return c
}

func (c *cloud) send(method, path, body string) (*http.Response, map[string]any) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.URL()+path, bytes.NewReader([]byte(body)))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("X-Auth-Token", c.token)
	r.Header.Set("X-OpenStack-Ironic-API-Version", "1.78")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	var document map[string]any
	_ = json.Unmarshal(text, &document) // some answers have none
	return resp, document
}

// want sends a request, which has to get this status.
func (c *cloud) want(status int, method, path, body string) {
	c.t.Helper()
	if resp, document := c.send(method, "/baremetal"+path, body); resp.StatusCode != status {
		c.t.Errorf("%s %s %s: %s, want %d: %v", method, path, body, resp.Status, status, document)
	}
}

func (c *cloud) provision(status int, node, target string) {
	c.t.Helper()
	c.want(status, "PUT", "/v1/nodes/"+node+"/states/provision", `{"target": "`+target+`"}`)
}

// reaches waits for a node's state.
func (c *cloud) reaches(node, state string) sandbox.Node {
	c.t.Helper()
	var n sandbox.Node
	for range 3000 {
		if n, _ = c.Node(node); n.State == state {
			return n
		}
		time.Sleep(10 * time.Millisecond)
	}
	c.t.Fatalf("node %s is %s, not %s: %s", node, n.State, state, n.LastError)
	return n
}

// Each mishap of a ramdisk leads to the state that it leads to on a machine, and there is a way back.
func TestRamdisks(t *testing.T) {
	t.Parallel()
	for mishap, failed := range map[string]string{
		"": "", sandbox.RamdiskSilent: "deploy failed", sandbox.RamdiskFailsDeploy: "deploy failed",
		sandbox.RamdiskFailsClean: "clean failed", sandbox.RamdiskSilentClean: "clean failed",
	} {
		t.Run("ramdisk "+mishap, func(t *testing.T) {
			t.Parallel()
			c := start(t, sandbox.Options{Transition: time.Millisecond})
			id, err := c.AddImage(sandbox.Image{
				Name: "ramdisk", Project: "admin", Data: []byte("r"), Properties: map[string]string{sandbox.RamdiskKey: mishap},
			})
			if err != nil {
				t.Fatal(err)
			}
			c.AddNode(sandbox.Node{Name: "n", Kernel: id, Ramdisk: id})
			c.provision(202, "n", "active")
			if failed == "deploy failed" {
				c.reaches("n", failed)
				c.want(200, "PATCH", "/v1/nodes/n", `[{"op": "remove", "path": "/driver_info/deploy_kernel"},
					{"op": "remove", "path": "/driver_info/deploy_ramdisk"}]`)
			} else if n := c.reaches("n", "active"); n.PowerState != "power on" {
				t.Errorf("the active node is %s", n.PowerState)
			}
			c.provision(202, "n", "deleted")
			if failed == "clean failed" {
				if n := c.reaches("n", failed); !n.Maintenance || n.Fault != "clean failure" || n.LastError == "" {
					t.Errorf("%+v", n)
				}
				c.want(200, "PATCH", "/v1/nodes/n", `[{"op": "remove", "path": "/driver_info/deploy_kernel"},
					{"op": "remove", "path": "/driver_info/deploy_ramdisk"}]`)
				c.provision(202, "n", "manage")
				c.want(202, "DELETE", "/v1/nodes/n/maintenance", "")
				c.provision(202, "n", "provide")
			}
			if n := c.reaches("n", "available"); n.InstanceUUID != "" || n.Maintenance {
				t.Errorf("%+v", n)
			}
		})
	}
}

// A lock refuses every change, and no state may be left by a verb that isn't its own.
func TestLocksAndVerbs(t *testing.T) {
	t.Parallel()
	c := start(t, sandbox.Options{})
	c.AddNode(sandbox.Node{Name: "n"})
	c.LockNode("n", true)
	c.want(409, "PATCH", "/v1/nodes/n", `[{"op": "add", "path": "/extra/x", "value": 1}]`)
	c.want(409, "PUT", "/v1/nodes/n/maintenance", `{}`)
	c.want(409, "DELETE", "/v1/nodes/n", "")
	c.provision(409, "n", "active")
	c.LockNode("n", false)
	for state, ours := range map[string][]string{
		"enroll": {"manage"}, "manageable": {"provide", "clean"}, "available": {"active", "manage"},
		"active": {"deleted", "rebuild"}, "clean wait": {"abort"}, "deploy failed": {"active", "rebuild", "deleted"},
	} {
		for _, verb := range []string{"manage", "provide", "clean", "active", "rebuild", "deleted", "abort", "nonsense"} {
			c.want(202, "DELETE", "/v1/nodes/n/maintenance", "") // which an aborted cleaning leaves
			c.SetNode("n", state)
			status := 400
			for _, v := range ours {
				if v == verb {
					status = 202
				}
			}
			c.provision(status, "n", verb)
			if status == 202 { // what it has begun comes to its end
				c.rest("n")
			}
		}
	}
}

// rest waits until a node's state stays.
func (c *cloud) rest(node string) {
	c.t.Helper()
	for range 3000 {
		if n, _ := c.Node(node); n.Target == "" || n.State == "clean failed" {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	c.t.Fatal("the node's state doesn't settle")
}

// What is in transition can't be changed, and neither can an allocation be taken from it.
func TestTransition(t *testing.T) {
	t.Parallel()
	c := start(t, sandbox.Options{})
	c.AddNode(sandbox.Node{Name: "n", ResourceClass: "own"})
	const id = "5f0c24f0-6f2e-4b05-9d3e-5c1f0ad3b1c4"
	c.want(201, "POST", "/v1/allocations", `{"uuid": "`+id+`", "resource_class": "own"}`)
	c.Transit("n", "deploying", "active")
	c.want(409, "PATCH", "/v1/nodes/n", `[{"op": "add", "path": "/extra/x", "value": 1}]`)
	c.want(409, "DELETE", "/v1/allocations/"+id, "")
	c.want(409, "DELETE", "/v1/nodes/n", "")
	c.SetNode("n", "active")
	c.want(200, "PATCH", "/v1/nodes/n", `[{"op": "add", "path": "/extra/x", "value": 1}]`)
	c.want(409, "DELETE", "/v1/allocations/"+id, "")
	c.SetNode("n", "available")
	c.want(204, "DELETE", "/v1/allocations/"+id, "")
}

// Pages follow each other until the last, whatever their size.
func TestPages(t *testing.T) {
	t.Parallel()
	c := start(t, sandbox.Options{Baremetal: sandbox.Baremetal{MaxPage: 3}})
	for n := range 4 { // with the three that there are
		c.AddNode(sandbox.Node{Name: fmt.Sprint("n", n)})
	}
	path, sizes := "/v1/nodes?fields=uuid", []int{}
	for path != "" && len(sizes) < 9 {
		_, document := c.send("GET", "/baremetal"+path, "")
		nodes, _ := document["nodes"].([]any)
		sizes = append(sizes, len(nodes))
		next, _ := document["next"].(string)
		if path = ""; next != "" {
			path = next[len(c.URL()+"/baremetal"):]
		}
	}
	if got := fmt.Sprint(sizes); got != "[3 3 1]" {
		t.Errorf("pages of %s", got)
	}
}
