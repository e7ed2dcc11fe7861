package transfer_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// artifact is something that is about an image; with a subject it is attached to it.
func artifact(t *testing.T, text string, subject *v1.Descriptor) v1.Image {
	t.Helper()
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), "application/vnd.example.sbom")
	image, err := mutate.AppendLayers(image, static.NewLayer([]byte(text), "text/plain"))
	if err != nil {
		t.Fatal(err)
	}
	if subject == nil {
		return image
	}
	attached, ok := mutate.Subject(image, *subject).(v1.Image)
	if !ok {
		t.Fatal("a subject made something else of the image")
	}
	return attached
}

func describe(t *testing.T, image v1.Image) *v1.Descriptor {
	t.Helper()
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	size, err := image.Size()
	if err != nil {
		t.Fatal(err)
	}
	return &v1.Descriptor{MediaType: types.OCIManifestSchema1, Digest: digest, Size: size}
}

// signed stores an image, its signature and its attestation by cosign's tags, an SBOM that is attached
// to it, and a signature of the SBOM.
func (s *server) signed(t *testing.T) (image string, sbom v1.Hash) {
	t.Helper()
	digest := s.push(t, "ns/a:1", layer(t, 10_000))
	tag := "ns/a:" + strings.Replace(digest.String(), ":", "-", 1)
	s.write(t, tag+".sig", artifact(t, "signature", nil))
	s.write(t, tag+".att", artifact(t, "attestation", nil))
	d, err := remote.Head(s.ref(t, "ns/a:1"))
	if err != nil {
		t.Fatal(err)
	}
	about := artifact(t, "sbom", d)
	digestOf := describe(t, about).Digest
	s.write(t, "ns/a@"+digestOf.String(), about)
	s.write(t, "ns/a:"+strings.Replace(digestOf.String(), ":", "-", 1)+".sig", artifact(t, "signature of the sbom", nil))
	return tag, digestOf
}

// finds fails unless the registry tells of what is attached, by the API or by the tag in its place.
func (s *server) finds(t *testing.T, image string, attached v1.Hash) {
	t.Helper()
	digest, ok := s.ref(t, strings.Replace(image, ":sha256-", "@sha256:", 1)).(name.Digest)
	if !ok {
		t.Fatalf("%s has no digest", image)
	}
	index, err := remote.Referrers(digest)
	if err != nil {
		t.Fatal(err)
	}
	list, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	const sbom = "application/vnd.example.sbom"
	if len(list.Manifests) != 1 || list.Manifests[0].Digest != attached || list.Manifests[0].ArtifactType != sbom {
		t.Errorf("what is attached to %s at %s: %+v, want only %s", image, s.host, list.Manifests, attached)
	}
	s.whole(t, "ns/a@"+attached.String())
}

func TestWhatIsAttachedIsCopied(t *testing.T) {
	t.Parallel()
	api := ggcr.WithReferrersSupport(true)
	for what, c := range map[string]struct{ from, to []ggcr.Option }{
		"tags to tags": {}, "API to API": {from: []ggcr.Option{api}, to: []ggcr.Option{api}},
		"API to tags": {from: []ggcr.Option{api}}, "tags to API": {to: []ggcr.Option{api}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			from, to := start(t, c.from...), start(t, c.to...)
			image, sbom := from.signed(t)
			to.reset()
			from.reset()
			plan, err := copied(t, client(t, registry.Options{}), jobs(t, from, []string{"ns/a:1"}, to))
			if err != nil {
				t.Fatal(err)
			}
			for _, tag := range []string{image + ".sig", image + ".att", "ns/a:" + strings.Replace(sbom.String(), ":", "-", 1) + ".sig"} {
				if got, want := to.has(t, tag), from.has(t, tag); got != want || !strings.HasPrefix(got, "sha256:") {
					t.Errorf("%s is %s, not %s", tag, got, want)
				}
			}
			to.finds(t, image, sbom)
			if plan.Images[0].Attached != 4 || from.sent != plan.Down || to.taken != plan.Down {
				t.Errorf("%d are attached; planned %d bytes, fetched %d, sent %d", plan.Images[0].Attached, plan.Down, from.sent, to.taken)
			}
			to.mu.Lock()
			defer to.mu.Unlock()
			puts := slices.DeleteFunc(slices.Clone(to.requests), func(r string) bool {
				return !strings.HasPrefix(r, http.MethodPut+" /v2/ns/a/manifests/")
			})
			if last := puts[len(puts)-1]; !strings.HasSuffix(last, "/manifests/1") {
				t.Errorf("the image isn't stored last: %q", puts)
			}
		})
	}
}

func TestWhichReferrersAreCopied(t *testing.T) {
	t.Parallel()
	from, to := start(t), start(t)
	c := client(t, registry.Options{})
	run := func(which transfer.Referrers) *transfer.Plan {
		plan, err := transfer.NewPlan(t.Context(), transfer.Registries(c), jobs(t, from, []string{"ns/a:1"}, to),
			transfer.Options{Referrers: which})
		if err != nil {
			t.Fatal(err)
		}
		if err := plan.Apply(t.Context(), report.Discard); err != nil {
			t.Fatal(err)
		}
		return plan
	}
	image, _ := from.signed(t)
	run(transfer.NoReferrers)
	if got := to.has(t, image+".sig"); strings.HasPrefix(got, "sha256:") {
		t.Errorf("the signature was copied: %s", got)
	}
	from.reset()
	to.reset()
	if run(transfer.NewReferrers); len(from.requests)+len(to.requests) != 2 {
		t.Errorf("an image that is up to date takes the requests %q, %q", from.requests, to.requests)
	}
	if p := run(transfer.AllReferrers); to.has(t, image+".sig") != from.has(t, image+".sig") || p.Images[0].Attached != 4 {
		t.Errorf("the signature is %s; %d are attached", to.has(t, image+".sig"), p.Images[0].Attached)
	}
	if p := run(transfer.AllReferrers); p.Down != 0 || p.Images[0].State != transfer.Current {
		t.Errorf("a second run: %+v", p.Images[0])
	}
}

// A repository with many tags isn't read to its end.
func TestManyTags(t *testing.T) {
	t.Parallel()
	from, to := start(t), start(t)
	image, _ := from.signed(t)
	from.rule(func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		if !strings.HasSuffix(r.URL.Path, "/tags/list") {
			return false
		}
		w.Header().Set("Link", `</v2/ns/a/tags/list?last=`+r.URL.Query().Get("last")+`x>; rel="next"`)
		_, _ = w.Write([]byte(`{"tags": ["a"]}`))
		return true
	})
	from.reset()
	if _, err := copied(t, client(t, registry.Options{}), jobs(t, from, []string{"ns/a:1"}, to)); err != nil {
		t.Fatal(err)
	}
	if n := from.asked(http.MethodGet, "/tags/list"); n != 1 || to.has(t, image+".sig") != from.has(t, image+".sig") {
		t.Errorf("%d pages were read; the signature is %s", n, to.has(t, image+".sig"))
	}
}

// What can't be looked up isn't left behind in silence.
func TestReferrersThatCannotBeRead(t *testing.T) {
	t.Parallel()
	from, to := start(t), start(t)
	from.signed(t)
	from.rule(func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		if !strings.HasSuffix(r.URL.Path, ".sig") {
			return false
		}
		http.Error(w, "broken", http.StatusInternalServerError)
		return true
	})
	_, err := copied(t, client(t, registry.Options{Retries: -1}), jobs(t, from, []string{"ns/a:1"}, to))
	if !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "what is attached to sha256:") {
		t.Errorf("%v", err)
	}
}
