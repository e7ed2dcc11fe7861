package imageserve_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/imageserve"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// folder is one as TripleO writes it.
type folder struct{ dir string }

func (f folder) file(t *testing.T, name, text string) {
	t.Helper()
	name = filepath.Join(f.dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// image writes an image's blobs and its manifest, and gives its digest.
func (f folder) image(t *testing.T, repository string, i v1.Image) string {
	t.Helper()
	base := "v2/" + repository
	config, err := i.RawConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := i.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	f.file(t, base+"/blobs/"+manifest.Config.Digest.String(), string(config))
	layers, err := i.Layers()
	if err != nil {
		t.Fatal(err)
	}
	for n, l := range layers {
		body, err := l.Compressed()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		f.file(t, base+"/blobs/"+manifest.Layers[n].Digest.String()+".gz", string(text))
	}
	raw, err := i.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	digest, err := i.Digest()
	if err != nil {
		t.Fatal(err)
	}
	f.file(t, base+"/manifests/"+digest.String()+"/index.json", string(raw))
	return digest.String()
}

func (f folder) tag(t *testing.T, repository, tag string, variants ...string) {
	t.Helper()
	text := "URI: " + tag + "\n\n"
	for n := 0; n < len(variants); n += 2 {
		text += "Content-Type: " + variants[n] + "\nURI: " + variants[n+1] + "/index.json\n\n"
	}
	f.file(t, "v2/"+repository+"/manifests/"+tag+".type-map", text)
}

const (
	docker = "application/vnd.docker.distribution.manifest.v2+json"
	list   = "application/vnd.docker.distribution.manifest.list.v2+json"
)

// serve is a folder with an image, and what serves it.
func serve(t *testing.T) (f folder, host, digest string) {
	t.Helper()
	f = folder{t.TempDir()}
	image, err := random.Image(5000, 2)
	if err != nil {
		t.Fatal(err)
	}
	digest = f.image(t, "ns/nova-api", image)
	f.tag(t, "ns/nova-api", "17.1", docker, digest)
	f.file(t, "v2/_catalog", `{"repositories": ["old"]}`)
	opened, err := imageserve.Open(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { opened.Close() })
	server := httptest.NewServer(opened.Handler(func(err error) { t.Log(err) }))
	t.Cleanup(server.Close)
	return f, strings.TrimPrefix(server.URL, "http://"), digest
}

func get(t *testing.T, method, url string, header ...string) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(header); n += 2 {
		r.Header.Set(header[n], header[n+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text), resp.Header
}

func TestOthersPull(t *testing.T) {
	t.Parallel()
	_, host, digest := serve(t)
	ref, err := name.ParseReference(host + "/ns/nova-api:17.1")
	if err != nil {
		t.Fatal(err)
	}
	image, err := remote.Image(ref)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := image.Digest(); err != nil || got.String() != digest {
		t.Errorf("%s, %v", got, err)
	}
	layers, err := image.Layers()
	if err != nil || len(layers) != 2 {
		t.Fatalf("%d layers, %v", len(layers), err)
	}
	for _, l := range layers {
		body, err := l.Compressed()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, body); err != nil {
			t.Error(err)
		}
		body.Close()
	}
	if tags, err := remote.List(ref.Context()); err != nil || !slices.Equal(tags, []string{"17.1"}) {
		t.Errorf("tags %v, %v", tags, err)
	}
	if all, err := remote.Catalog(t.Context(), ref.Context().Registry); err != nil || !slices.Equal(all, []string{"ns/nova-api"}) {
		t.Errorf("repositories %v, %v", all, err)
	}
}

func TestSkopeoPulls(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("skopeo"); err != nil {
		t.Skip("skopeo isn't installed")
	}
	_, host, digest := serve(t)
	to := "dir:" + t.TempDir()
	cmd := exec.CommandContext(t.Context(), "skopeo", "copy", "--insecure-policy", "--src-tls-verify=false",
		"docker://"+host+"/ns/nova-api:17.1", to)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	manifest := strings.TrimPrefix(to, "dir:") + "/manifest.json"
	out, err := exec.CommandContext(t.Context(), "skopeo", "manifest-digest", manifest).Output()
	if err != nil || strings.TrimSpace(string(out)) != digest {
		t.Errorf("%s, %v", out, err)
	}
}

// Podman pulls into a storage of the test's own.
func TestPodmanPulls(t *testing.T) {
	t.Parallel()
	podman, err := exec.LookPath("podman")
	if err != nil {
		t.Skip("podman isn't installed: apt-get install podman")
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can have a storage of its own in a folder here")
	}
	_, host, digest := serve(t)
	dir := t.TempDir()
	run := func(words ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), podman, append([]string{
			"--storage-driver", "vfs", "--root", dir + "/root", "--runroot", dir + "/run", "--tmpdir", dir + "/tmp",
			"--cgroup-manager", "cgroupfs", "--events-backend", "none",
		}, words...)...)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := run("images", "-q"); err != nil {
		t.Skipf("podman can't have a storage here: %v: %s", err, out)
	}
	image := host + "/ns/nova-api"
	if out, err := run("pull", "-q", "--tls-verify=false", image+":17.1"); err != nil {
		t.Fatalf("by tag: %v\n%s", err, out)
	}
	out, err := run("image", "inspect", "--format", "{{.Digest}} {{len .RootFS.Layers}}", image+":17.1")
	if want := digest + " 2"; err != nil || strings.TrimSpace(out) != want {
		t.Errorf("it has %s, %v; want %s", out, err, want)
	}
	if out, err := run("pull", "-q", "--tls-verify=false", image+"@"+digest); err != nil {
		t.Errorf("by digest: %v\n%s", err, out)
	}
	if out, err := run("pull", "-q", "--tls-verify=false", image+":none"); err == nil || !strings.Contains(out, "manifest unknown") {
		t.Errorf("a missing tag: %v\n%s", err, out)
	}
}

// An index is for those who know it; others get its image.
func TestATagWithAnIndex(t *testing.T) {
	t.Parallel()
	f, host, child := serve(t)
	index, err := mutate.IndexMediaType(empty.Index, list).RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	digest, err := mutate.IndexMediaType(empty.Index, list).Digest()
	if err != nil {
		t.Fatal(err)
	}
	f.file(t, "v2/ns/nova-api/manifests/"+digest.String()+"/index.json", string(index))
	f.tag(t, "ns/nova-api", "multi", list, digest.String(), docker, child)
	for accept, want := range map[string]string{docker: child, list + ", " + docker: digest.String(), "": child} {
		_, _, header := get(t, http.MethodHead, host+"/v2/ns/nova-api/manifests/multi", "Accept", accept)
		if got := header.Get("Docker-Content-Digest"); got != want {
			t.Errorf("who accepts %q gets %s, not %s", accept, got, want)
		}
	}
}

func TestOlderFoldersHaveLinks(t *testing.T) {
	t.Parallel()
	f, host, digest := serve(t)
	if err := os.Symlink(digest, filepath.Join(f.dir, "v2/ns/nova-api/manifests/old")); err != nil {
		t.Fatal(err)
	}
	if status, _, header := get(t, http.MethodGet, host+"/v2/ns/nova-api/manifests/old"); status != http.StatusOK ||
		header.Get("Docker-Content-Digest") != digest {
		t.Errorf("%d, %v", status, header)
	}
	if _, text, _ := get(t, http.MethodGet, host+"/v2/ns/nova-api/tags/list"); !strings.Contains(text, `["17.1","old"]`) {
		t.Errorf("tags: %s", text)
	}
}

func TestPartsOfBlobs(t *testing.T) {
	t.Parallel()
	f, host, _ := serve(t)
	blobs, err := filepath.Glob(filepath.Join(f.dir, "v2/ns/nova-api/blobs/*.gz"))
	if err != nil || len(blobs) != 2 {
		t.Fatalf("%v, %v", blobs, err)
	}
	whole, err := os.ReadFile(blobs[0])
	if err != nil {
		t.Fatal(err)
	}
	digest := strings.TrimSuffix(filepath.Base(blobs[0]), ".gz")
	status, text, _ := get(t, http.MethodGet, host+"/v2/ns/nova-api/blobs/"+digest, "Range", "bytes=100-")
	if status != http.StatusPartialContent || text != string(whole[100:]) {
		t.Errorf("%d, %d bytes", status, len(text))
	}
}

func TestAnEmptyFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "v2"), 0o750); err != nil {
		t.Fatal(err)
	}
	f, err := imageserve.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	server := httptest.NewServer(f.Handler(nil))
	defer server.Close()
	if _, text, _ := get(t, http.MethodGet, strings.TrimPrefix(server.URL, "http://")+"/v2/_catalog"); text != `{"repositories":[]}` {
		t.Errorf("the catalogue is %s", text)
	}
}

// Nothing can be written, and nothing outside of the folder can be read.
func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	f, host, digest := serve(t)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	zero := "sha256:" + strings.Repeat("0", 64)
	if err := os.Symlink(secret, filepath.Join(f.dir, "v2/ns/nova-api/blobs", zero)); err != nil {
		t.Fatal(err)
	}
	f.tag(t, "ns/nova-api", "out", docker, "../../../../etc")
	f.file(t, "v2/ns/nova-api/manifests/"+zero+"/index.json", "forged")
	for url, want := range map[string]int{
		"/v2/ns/nova-api/manifests/none":                      http.StatusNotFound,
		"/v2/ns/nova-api/manifests/out":                       http.StatusInternalServerError,
		"/v2/ns/nova-api/manifests/" + zero:                   http.StatusInternalServerError, // corrupt
		"/v2/ns/nova-api/blobs/" + zero:                       http.StatusInternalServerError, // leads out
		"/v2/ns/nova-api/blobs/..%2f..%2f..%2f..%2fetc":       http.StatusNotFound,
		"/v2/ns/nova-api/manifests/..%2f..%2f..":              http.StatusNotFound,
		"/v2/../../etc/manifests/x":                           http.StatusNotFound,
		"/v2/%2e%2e/manifests/x":                              http.StatusNotFound,
		"/v2/none/tags/list":                                  http.StatusNotFound,
		"/etc/passwd":                                         http.StatusNotFound,
		"/v2/ns/nova-api/blobs/" + strings.Repeat("a", 10000): http.StatusNotFound,
	} {
		status, text, _ := get(t, http.MethodGet, host+url)
		if status != want || strings.Contains(text, "secret") || strings.Contains(text, f.dir) {
			t.Errorf("%.80s: %d, %.300s", url, status, text)
		}
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if status, text, _ := get(t, method, host+"/v2/ns/nova-api/manifests/"+digest); status != http.StatusMethodNotAllowed ||
			!strings.Contains(text, "UNSUPPORTED") {
			t.Errorf("%s: %d, %s", method, status, text)
		}
	}
	if _, err := imageserve.Open(t.TempDir()); !fault.Is(err, fault.Usage) {
		t.Errorf("an empty folder: %v", err)
	}
	if _, err := imageserve.Open(filepath.Join(f.dir, "none")); !fault.Is(err, fault.NotFound) {
		t.Errorf("no folder: %v", err)
	}
}
