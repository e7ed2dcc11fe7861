package transfer_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

func TestSharedLayersAreSentOnce(t *testing.T) {
	t.Parallel()
	from, to := start(t), start(t)
	base, family := layer(t, 300_000), layer(t, 50_000)
	digests := map[string]string{}
	for _, r := range repositories(8) {
		digests[r] = from.push(t, r, base, family).String()
	}
	from.reset()
	to.reset()
	c := client(t, registry.Options{})
	plan, err := copied(t, c, jobs(t, from, repositories(8), to))
	if err != nil {
		t.Fatal(err)
	}
	for r, digest := range digests {
		if got := to.has(t, r); got != digest {
			t.Errorf("%s is %s, not %s", r, got, digest)
		}
		to.whole(t, r)
	}
	if from.sent != plan.Down || to.taken != plan.Up[to.host] || plan.Down != plan.Up[to.host] {
		t.Errorf("fetched %d and sent %d bytes; planned %d and %v", from.sent, to.taken, plan.Down, plan.Up)
	}
	if plan.Down > 400_000 {
		t.Errorf("%d bytes are planned for layers of 350 kB", plan.Down)
	}
	if n := from.asked(http.MethodGet, "/blobs/"); n != 2+8+8 {
		t.Errorf("%d blobs were fetched; there are 2 shared layers, 8 of their own and 8 configurations", n)
	}

	from.reset()
	to.reset()
	again, err := transfer.NewPlan(t.Context(), transfer.Registries(c), jobs(t, from, repositories(8), to), transfer.Options{})
	if err != nil || !again.Done() || again.Down != 0 {
		t.Errorf("a second plan: done %v, %d bytes, %v", again.Done(), again.Down, err)
	}
	if n := len(from.requests) + len(to.requests); n != 16 {
		t.Errorf("%d requests for 8 images that are up to date", n)
	}
	if n := to.asked(http.MethodPut, "") + to.asked(http.MethodPost, "") + to.asked(http.MethodPatch, ""); n != 0 {
		t.Errorf("planning sent %d writing requests", n)
	}
}

func TestTwoTargetsFetchOnce(t *testing.T) {
	t.Parallel()
	from, one, two := start(t), start(t), start(t)
	base := layer(t, 200_000)
	for _, r := range repositories(3) {
		from.push(t, r, base)
	}
	from.reset()
	plan, err := copied(t, client(t, registry.Options{}), jobs(t, from, repositories(3), one, two))
	if err != nil {
		t.Fatal(err)
	}
	if from.sent != plan.Down {
		t.Errorf("%d bytes were fetched, not %d", from.sent, plan.Down)
	}
	for _, to := range []*server{one, two} {
		for _, r := range repositories(3) {
			if to.has(t, r) != from.has(t, r) {
				t.Errorf("%s at %s is %s", r, to.host, to.has(t, r))
			}
			to.whole(t, r)
		}
	}
}

func TestATargetThatFailsDoesNotHoldUpTheOther(t *testing.T) {
	t.Parallel()
	from, good, bad := start(t), start(t), start(t)
	from.push(t, "ns/a:1", layer(t, 500_000))
	bad.rule(func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/blobs/") {
			http.Error(w, `{"errors":[{"code":"DENIED","message":"the disk is full"}]}`, http.StatusInsufficientStorage)
			return true
		}
		return false
	})
	plan, err := copied(t, client(t, registry.Options{}), jobs(t, from, []string{"ns/a:1"}, good, bad))
	if !fault.Is(err, fault.Partial) || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("error %v", err)
	}
	if plan.Images[0].State != transfer.Copied || plan.Images[1].State != transfer.Failed {
		t.Errorf("states %s, %s", plan.Images[0].State, plan.Images[1].State)
	}
	good.whole(t, "ns/a:1")
}

func TestAnIndexFollowsItsImages(t *testing.T) {
	t.Parallel()
	from, to := start(t), start(t)
	index := v1.ImageIndex(empty.Index)
	for _, architecture := range []string{"arm64", "amd64"} {
		image, err := random.Image(10_000, 2)
		if err != nil {
			t.Fatal(err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{
			Platform: &v1.Platform{OS: "linux", Architecture: architecture},
		}})
	}
	if err := remote.WriteIndex(from.ref(t, "ns/multi:1"), index); err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	stored := map[string]bool{}
	to.rule(func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/") {
			if strings.HasSuffix(r.URL.Path, "/1") && len(stored) < 2 {
				http.Error(w, "an image of the index is missing", http.StatusNotFound)
				return true
			}
			stored[r.URL.Path] = true
		}
		return false
	})
	source, c := parse(t, from.host+"/ns/multi:1"), client(t, registry.Options{})
	plan, err := copied(t, c, []transfer.Job{{Source: source, Target: parse(t, to.host+"/ns/multi:1"), MultiArch: true}})
	if err != nil {
		t.Fatal(err)
	}
	if digest, err := index.Digest(); err != nil || to.has(t, "ns/multi:1") != digest.String() || plan.Images[0].Digest != digest.String() {
		t.Errorf("the index became %s, not %s", to.has(t, "ns/multi:1"), digest)
	}
	to.rule(nil)
	if _, err := copied(t, c, []transfer.Job{{Source: source, Target: parse(t, to.host+"/ns/one:1")}}); err != nil {
		t.Fatal(err)
	}
	if got, want := to.has(t, "ns/one:1"), manifest.Manifests[1].Digest.String(); got != want {
		t.Errorf("without multi-arch it became %s, not the image for amd64, %s", got, want)
	}
}

func TestOCIManifestsKeepTheirDigests(t *testing.T) {
	t.Parallel()
	from, to := start(t), start(t)
	oci := mutate.MediaType(mutate.ConfigMediaType(empty.Image, types.OCIConfigJSON), types.OCIManifestSchema1)
	image, err := mutate.AppendLayers(oci, layer(t, 1000))
	if err != nil {
		t.Fatal(err)
	}
	annotated, ok := mutate.Annotations(image, map[string]string{"a": "b"}).(v1.Image)
	if !ok {
		t.Fatal("annotations made something else of the image")
	}
	from.write(t, "ns/oci:1", annotated)
	if _, err := copied(t, client(t, registry.Options{}), jobs(t, from, []string{"ns/oci:1"}, to)); err != nil {
		t.Fatal(err)
	}
	if to.has(t, "ns/oci:1") != from.has(t, "ns/oci:1") {
		t.Errorf("%s became %s", from.has(t, "ns/oci:1"), to.has(t, "ns/oci:1"))
	}
}

func TestAFailedImageDoesNotStopTheOthers(t *testing.T) {
	t.Parallel()
	from, to := start(t), start(t)
	from.push(t, "ns/a:1", layer(t, 1000))
	from.push(t, "ns/b:1", layer(t, 1000))
	plan, err := copied(t, client(t, registry.Options{}), jobs(t, from, []string{"ns/a:1", "ns/missing:1", "ns/b:1"}, to))
	for _, want := range []string{"1 of 3 images failed", "ns/missing:1: not found"} {
		if !fault.Is(err, fault.Partial) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, which should say %q", err, want)
		}
	}
	if to.has(t, "ns/a:1") != from.has(t, "ns/a:1") || to.has(t, "ns/b:1") != from.has(t, "ns/b:1") {
		t.Error("the others weren't copied")
	}
	if rows := plan.Rows(); len(rows) != 3 || rows[1][2].Value != "failed" {
		t.Errorf("rows %v", rows)
	}
	if _, err := copied(t, client(t, registry.Options{}), jobs(t, from, []string{"ns/missing:1"}, to)); !fault.Is(err, fault.NotFound) {
		t.Errorf("where all failed: %v", err)
	}
}

// cut ends the first n answers with a blob's bytes after the half.
func cut(n int32) func(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
	var cuts atomic.Int32
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
		if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/blobs/") || cuts.Add(1) > n {
			return false
		}
		next.ServeHTTP(&half{ResponseWriter: w}, r)
		panic(http.ErrAbortHandler)
	}
}

type half struct {
	http.ResponseWriter
	left int
}

func (h *half) WriteHeader(status int) {
	h.left, _ = strconv.Atoi(h.Header().Get("Content-Length"))
	h.left /= 2
	h.ResponseWriter.WriteHeader(status)
}

func (h *half) Write(p []byte) (int, error) {
	if len(p) > h.left {
		_, _ = h.ResponseWriter.Write(p[:h.left])
		if f, ok := h.ResponseWriter.(http.Flusher); ok {
			f.Flush()
		}
		return 0, errors.New("cut")
	}
	h.left -= len(p)
	return h.ResponseWriter.Write(p)
}

func TestABlobGoesOnWhereItWasCut(t *testing.T) {
	t.Parallel()
	from, to := start(t), start(t)
	from.push(t, "ns/a:1", layer(t, 1_000_000))
	from.reset()
	from.rule(cut(2))
	plan, err := copied(t, client(t, registry.Options{}), jobs(t, from, []string{"ns/a:1"}, to))
	if err != nil {
		t.Fatal(err)
	}
	to.whole(t, "ns/a:1")
	if from.sent > plan.Down+200_000 {
		t.Errorf("%d bytes were sent for %d", from.sent, plan.Down)
	}
}

func TestACorruptBlobIsNotStored(t *testing.T) {
	t.Parallel()
	from, to := start(t), start(t)
	from.push(t, "ns/a:1", layer(t, 10_000))
	from.rule(func(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
		if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/blobs/") {
			return false
		}
		next.ServeHTTP(&garbling{ResponseWriter: w}, r)
		return true
	})
	_, err := copied(t, client(t, registry.Options{}), jobs(t, from, []string{"ns/a:1"}, to))
	if err == nil || !strings.Contains(err.Error(), "corrupt") {
		t.Errorf("error %v", err)
	}
	if n := to.asked(http.MethodPut, "/manifests/"); n != 0 {
		t.Errorf("%d manifests were stored", n)
	}
}

type garbling struct{ http.ResponseWriter }

func (g *garbling) Write(p []byte) (int, error) {
	q := append([]byte(nil), p...)
	q[len(q)-1] ^= 1
	return g.ResponseWriter.Write(q)
}

func TestACancelledRunIsResumed(t *testing.T) {
	t.Parallel()
	from, to := start(t), start(t)
	for _, r := range repositories(6) {
		from.push(t, r, layer(t, 100_000))
	}
	all := jobs(t, from, repositories(6), to)
	c := client(t, registry.Options{})
	plan, err := transfer.NewPlan(t.Context(), transfer.Registries(c), all, transfer.Options{Blobs: 1})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var puts atomic.Int32
	to.rule(func(http.ResponseWriter, *http.Request, http.Handler) bool {
		if puts.Add(1) == 12 {
			cancel()
		}
		return false
	})
	if err := plan.Apply(ctx, report.Discard); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	to.rule(nil)
	from.reset()
	second, err := copied(t, c, all)
	if err != nil {
		t.Fatal(err)
	}
	if second.Down >= plan.Down || from.sent != second.Down {
		t.Errorf("the second run planned %d of %d bytes and fetched %d", second.Down, plan.Down, from.sent)
	}
	for _, r := range repositories(6) {
		to.whole(t, r)
	}
}

func TestTwoSourcesForOneTarget(t *testing.T) {
	t.Parallel()
	target := parse(t, "b.example/x:1")
	_, err := transfer.NewPlan(t.Context(), transfer.Registries(client(t, registry.Options{})), []transfer.Job{
		{Source: parse(t, "a.example/x:1"), Target: target}, {Source: parse(t, "a.example/y:1"), Target: target},
	}, transfer.Options{})
	if !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), "would both be copied to b.example/x:1") {
		t.Errorf("error %v", err)
	}
}

func TestAnotherRepositoryOfTheSameRegistry(t *testing.T) {
	t.Parallel()
	s := start(t)
	digest := s.push(t, "ns/a:1", layer(t, 100_000))
	s.reset()
	job := transfer.Job{Source: parse(t, s.host+"/ns/a:1"), Target: parse(t, s.host+"/other/a:2")}
	plan, err := copied(t, client(t, registry.Options{}), []transfer.Job{job})
	if err != nil || plan.Down != 0 || s.sent != 0 || s.has(t, "other/a:2") != digest.String() {
		t.Errorf("%v: planned %d bytes, fetched %d, became %s", err, plan.Down, s.sent, s.has(t, "other/a:2"))
	}
}

// What was there when it was looked up may be gone when the manifest comes.
func TestABlobThatVanishedIsSentAgain(t *testing.T) {
	t.Parallel()
	from, to := start(t), start(t)
	from.push(t, "ns/a:1", layer(t, 10_000))
	var refused atomic.Int32
	to.rule(func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		switch {
		case r.Method == http.MethodHead && strings.Contains(r.URL.Path, "/blobs/") && refused.Load() == 0:
			w.WriteHeader(http.StatusOK) // it says that it has all
		case r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/") && refused.Add(1) == 1:
			http.Error(w, `{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown to registry"}]}`, http.StatusBadRequest)
		default:
			return false
		}
		return true
	})
	if _, err := copied(t, client(t, registry.Options{}), jobs(t, from, []string{"ns/a:1"}, to)); err != nil {
		t.Fatal(err)
	}
	to.rule(nil)
	to.whole(t, "ns/a:1")
}

// docker-registry refuses an index while an image of it is stored once more, under a tag of its own.
func TestAnIndexWhoseImageIsBeingStored(t *testing.T) {
	t.Parallel()
	from, to := start(t), start(t)
	from.multi(t, "ns/multi:1")
	var refused atomic.Int32
	to.rule(func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		if r.Method != http.MethodPut || !strings.HasSuffix(r.URL.Path, "/manifests/1") || refused.Add(1) > 1 {
			return false
		}
		http.Error(w, `{"errors":[{"code":"DIGEST_INVALID"},{"code":"MANIFEST_BLOB_UNKNOWN"}]}`, http.StatusBadRequest)
		return true
	})
	all := jobs(t, from, []string{"ns/multi:1"}, to)
	all[0].MultiArch = true
	if _, err := copied(t, client(t, registry.Options{}), all); err != nil || refused.Load() != 2 {
		t.Errorf("%v after %d tries", err, refused.Load())
	}
	if to.has(t, "ns/multi:1") != from.has(t, "ns/multi:1") {
		t.Errorf("the index is %s", to.has(t, "ns/multi:1"))
	}
}

// A layer that only its maker's servers have stays there; the manifest says where.
func TestForeignLayersAreLeftOut(t *testing.T) {
	t.Parallel()
	from, to := start(t), start(t)
	foreign := static.NewLayer([]byte("of somebody else"), types.DockerForeignLayer)
	image, err := mutate.Append(empty.Image,
		mutate.Addendum{Layer: foreign, URLs: []string{"https://elsewhere.example/layer"}, MediaType: types.DockerForeignLayer},
		mutate.Addendum{Layer: layer(t, 1000)})
	if err != nil {
		t.Fatal(err)
	}
	from.write(t, "ns/foreign:1", image)
	plan, err := copied(t, client(t, registry.Options{}), jobs(t, from, []string{"ns/foreign:1"}, to))
	if err != nil {
		t.Fatal(err)
	}
	if to.has(t, "ns/foreign:1") != from.has(t, "ns/foreign:1") {
		t.Errorf("it became %s", to.has(t, "ns/foreign:1"))
	}
	digest, err := foreign.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if n := from.asked(http.MethodGet, digest.String()); n != 0 || plan.Images[0].Bytes > 2000 {
		t.Errorf("the foreign layer was fetched %d times; %d bytes were planned", n, plan.Images[0].Bytes)
	}
}

func TestARateIsKept(t *testing.T) {
	t.Parallel()
	from, to := start(t), start(t)
	from.push(t, "ns/a:1", layer(t, 200_000))
	plan, err := transfer.NewPlan(t.Context(), transfer.Registries(client(t, registry.Options{})), jobs(t, from, []string{"ns/a:1"}, to),
		transfer.Options{Rate: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := plan.Apply(t.Context(), report.Discard); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < time.Second {
		t.Errorf("200 kB at 100 kB/s, with 64 KiB to begin with, took %s", took)
	}
	to.whole(t, "ns/a:1")
}
