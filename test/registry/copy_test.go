package registry

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	client "github.com/imgctl/packer-plugin-openstack/internal/registry"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// fill stores n images that share a layer, and gives their paths.
func (r *registry) fill(t *testing.T, n int, size int64, options ...remote.Option) (paths []string) {
	t.Helper()
	base, err := random.Layer(size, types.DockerLayer)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		own, err := random.Layer(1000, types.DockerLayer)
		if err != nil {
			t.Fatal(err)
		}
		image, err := mutate.AppendLayers(empty.Image, base, own)
		if err != nil {
			t.Fatal(err)
		}
		path := fmt.Sprintf("ns/image-%d:tag", i)
		if err := remote.Write(r.ref(t, path), image, options...); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// push stores an image with a layer of its own, and gives its path.
func (r *registry) push(t *testing.T, path string, size int64) string {
	t.Helper()
	own, err := random.Layer(size, types.DockerLayer)
	if err != nil {
		t.Fatal(err)
	}
	image, err := mutate.AppendLayers(empty.Image, own)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(r.ref(t, path), image); err != nil {
		t.Fatal(err)
	}
	return path
}

func (r *registry) ref(t *testing.T, path string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(r.host + "/" + path)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// same fails unless the image is at both, with one digest and all its bytes.
func same(t *testing.T, path string, from, to *registry, options ...remote.Option) {
	t.Helper()
	want, err := remote.Head(from.ref(t, path), options...)
	if err != nil {
		t.Fatal(err)
	}
	got, err := remote.Image(to.ref(t, path), options...)
	if err != nil {
		t.Errorf("%s: %v", path, err)
		return
	}
	if digest, err := got.Digest(); err != nil || digest != want.Digest {
		t.Errorf("%s is %s, not %s (%v)", path, digest, want.Digest, err)
	}
	layers, err := got.Layers()
	if err != nil {
		t.Errorf("%s: %v", path, err)
	}
	for _, l := range layers {
		if err := readable(l); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func readable(l v1.Layer) error {
	body, err := l.Compressed()
	if err != nil {
		return err
	}
	defer body.Close()
	_, err = io.Copy(io.Discard, body)
	return err
}

func copyAll(t *testing.T, o client.Options, paths []string, from string, to ...string) (*transfer.Plan, error) {
	t.Helper()
	c, err := client.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	var jobs []transfer.Job
	for _, target := range to {
		for _, path := range paths {
			source, err := reference.Parse(from + "/" + path)
			if err != nil {
				t.Fatal(err)
			}
			destination, err := reference.Parse(target + "/" + path)
			if err != nil {
				t.Fatal(err)
			}
			jobs = append(jobs, transfer.Job{Source: source, Target: destination})
		}
	}
	plan, err := transfer.NewPlan(t.Context(), transfer.Registries(c), jobs, transfer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return plan, plan.Apply(t.Context(), report.Discard)
}

func TestEachBlobIsSentOnceAndMounted(t *testing.T) {
	t.Parallel()
	from, to := start(t, settings{}), start(t, settings{})
	paths := from.fill(t, 6, 500_000)
	source, target := from.watch(t), to.watch(t)
	plan, err := copyAll(t, client.Options{}, paths, source.host, target.host)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		same(t, path, from, to)
	}
	blobs := 1 + 6 + 6 // shared, own, configurations
	for what, c := range map[string][2]int{
		"blobs fetched":  {source.count("GET", "/blobs/"), blobs},
		"blobs sent":     {target.count("PUT", "/blobs/uploads/", "201"), blobs},
		"mounts done":    {target.count("POST", "mount=", " 201"), 5},
		"mounts refused": {target.count("POST", "mount=", " 202"), 0},
		"manifests":      {target.count("PUT", "/manifests/", "201"), 6},
	} {
		if c[0] != c[1] {
			t.Errorf("%s: %d, want %d", what, c[0], c[1])
		}
	}
	if plan.Down != plan.Up[target.host] || plan.Down > 600_000 {
		t.Errorf("planned: %d down, %v up", plan.Down, plan.Up)
	}
	source.reset()
	target.reset()
	again, err := copyAll(t, client.Options{}, paths, source.host, target.host)
	if err != nil || !again.Done() || target.count("P") != 0 || source.count("") != 6 || target.count("") != 6 {
		t.Errorf("a second run: done %v, %v, requests %q and %q", again.Done(), err, source.log, target.log)
	}
}

func TestPasswordsAndCertificates(t *testing.T) {
	t.Parallel()
	from, to := start(t, settings{}), start(t, settings{password: true, tls: true})
	paths := from.fill(t, 2, 10_000)
	login := map[string]client.Login{to.host: {User: "u", Password: "p-word"}}
	if _, err := copyAll(t, client.Options{Logins: login, CAFile: to.ca}, paths, from.host, to.host); err != nil {
		t.Fatal(err)
	}
	insecure := http.DefaultTransport.(*http.Transport).Clone()
	insecure.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	for _, path := range paths {
		ref, err := name.ParseReference(to.host + "/" + path)
		if err != nil {
			t.Fatal(err)
		}
		auth := remote.WithAuth(&authn.Basic{Username: "u", Password: "p-word"})
		if _, err := remote.Image(ref, remote.WithTransport(insecure), auth); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	for what, o := range map[string]client.Options{
		"no password": {CAFile: to.ca},
		"a wrong one": {CAFile: to.ca, Logins: map[string]client.Login{to.host: {User: "u", Password: "guess-word"}}},
	} {
		_, err := copyAll(t, o, paths, from.host, to.host)
		if !fault.Is(err, fault.Forbidden) || strings.Contains(err.Error(), "guess-word") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestTwoTargetsAtOnce(t *testing.T) {
	t.Parallel()
	from, one, two := start(t, settings{}), start(t, settings{}), start(t, settings{})
	paths := from.fill(t, 3, 300_000)
	source := from.watch(t)
	if _, err := copyAll(t, client.Options{}, paths, source.host, one.host, two.host); err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		same(t, path, from, one)
		same(t, path, from, two)
	}
	if n := source.count("GET", "/blobs/"); n != 1+3+3 {
		t.Errorf("%d blobs were fetched", n)
	}
}

// Two runs of the same copy at once end well, both.
func TestTwoRunsAtOnce(t *testing.T) {
	t.Parallel()
	from, to := start(t, settings{}), start(t, settings{})
	paths := from.fill(t, 4, 300_000)
	errs := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := copyAll(t, client.Options{}, paths, from.host, to.host)
			errs <- err
		}()
	}
	for range 2 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	for _, path := range paths {
		same(t, path, from, to)
	}
}

func TestVerifyFindsWhatIsMissing(t *testing.T) {
	t.Parallel()
	r := start(t, settings{})
	path := r.fill(t, 1, 10_000)[0]
	image, err := reference.Parse(r.host + "/" + path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	all := []reference.Reference{image, image.WithTag("missing")}
	found := transfer.Verify(t.Context(), transfer.Registries(c), all, true, transfer.Options{})
	if found[0].Err != nil || found[0].Blobs != 3 || !fault.Is(found[1].Err, fault.NotFound) {
		t.Errorf("%+v, %+v", *found[0], *found[1])
	}
	layer := r.layer(t, path)
	r.spoil(t, layer)
	found = transfer.Verify(t.Context(), transfer.Registries(c), all[:1], true, transfer.Options{})
	if found[0].Err == nil || !strings.Contains(found[0].Err.Error(), "corrupt") {
		t.Errorf("a spoilt blob: %v", found[0].Err)
	}
	r.lose(t, layer)
	if found = transfer.Verify(t.Context(), transfer.Registries(c), all[:1], true, transfer.Options{}); found[0].Err == nil {
		t.Error("a lost blob isn't missed")
	}
}

// layer is the digest of the image's first layer.
func (r *registry) layer(t *testing.T, path string) string {
	t.Helper()
	image, err := remote.Image(r.ref(t, path))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	return manifest.Layers[0].Digest.String()
}
