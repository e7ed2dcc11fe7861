// Package leftovers_test kills builds and sweeps up after them.
package leftovers_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/imgctl/packer-plugin-openstack/builder/openstack"
	"github.com/imgctl/packer-plugin-openstack/internal/image/sweep"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	imports "github.com/imgctl/packer-plugin-openstack/post-processor/import"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// childEnv makes the test binary a program that builds or imports one image; its value is the template as JSON.
const childEnv = "LEFTOVERS_CHILD"

func TestMain(m *testing.M) {
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "OS_") {
			os.Unsetenv(name)
		}
	}
	log.SetOutput(io.Discard)
	if template := os.Getenv(childEnv); template != "" {
		os.Exit(build(template))
	}
	os.Exit(m.Run())
}

func build(template string) int {
	var options map[string]any
	err := json.Unmarshal([]byte(template), &options)
	ui := &packersdk.BasicUi{Reader: strings.NewReader(""), Writer: os.Stderr, ErrorWriter: os.Stderr}
	var b openstack.Builder
	switch {
	case err != nil:
	case options["clouds"] != nil:
		err = bring(ui, options)
	default:
		if _, _, err = b.Prepare(options); err == nil {
			_, err = b.Run(context.Background(), ui, nothing{})
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// bring imports a file; "yaml" is the clouds.yaml.
func bring(ui packersdk.Ui, options map[string]any) error {
	if err := os.Setenv("OS_CLIENT_CONFIG_FILE", fmt.Sprint(options["yaml"])); err != nil {
		return err
	}
	delete(options, "yaml")
	var p imports.PostProcessor
	err := p.Configure(options)
	if err == nil {
		_, _, _, err = p.PostProcess(context.Background(), ui, &packersdk.MockArtifact{})
	}
	return err
}

// nothing is how the image is provisioned.
type nothing struct{}

func (nothing) Run(context.Context, string, packersdk.Ui, packersdk.Communicator, any) error {
	return nil
}

// world is a sandbox with a source image and things of a project that no build may touch.
type world struct {
	*sandbox.Cloud
	t       *testing.T
	project *cloud.Cloud
	options map[string]any
}

func newWorld(t *testing.T, more map[string]any) *world {
	t.Helper()
	s := sandboxtest.Start(t, sandbox.Options{})
	source, err := s.AddImage(sandbox.Image{
		Name: "debian-12", Visibility: "public", DiskFormat: "raw", Project: "admin", Data: []byte("a disk"),
	})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{Cloud: s, t: t, options: map[string]any{
		"identity_endpoint": s.URL() + "/identity/v3", "username": "demo", "password": s.Password("demo"),
		"domain_name": "Default", "tenant_name": "demo", "region": "RegionOne",
		"communicator": "none", "image_name": "web-base", "source_image": source, "flavor": "m1.tiny", "networks": []string{"private"},
	}}
	maps.Copy(w.options, more)
	w.project = cloudtest.Connect(t, s.CloudsYAML(), "demo")
	return w
}

// resources are the lists that together show all that a project has.
var resources = []string{
	"/compute/v2.1/servers/detail", "/compute/v2.1/os-keypairs", "/network/v2.0/ports", "/network/v2.0/floatingips",
	"/volume/v3/PROJECT/volumes/detail", "/image/v2/images?limit=1000", "/image/v2/images?limit=1000&os_hidden=true",
}

// state is what the project has: the service's own JSON by id.
func (w *world) state() map[string]string {
	w.t.Helper()
	all := map[string]string{}
	for _, path := range resources {
		path = strings.Replace(path, "PROJECT", w.project.Project().ID, 1)
		var lists map[string]json.RawMessage
		w.get(path, &lists)
		for _, raw := range lists {
			var list []map[string]any
			if json.Unmarshal(raw, &list) != nil {
				continue // links and the like
			}
			for _, object := range list {
				if inner, ok := object["keypair"].(map[string]any); ok {
					object = inner
					object["id"] = object["name"]
				}
				delete(object, "updated_at")
				delete(object, "revision_number") // which only grows
				text, err := json.Marshal(object)
				if err != nil {
					w.t.Fatal(err)
				}
				all[fmt.Sprint(object["id"])] = string(text)
			}
		}
	}
	return all
}

func (w *world) get(path string, into any) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, w.URL()+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("X-Auth-Token", w.project.Identity().Token())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		w.t.Fatalf("GET %s: %s", path, resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		w.t.Fatal(err)
	}
}

// start starts a build in a process of its own, to be waited for.
func (w *world) start() *exec.Cmd {
	w.t.Helper()
	template, err := json.Marshal(w.options)
	if err != nil {
		w.t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+string(template))
	var out strings.Builder
	cmd.Stderr = &out
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if w.t.Failed() {
			w.t.Log(out.String())
		}
	})
	return cmd
}

// requests is how many requests an undisturbed build makes.
func (w *world) requests() int {
	w.t.Helper()
	w.ResetRequests()
	if err := w.start().Wait(); err != nil {
		w.t.Fatal(err)
	}
	return len(w.Requests())
}

// kill starts a build and kills it when the service has carried out its nth request. A build may
// make a few requests less than another one: it reports whether there was an nth.
func (w *world) kill(nth int) bool {
	w.t.Helper()
	var cmd *exec.Cmd
	started, dead := make(chan struct{}), make(chan struct{})
	w.Faults().Add(sandbox.Rule{Nth: nth, Fault: sandbox.Fault{Do: sandbox.DropAfter, After: func(*http.Request) {
		<-started
		if err := cmd.Process.Kill(); err != nil {
			w.t.Error(err)
		}
		<-dead
	}}})
	cmd = w.start()
	close(started)
	_ = cmd.Wait() // it was killed
	close(dead)
	w.Faults().Clear()
	return !cmd.ProcessState.Success()
}

// sweep sweeps as if a day and more had passed since.
func (w *world) sweep() sweep.Result {
	w.t.Helper()
	plan, err := sweep.NewPlan(w.t.Context(), w.project, sweep.Options{At: time.Now().Add(100 * time.Hour)})
	if err != nil {
		w.t.Fatal(err)
	}
	result, err := sweep.Apply(w.t.Context(), plan, report.Discard)
	if err != nil {
		w.t.Fatal(err)
	}
	return result
}

// difference tells what is there now that wasn't before, is gone, or changed. What builds
// published may be there.
func difference(before, now map[string]string) []string {
	var lines []string
	for _, id := range slices.Sorted(maps.Keys(now)) {
		if before[id] == "" && !strings.Contains(now[id], `"name":"web-base"`) {
			lines = append(lines, "left: "+now[id])
		}
	}
	for _, id := range slices.Sorted(maps.Keys(before)) {
		if now[id] != before[id] {
			lines = append(lines, "was "+before[id]+"\n is "+now[id])
		}
	}
	return lines
}

// A build is killed at each of its requests. A sweep before its deadline leaves all of it; one
// after it leaves nothing of it, and everything else as it was.
func TestKilledAtEveryRequest(t *testing.T) {
	if testing.Short() {
		t.Skip("left out by -short: kills hundreds of builds")
	}
	served := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("a disk")) }))
	t.Cleanup(served.Close)
	file := filepath.Join(t.TempDir(), "disk.raw")
	if err := os.WriteFile(file, []byte("a disk"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, more := range map[string]map[string]any{
		"server":      {"image_members": []string{"11111111111111111111111111111111"}, "image_visibility": "shared"},
		"key pair":    {"communicator": "ssh", "ssh_username": "x", "ssh_host": "127.0.0.1", "ssh_port": 1, "ssh_timeout": "300ms"},
		"floating IP": {"floating_ip_network": "public"},
		"reused IP":   {"reuse_ips": true},
		"volume":      {"use_blockstorage_volume": true, "image_disk_format": "raw"},
		"import and boot test": {
			"clouds": []string{"demo"}, "skip_promotion": true, "file": file,
			"boot_test": map[string]any{"flavor": "m1.tiny", "networks": []string{"private"}, "console": "login:"},
		},
		"import": {"source_image": nil, "external_source_image_url": served.URL, "external_source_image_format": "raw"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, more)
			if more["clouds"] != nil {
				w.options = maps.Clone(more)
				w.options["yaml"], w.options["image_name"] = w.CloudsYAML(), "web-base"
			}
			w.bystanders()
			total := 25 // a build that reaches no server waits for it before it cleans up
			if name != "key pair" {
				total = w.requests()
			}
			before := w.state()
			swept := map[string]int{}
			for nth := 1; nth <= total; nth++ {
				if !w.kill(nth) {
					break
				}
				w.settle()
				for _, l := range w.sweep().Removed {
					swept[l.Kind+" "+l.Action]++
				}
				if wrong := difference(before, w.state()); len(wrong) > 0 {
					t.Fatalf("killed at request %d of %d:\n%s", nth, total, strings.Join(wrong, "\n"))
				}
			}
			t.Logf("swept %v after builds of %d requests were killed", swept, total)
			if len(swept) == 0 {
				t.Error("there was nothing to sweep")
			}
		})
	}
}

// bystanders are a server of the project's own with its port and a free floating IP.
func (w *world) bystanders() {
	w.t.Helper()
	network, err := w.project.Network()
	if err != nil {
		w.t.Fatal(err)
	}
	var networks struct {
		Networks []struct{ ID, Name string }
	}
	w.get("/network/v2.0/networks", &networks)
	for _, n := range networks.Networks {
		body := map[string]any{"port": map[string]any{"network_id": n.ID, "name": "kept"}}
		path := "ports"
		if n.Name == "public" {
			body = map[string]any{"floatingip": map[string]any{"floating_network_id": n.ID}}
			path = "floatingips"
		}
		resp, err := network.Post(w.t.Context(), network.ServiceURL(path), body, nil, nil)
		if err != nil {
			w.t.Fatal(err)
		}
		resp.Body.Close()
	}
}

// settle waits until the services are done with what a dead build asked them for.
func (w *world) settle() {
	w.t.Helper()
	var last string
	err := cloud.Poll(w.t.Context(), "the services to be done", 2*time.Minute, func(context.Context) (bool, error) {
		now := fmt.Sprint(w.state())
		same := now == last
		last = now
		return same && !strings.Contains(now, `"status":"saving"`) && !strings.Contains(now, `"status":"BUILD"`), nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}
