package openstack

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	registryimage "github.com/hashicorp/packer-plugin-sdk/packer/registry/image"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	w.ResetRequests()
	img, out := w.image(map[string]any{
		"metadata": map[string]string{"os_version": "12", "os_distro": "ours"}, "image_tags": []string{"prod", "ready"},
		"image_min_disk": 3, "image_min_ram": 128, "image_protected": true, "inherit_properties": []string{"hw_*"},
	}, nil)
	if img.Name != "web-base" || img.Status != "active" || img.Hidden || !img.Protected || img.MinDisk != 3 || img.MinRAM != 128 ||
		img.Visibility != "private" || !slices.Equal(slices.Sorted(slices.Values(img.Tags)), []string{"prod", "ready"}) {
		t.Errorf("image %+v\n%s", img, out)
	}
	run := img.Properties[cloud.RunKey]
	delete(img.Properties, cloud.RunKey)
	for key := range img.Properties {
		if strings.HasPrefix(key, "hw_") && key != "hw_rng_model" {
			delete(img.Properties, key) // Nova's own
		}
	}
	want := map[string]string{"os_version": "12", "os_distro": "ours", "image_type": "image", "hw_rng_model": "virtio"}
	if diff := cmp.Diff(want, img.Properties); diff != "" {
		t.Errorf("properties (-want +got):\n%s", diff)
	}
	if len(run) != 36 {
		t.Errorf("run %q", run)
	}
}

// All that makes the image final comes in one change.
func TestOnePublishingPatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	w.ResetRequests()
	img, _ := w.image(map[string]any{
		"image_visibility": "shared", "image_members": []string{w.ProjectID("member-a")}, "image_tags": []string{"a"}, "image_min_disk": 2,
	}, nil)
	var order []string
	for _, r := range w.Requests() {
		if strings.HasPrefix(r.Path, "/image/v2/images/"+img.ID) && r.Method != "GET" {
			order = append(order, r.Method+" "+strings.TrimPrefix(r.Path, "/image/v2/images/"+img.ID))
		}
	}
	// Hidden, shared, the member, and then everything at once.
	if want := []string{"PATCH ", "PATCH ", "POST /members", "PATCH "}; !slices.Equal(order, want) {
		t.Errorf("changes %q, want %q", order, want)
	}
}

// Consumers never see an image under the final name that isn't complete.
func TestNobodySeesAHalfImage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	var published atomic.Bool
	stop, half := make(chan struct{}), make(chan string, 1)
	go func() {
		defer close(half)
		for {
			found, _ := w.look.images.Images(context.Background(), glance.Query{Name: "web-base", BothHidden: true})
			for _, img := range found {
				if img.Status != "active" || img.MinDisk != 7 || len(img.Tags) != 1 || img.Properties["a"] != "b" ||
					img.Visibility != "shared" || img.Hidden {
					half <- img.String()
					return
				}
				published.Store(true)
			}
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	_, out, err := w.build(t.Context(), map[string]any{
		"image_visibility": "shared", "image_tags": []string{"x"}, "metadata": map[string]string{"a": "b"}, "image_min_disk": 7,
	}, nil)
	for end := time.Now().Add(time.Minute); !published.Load() && len(half) == 0 && time.Now().Before(end); {
		time.Sleep(time.Millisecond) // between two looks
	}
	close(stop)
	if seen := <-half; seen != "" {
		t.Errorf("saw %s half made", seen)
	}
	if err != nil || !published.Load() {
		t.Errorf("%v, published: %v\n%s", err, published.Load(), out)
	}
}

func TestArtifact(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	var data map[string]any
	artifact, out, err := w.build(t.Context(), map[string]any{"image_tags": []string{"a"}},
		func(_ context.Context, _ packersdk.Ui, _ packersdk.Communicator, d any) error {
			data = maps.Clone(d.(map[string]any))
			return nil
		})
	if err != nil {
		t.Fatal(err, out)
	}
	if artifact.BuilderId() != "mitchellh.openstack" || artifact.String() != "An image was created: "+artifact.Id() ||
		artifact.Files() != nil {
		t.Errorf("%s: %s", artifact.BuilderId(), artifact)
	}
	for key, want := range map[string]any{
		"image_id": artifact.Id(), "image_name": "web-base", "source_image_id": w.source, "source_image_name": "debian-12",
		"project_id": w.look.cloud.Project().ID, "owner": w.look.cloud.Project().ID, "region": "RegionOne", "visibility": "private",
	} {
		if got := artifact.State(key); got != want {
			t.Errorf("state %q is %v, want %v", key, got, want)
		}
	}
	for _, key := range []string{"checksum", "os_hash_algo", "os_hash_value", "run_id"} {
		if s, _ := artifact.State(key).(string); s == "" {
			t.Errorf("state %q is empty", key)
		}
	}
	generated := artifact.State("generated_data").(map[string]any)
	if generated["ImageID"] != artifact.Id() || generated["ServerID"] == "" {
		t.Errorf("generated data %v", generated)
	}
	for _, name := range generatedNames {
		if _, ok := data[name]; !ok {
			t.Errorf("provisioners don't get %s", name)
		}
	}
	if data["SourceImageName"] != "debian-12" || data["ID"] != data["ServerID"] {
		t.Errorf("provisioners get %v", data)
	}
	hcp, ok := artifact.State(registryimage.ArtifactStateURI).(*registryimage.Image)
	if !ok || hcp.ProviderName != "openstack" || hcp.ProviderRegion != "RegionOne" || hcp.ImageID != artifact.Id() ||
		hcp.SourceImageID != w.source ||
		hcp.Labels["image_name"] != "web-base" || hcp.Labels["os_distro"] != "debian" {
		t.Errorf("metadata for HCP %+v", hcp)
	}
	if err := artifact.Destroy(); err != nil {
		t.Error(err)
	}
	if ids := w.named("web-base"); len(ids) != 0 {
		t.Errorf("still there: %v", ids)
	}
}

func TestSkipCreateImage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	artifact, out, err := w.build(t.Context(), map[string]any{"skip_create_image": true}, nil)
	if artifact != nil || err != nil {
		t.Errorf("%v, %v\n%s", artifact, err, out)
	}
	w.leavesNothing(out)
	if own := w.ownImages(); len(own) > 0 {
		t.Errorf("images %v", own)
	}
}

// What is missing is said before anything is made, all of it at once.
func TestLookUpsFailEarly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	for _, tt := range []struct {
		name string
		more map[string]any
		kind fault.Kind
		want []string
	}{
		{
			"unknown flavor",
			map[string]any{"flavor": "m1.huge"},
			fault.NotFound,
			[]string{`flavor: there is no "m1.huge"`, "m1.small, m1.tiny"},
		},
		{
			"unknown source",
			map[string]any{"source_image": "c7ad0d3b-0f1e-4d3e-a7d1-2c7d9a3c4e11"},
			fault.NotFound,
			[]string{"source_image:", "c7ad0d3b"},
		},
		{
			"unknown name",
			map[string]any{"source_image": nil, "source_image_name": "nothing"},
			fault.NotFound,
			[]string{"source_image_name:", `"nothing"`},
		},
		{"unknown network", map[string]any{"networks": []string{"nowhere"}}, fault.NotFound, []string{`networks: there is no "nowhere"`}},
		{
			"unknown port",
			map[string]any{"ports": []string{"c7ad0d3b-0f1e-4d3e-a7d1-2c7d9a3c4e11"}},
			fault.NotFound,
			[]string{"ports: there is no"},
		},
		{
			"unknown group",
			map[string]any{"security_groups": []string{"web"}},
			fault.NotFound,
			[]string{`security_groups: there is no "web"`},
		},
		{
			"unknown external network",
			map[string]any{"floating_ip_network": "private"},
			fault.NotFound,
			[]string{`floating_ip_network: there is no "private"`},
		},
		{"unknown floating IP", map[string]any{"floating_ip": "127.78.1.1"}, fault.NotFound, []string{"floating_ip: there is no"}},
		{
			"no subnet in range",
			map[string]any{"networks": nil, "network_discovery_cidrs": []string{"10.0.0.0/8"}},
			fault.NotFound,
			[]string{"network_discovery_cidrs:", "10.0.0.0/8"},
		},
		{"several", map[string]any{"flavor": "m1.huge", "networks": []string{"nowhere"}}, fault.NotFound, []string{"flavor:", "networks:"}},
		{"wrong password", map[string]any{"password": "wrong"}, fault.Forbidden, []string{"authenticating", "check username, password"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.ResetRequests()
			_, out, err := w.build(t.Context(), tt.more, nil)
			if err == nil {
				t.Fatalf("it built\n%s", out)
			}
			if tt.name != "several" && !fault.Is(err, tt.kind) {
				t.Errorf("%s: %v, want %s", fault.KindOf(err), err, tt.kind)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v, want %q in it", err, want)
				}
			}
			for _, r := range w.Requests() {
				if r.Method != "GET" && !strings.HasSuffix(r.Path, "/auth/tokens") {
					t.Errorf("%s %s before the failure", r.Method, r.Path)
				}
			}
		})
	}
}

// A server that fails says why, once.
func TestServerFault(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	_, out, err := w.build(t.Context(), map[string]any{"flavor": "m1.nohost"}, nil)
	if err == nil || !strings.Contains(err.Error(), "No valid host was found") {
		t.Errorf("%v, want Nova's explanation\n%s", err, out)
	}
	if strings.Contains(out, "DELETED") || regexp.MustCompile(`(?i)warning|is left`).MatchString(out) {
		t.Errorf("the clean-up complains:\n%s", out)
	}
	w.leavesNothing(out)
}

func TestServerTimeout(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	start := time.Now()
	_, out, err := w.build(t.Context(), map[string]any{"flavor": "m1.never", "server_timeout": "1s"}, nil)
	if !strings.Contains(out, "Still waiting for the server to be active (") {
		t.Errorf("it doesn't say what it waits for:\n%s", out)
	}
	if err == nil || !strings.Contains(err.Error(), "waiting for server to be active: not done after ") ||
		time.Since(start) > time.Minute {
		t.Errorf("%v after %s\n%s", err, time.Since(start), out)
	}
	w.leavesNothing(out)
}

func TestConnections(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	w.ResetRequests()
	if _, out, err := w.build(t.Context(), nil, nil); err != nil {
		t.Fatal(err, out)
	}
	connections := map[int64]bool{}
	for _, r := range w.Requests() {
		connections[r.ConnID] = true
	}
	if len(connections) > 3 {
		t.Errorf("%d connections, want at most 3", len(connections))
	}
}
