package transfer_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/layout"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// export writes images into a layout; leave are blobs that it does without.
func export(t *testing.T, path string, from *server, images []string, leave map[string][]string) (*transfer.Plan, error) {
	t.Helper()
	l, err := layout.Create(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.Leave(leave)
	s := transfer.Stores{Registries: client(t, registry.Options{}), Folders: map[string]transfer.Folder{path: l}}
	var all []transfer.Job
	for _, i := range images {
		r := parse(t, from.host+"/"+i)
		all = append(all, transfer.Job{Source: r, Target: r, TargetFolder: path, MultiArch: true})
	}
	plan, err := transfer.NewPlan(t.Context(), s, all, transfer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return plan, plan.Apply(t.Context(), report.Discard)
}

// bring copies all images of a layout to a registry, under their own paths.
func bring(t *testing.T, path string, to *server) (*transfer.Plan, error) {
	t.Helper()
	l, err := layout.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	images, err := l.Images(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	o := transfer.Options{MayHave: map[string][]string{}}
	for digest, names := range l.Left() {
		for _, name := range names {
			o.MayHave[digest] = append(o.MayHave[digest], parse(t, name).Repository())
		}
	}
	var all []transfer.Job
	for _, i := range images {
		target := i
		target.Host = to.host
		all = append(all, transfer.Job{Source: i, Target: target, SourceFolder: path, MultiArch: true})
	}
	s := transfer.Stores{Registries: client(t, registry.Options{}), Folders: map[string]transfer.Folder{path: l}}
	plan, err := transfer.NewPlan(t.Context(), s, all, o)
	if err != nil {
		t.Fatal(err)
	}
	return plan, plan.Apply(t.Context(), report.Discard)
}

// layouts are a folder and a file.
func layouts(t *testing.T, test func(t *testing.T, path string)) {
	t.Helper()
	for _, name := range []string{"folder", "file.tar"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, filepath.Join(t.TempDir(), name))
		})
	}
}

func (s *server) multi(t *testing.T, name string) {
	t.Helper()
	index := v1.ImageIndex(empty.Index)
	for _, architecture := range []string{"arm64", "amd64"} {
		image, err := random.Image(3000, 1)
		if err != nil {
			t.Fatal(err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{
			Platform: &v1.Platform{OS: "linux", Architecture: architecture},
		}})
	}
	if err := remote.WriteIndex(s.ref(t, name), index); err != nil {
		t.Fatal(err)
	}
}

func TestThroughALayout(t *testing.T) {
	t.Parallel()
	layouts(t, func(t *testing.T, path string) {
		from, to := start(t), start(t)
		base := layer(t, 50_000)
		image, sbom := from.signed(t)
		from.push(t, "ns/b:1", base)
		digest := from.push(t, "ns/c:1", base)
		from.multi(t, "ns/multi:1")
		all := []string{"ns/a:1", "ns/b:1", "ns/c@" + digest.String(), "ns/multi:1"}
		from.reset()
		plan, err := export(t, path, from, all, nil)
		if err != nil {
			t.Fatal(err)
		}
		if from.sent != plan.Down || plan.Up[path] != plan.Down {
			t.Errorf("%d bytes were fetched; planned %d, %v", from.sent, plan.Down, plan.Up)
		}
		from.reset()
		again, err := export(t, path, from, all, nil)
		if err != nil || !again.Done() || from.sent != 0 {
			t.Errorf("a second export: %v, done %v, %d bytes", err, again.Done(), from.sent)
		}
		if plan, err = bring(t, path, to); err != nil {
			t.Fatal(err)
		}
		if len(plan.Images) != len(all)+3 { // with cosign's tags
			t.Errorf("%d images were brought", len(plan.Images))
		}
		for _, name := range append(all, image+".sig") {
			if got, want := to.has(t, name), from.has(t, name); got != want || !strings.HasPrefix(got, "sha256:") {
				t.Errorf("%s is %s, not %s", name, got, want)
			}
			if !strings.Contains(name, "multi") {
				to.whole(t, name)
			}
		}
		to.finds(t, image, sbom)
		if again, err := bring(t, path, to); err != nil || !again.Done() {
			t.Errorf("a second import: %v", err)
		}
	})
}

func TestSkopeoReadsALayout(t *testing.T) {
	t.Parallel()
	skopeo, err := exec.LookPath("skopeo")
	if err != nil {
		t.Skip("skopeo isn't installed: apt-get install skopeo")
	}
	layouts(t, func(t *testing.T, path string) {
		from := start(t)
		from.push(t, "ns/a:1", layer(t, 50_000))
		from.write(t, "ns/b:1", artifact(t, "skopeo only takes OCI's manifests from a layout", nil))
		if _, err := export(t, path, from, []string{"ns/a:1", "ns/b:1"}, nil); err != nil {
			t.Fatal(err)
		}
		kind := "oci:"
		if strings.HasSuffix(path, ".tar") {
			kind = "oci-archive:"
		}
		copied := filepath.Join(t.TempDir(), "copied")
		cmd := exec.CommandContext(t.Context(), skopeo, "--insecure-policy", "copy", "--preserve-digests",
			kind+path+":"+from.host+"/ns/b:1", "dir:"+copied)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
		}
		text, err := os.ReadFile(filepath.Join(copied, "manifest.json"))
		if err != nil {
			t.Fatal(err)
		}
		if digest, _, err := v1.SHA256(strings.NewReader(string(text))); err != nil || digest.String() != from.has(t, "ns/b:1") {
			t.Errorf("skopeo copied %s, %v", digest, err)
		}
	})
}

// A delta has only what the images of another export don't have.
func TestADelta(t *testing.T) {
	t.Parallel()
	layouts(t, func(t *testing.T, path string) {
		from, to := start(t), start(t)
		base, old := layer(t, 200_000), layer(t, 30_000)
		from.push(t, "ns/a:1", base, old)
		if _, err := copied(t, client(t, registry.Options{}), jobs(t, from, []string{"ns/a:1"}, to)); err != nil {
			t.Fatal(err)
		}
		s := transfer.Registries(client(t, registry.Options{}))
		first := parse(t, from.host+"/ns/a@"+from.has(t, "ns/a:1"))
		had, err := transfer.Blobs(t.Context(), s, []transfer.Job{{Source: first, MultiArch: true}}, transfer.Options{})
		if err != nil {
			t.Fatal(err)
		}
		from.push(t, "ns/a:2", base, layer(t, 10_000))
		from.push(t, "ns/new:1", base) // in a repository that the target doesn't have
		from.reset()
		plan, err := export(t, path, from, []string{"ns/a:2", "ns/new:1"}, had)
		if err != nil {
			t.Fatal(err)
		}
		if plan.Down > 20_000 || from.sent != plan.Down {
			t.Errorf("the delta has %d bytes; %d were fetched", plan.Down, from.sent)
		}
		if _, err := bring(t, path, to); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"ns/a:2", "ns/new:1"} {
			if to.has(t, name) != from.has(t, name) {
				t.Errorf("%s is %s", name, to.has(t, name))
			}
			to.whole(t, name)
		}
		other := start(t)
		const want = "neither in the source nor at the target"
		if _, err := bring(t, path, other); !fault.Is(err, fault.NotFound) || !strings.Contains(err.Error(), want) {
			t.Errorf("where the first images aren't: %v", err)
		}
	})
}

func TestAnExportThatWasStoppedIsResumed(t *testing.T) {
	t.Parallel()
	layouts(t, func(t *testing.T, path string) {
		from := start(t)
		for _, r := range repositories(6) {
			from.push(t, r, layer(t, 100_000))
		}
		l, err := layout.Create(path, false)
		if err != nil {
			t.Fatal(err)
		}
		s := transfer.Stores{Registries: client(t, registry.Options{}), Folders: map[string]transfer.Folder{path: l}}
		var all []transfer.Job
		for _, j := range jobs(t, from, repositories(6), from) {
			j.TargetFolder = path
			all = append(all, j)
		}
		plan, err := transfer.NewPlan(t.Context(), s, all, transfer.Options{Blobs: 1})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var gets atomic.Int32
		from.rule(func(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
			if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/blobs/") || gets.Add(1) < 5 {
				return false
			}
			next.ServeHTTP(&half{ResponseWriter: w}, r)
			cancel() // in the middle of a blob
			panic(http.ErrAbortHandler)
		})
		if err := plan.Apply(ctx, report.Discard); !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v", err)
		}
		l.Close()
		if _, err := layout.Open(path); err == nil {
			t.Error("what was stopped looks finished")
		}
		from.rule(nil)
		from.reset()
		second, err := export(t, path, from, repositories(6), nil)
		if err != nil {
			t.Fatal(err)
		}
		if second.Down > plan.Down-300_000 || from.sent != second.Down {
			t.Errorf("the second run planned %d of %d bytes and fetched %d", second.Down, plan.Down, from.sent)
		}
		to := start(t)
		if _, err := bring(t, path, to); err != nil {
			t.Fatal(err)
		}
		for _, r := range repositories(6) {
			to.whole(t, r)
		}
	})
}

func TestASpoiltLayout(t *testing.T) {
	t.Parallel()
	layouts(t, func(t *testing.T, path string) {
		from, to := start(t), start(t)
		from.push(t, "ns/a:1", layer(t, 100_000))
		if _, err := export(t, path, from, []string{"ns/a:1"}, nil); err != nil {
			t.Fatal(err)
		}
		file := path
		if !strings.HasSuffix(path, ".tar") {
			_ = filepath.WalkDir(filepath.Join(path, "blobs"), func(name string, d os.DirEntry, err error) error {
				if info, e := d.Info(); e == nil && info.Size() > 50_000 {
					file = name
				}
				return err
			})
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text[50_000] ^= 1
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := bring(t, path, to); err == nil || !strings.Contains(err.Error(), "corrupt") {
			t.Errorf("%v", err)
		}
		if n := to.asked(http.MethodPut, "/manifests/"); n != 0 {
			t.Errorf("%d manifests were stored", n)
		}
		if err := os.Truncate(file, 40_000); err != nil {
			t.Fatal(err)
		}
		if file != path {
			if _, err := bring(t, path, to); err == nil || !strings.Contains(err.Error(), "neither in the source") {
				t.Errorf("a blob that is cut off: %v", err)
			}
			return
		}
		if _, err := layout.Open(path); err == nil || !strings.Contains(err.Error(), "no whole tar file") {
			t.Errorf("a file that is cut off: %v", err)
		}
	})
}

// Nothing is replaced that has other images, and no two runs write one file.
func TestAFileThatIsThere(t *testing.T) {
	t.Parallel()
	from := start(t)
	from.push(t, "ns/a:1", layer(t, 1000))
	from.push(t, "ns/b:1", layer(t, 1000))
	path := filepath.Join(t.TempDir(), "file.tar")
	if _, err := export(t, path, from, []string{"ns/a:1"}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := export(t, path, from, []string{"ns/b:1"}, nil); !fault.Is(err, fault.Conflict) {
		t.Errorf("%v", err)
	}
	other := filepath.Join(t.TempDir(), "other.tar")
	l, err := layout.Create(other, false)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := layout.Create(other, false); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second writer: %v", err)
	}
}
