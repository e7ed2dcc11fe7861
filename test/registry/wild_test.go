package registry

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

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

// Addresses for uploads may lack the host.
func TestRelativeLocations(t *testing.T) {
	t.Parallel()
	from, to := start(t, settings{}), start(t, settings{relative: true})
	paths := from.fill(t, 2, 50_000)
	if _, err := copyAll(t, client.Options{}, paths, from.host, to.host); err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		same(t, path, from, to)
	}
	resp, err := http.Post("http://"+to.host+"/v2/ns/x/blobs/uploads/", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if at := resp.Header.Get("Location"); !strings.HasPrefix(at, "/v2/") {
		t.Errorf("the registry isn't what is to be tried: it gives %q", at)
	}
}

// docker-registry lists 100 repositories at a time.
func TestACatalogInPages(t *testing.T) {
	t.Parallel()
	r := start(t, settings{})
	for n := range 103 {
		if err := remote.Write(r.ref(t, fmt.Sprintf("ns/%03d:1", n)), empty.Image); err != nil {
			t.Fatal(err)
		}
	}
	w := r.watch(t)
	c, err := client.New(client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	all, err := c.Catalog(t.Context(), w.host)
	if err != nil || len(all) != 103 || all[102] != "ns/102" || w.count("/v2/_catalog") < 2 {
		t.Errorf("%d repositories in %d pages, %v", len(all), w.count("/v2/_catalog"), err)
	}
}

// Bytes, and so digests, stay: of Docker's and OCI's manifests, of lists and indexes with all they list.
func TestDigestsStay(t *testing.T) {
	t.Parallel()
	from, to := start(t, settings{}), start(t, settings{})
	var jobs []transfer.Job
	for name, kinds := range map[string]struct{ image, index types.MediaType }{
		"docker": {types.DockerManifestSchema2, types.DockerManifestList}, "oci": {types.OCIManifestSchema1, types.OCIImageIndex},
	} {
		index := mutate.IndexMediaType(empty.Index, kinds.index)
		for _, architecture := range []string{"arm64", "amd64"} {
			image, err := random.Image(10_000, 2)
			if err != nil {
				t.Fatal(err)
			}
			image = mutate.MediaType(image, kinds.image)
			if kinds.image == types.OCIManifestSchema1 {
				image = mutate.ConfigMediaType(image, types.OCIConfigJSON)
			}
			index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{
				Platform: &v1.Platform{OS: "linux", Architecture: architecture},
			}})
			if err := remote.Write(from.ref(t, "ns/"+name+":"+architecture), image); err != nil {
				t.Fatal(err)
			}
		}
		if err := remote.WriteIndex(from.ref(t, "ns/"+name+":all"), index); err != nil {
			t.Fatal(err)
		}
		for _, tag := range []string{"arm64", "amd64", "all"} {
			source, err := reference.Parse(from.host + "/ns/" + name + ":" + tag)
			if err != nil {
				t.Fatal(err)
			}
			target := source
			target.Host = to.host
			jobs = append(jobs, transfer.Job{Source: source, Target: target, MultiArch: true})
		}
	}
	c, err := client.New(client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	plan, err := transfer.NewPlan(t.Context(), transfer.Registries(c), jobs, transfer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.Apply(t.Context(), report.Discard); err != nil {
		t.Fatal(err)
	}
	var images []reference.Reference
	for _, j := range jobs {
		path := j.Source.Path + ":" + j.Source.Tag
		want, err := remote.Get(from.ref(t, path))
		if err != nil {
			t.Fatal(err)
		}
		got, err := remote.Get(to.ref(t, path))
		if err != nil || got.Digest != want.Digest || got.MediaType != want.MediaType {
			t.Errorf("%s: %v, %v; want %s %s", path, got, err, want.Digest, want.MediaType)
		}
		images = append(images, j.Target)
	}
	for _, one := range transfer.Verify(t.Context(), transfer.Registries(c), images, true, transfer.Options{}) {
		if one.Err != nil {
			t.Errorf("%s: %v", one.Image, one.Err)
		}
	}
}

// What a proxy may do to a real registry.
func TestAnswersInTheRegistrysPlace(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var elsewhere []string
	cdn := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		elsewhere = append(elsewhere, r.Header.Get("Authorization"))
	}))
	t.Cleanup(cdn.Close)
	for name, c := range map[string]struct {
		answer func(rw http.ResponseWriter, r *http.Request) bool
		want   string // of the error; "" is none
	}{
		"a page with status 200": {func(rw http.ResponseWriter, _ *http.Request) bool {
			rw.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(rw, "<html>Please sign in</html>")
			return true
		}, `answered with "text/html", not with a manifest`},
		"a page for a blob": {func(rw http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/blobs/") {
				return false
			}
			rw.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(rw, strings.Repeat("<html>Please sign in</html>", 10_000))
			return true
		}, "corrupt"},
		"too many requests, at first": {once(func(rw http.ResponseWriter) {
			rw.Header().Set("Retry-After", "1")
			rw.WriteHeader(http.StatusTooManyRequests)
		}), ""},
		"a blob at another host": {func(rw http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/blobs/") {
				return false
			}
			http.Redirect(rw, r, strings.Replace(cdn.URL, "127.0.0.1", "localhost", 1)+"/blob", http.StatusTemporaryRedirect)
			return true
		}, "cut off at byte 0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, to := start(t, settings{}), start(t, settings{})
			path := from.push(t, "ns/a:1", 20_000)
			w := from.watch(t)
			w.mu.Lock()
			w.instead = c.answer
			w.mu.Unlock()
			login := map[string]client.Login{w.host: {User: "u", Password: "p-word"}}
			began := time.Now()
			_, err := copyAll(t, client.Options{Logins: login, Retries: 1}, []string{path}, w.host, to.host)
			switch {
			case c.want == "" && err != nil:
				t.Fatal(err)
			case c.want == "":
				same(t, path, from, to)
				if time.Since(began) < time.Second {
					t.Error("it didn't wait as it was asked to")
				}
			case err == nil || !strings.Contains(err.Error(), c.want):
				t.Errorf("%v, which should say %q", err, c.want)
			case to.watch(t).count("") > 0 || fault.KindOf(err) == fault.Usage:
				t.Errorf("%v", err)
			}
		})
	}
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		if len(elsewhere) == 0 || strings.Join(elsewhere, "") != "" {
			t.Errorf("the other host got %q", elsewhere)
		}
	})
}

// once answers the first request.
func once(answer func(http.ResponseWriter)) func(http.ResponseWriter, *http.Request) bool {
	var one sync.Once
	return func(rw http.ResponseWriter, _ *http.Request) (answered bool) {
		one.Do(func() {
			answered = true
			answer(rw)
		})
		return answered
	}
}
