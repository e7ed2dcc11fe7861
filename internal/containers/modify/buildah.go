package modify

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// buildah runs the change in the image. It works in a storage of the run's own, gets the image from
// us and gives us the layer that came out: only we speak to registries.
type buildah struct{}

// build is a Dockerfile with what it may use.
type build struct {
	dockerfile []byte
	context    string
	volumes    []string // FROM:TO[:OPTIONS]
	ownConfig  bool     // the result's configuration is the Dockerfile's, not the image's
	said       string   // file that gets what the script in the image says; "" without script
}

func (buildah) modify(ctx context.Context, w *work) (v1.Image, error) {
	s, err := w.run.storage(ctx)
	if err != nil {
		return nil, err
	}
	id, err := s.pull(ctx, w)
	if err != nil {
		return nil, err
	}
	builds, err := w.builds(ctx, id)
	if err != nil {
		return nil, err
	}
	tag := "localhost/imgctl-result:" + filepath.Base(w.folder)
	for n, b := range builds {
		build := func() error { return s.build(ctx, w, b, tag) }
		if b.said == "" {
			err = build()
		} else {
			err = w.listening(ctx, b.said, build)
		}
		if err == nil {
			return s.result(ctx, w, b, tag)
		}
		if ctx.Err() != nil || n+1 == len(builds) {
			break
		}
		w.rep.Warn("%s: %v; it is tried again without a cache of packages", w.Source, err)
	}
	return nil, err
}

// storage is where buildah keeps images during a run.
type storage struct {
	p       *programs
	folder  string
	driver  string
	mu      sync.Mutex
	chroot  bool
	apart   []string // what starts buildah
	pulled  map[string]func() (string, error)
	scratch *scratch
}

type store struct {
	once sync.Once
	s    *storage
	err  error
}

// storage makes the run's storage when it is needed first.
func (r *run) storage(ctx context.Context) (*storage, error) {
	r.store.once.Do(func() { r.store.s, r.store.err = newStorage(ctx, &programs{&r.o}, r.scratch) })
	return r.store.s, r.store.err
}

// policy has buildah accept what we give it: its signatures are another's business.
const policy = `{"default": [{"type": "insecureAcceptAnything"}]}`

func newStorage(ctx context.Context, p *programs, scratch *scratch) (*storage, error) {
	s := &storage{
		p: p, folder: scratch.folder, scratch: scratch, driver: p.value("STORAGE_DRIVER"), pulled: map[string]func() (string, error){},
	}
	// Without a runtime for containers, or with one that doesn't work here, a chroot has to do.
	s.chroot = p.value("BUILDAH_ISOLATION") == "" && p.has("runc") == "" && p.has("crun") == ""
	if err := os.WriteFile(filepath.Join(s.folder, "policy.json"), []byte(policy), 0o600); err != nil {
		return nil, err
	}
	s.apart = apart(ctx, p)
	if s.driver != "" {
		return s, nil
	}
	s.driver = "overlay"
	if _, err := s.run(ctx, nil, "info"); err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		s.driver = "vfs" // copies each layer, but works everywhere
		if err := os.RemoveAll(filepath.Join(s.folder, "storage")); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// run runs buildah and gives its standard output; lines, unless nil, gets all that it says instead.
func (s *storage) run(ctx context.Context, lines func(string), args ...string) (string, error) {
	global := []string{
		opt("root=") + filepath.Join(s.folder, "storage"), opt("runroot=") + filepath.Join(s.folder, "run"),
		opt("storage-driver=") + s.driver,
	}
	cmd := command{
		name: Buildah, args: slices.Concat(global, args), env: append(s.p.env(), "TMPDIR="+s.folder), lines: lines, mounts: true,
		under: s.apart,
	}
	if lines != nil {
		return "", cmd.run(ctx, nil)
	}
	return cmd.output(ctx)
}

func (s *storage) policy() string {
	return opt("signature-policy=") + filepath.Join(s.folder, "policy.json")
}

// pull gives buildah the image, once for all that is made from it, and tells its id.
func (s *storage) pull(ctx context.Context, w *work) (string, error) {
	s.mu.Lock()
	pull, ok := s.pulled[w.SourceDigest]
	if !ok {
		pull = sync.OnceValues(func() (string, error) { return s.take(ctx, w) })
		s.pulled[w.SourceDigest] = pull
	}
	s.mu.Unlock()
	id, err := pull()
	if err != nil {
		s.mu.Lock()
		delete(s.pulled, w.SourceDigest)
		s.mu.Unlock()
	}
	return id, err
}

// take writes the image as a folder that buildah reads, whatever kind its manifest is.
func (s *storage) take(ctx context.Context, w *work) (string, error) {
	folder := filepath.Join(s.folder, "base-"+strings.TrimPrefix(w.SourceDigest, "sha256:"))
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	manifest, err := w.base.RawManifest()
	if err != nil {
		return "", err
	}
	config, err := w.base.RawConfigFile()
	if err != nil {
		return "", err
	}
	name, err := w.base.ConfigName()
	if err != nil {
		return "", err
	}
	for file, text := range map[string][]byte{
		"version": []byte("Directory Transport Version: 1.1\n"), "manifest.json": manifest, name.Hex: config,
	} {
		if err := os.WriteFile(filepath.Join(folder, file), text, 0o600); err != nil {
			return "", err
		}
	}
	layers, err := w.base.Layers()
	if err != nil {
		return "", err
	}
	for _, l := range layers {
		digest, err := l.Digest()
		if err != nil {
			return "", err
		}
		if err := w.run.link(l, filepath.Join(folder, digest.Hex)); err != nil {
			return "", err
		}
	}
	out, err := s.run(ctx, nil, "pull", opt("quiet"), s.policy(), "dir:"+folder)
	if err != nil {
		return "", err
	}
	if err := os.RemoveAll(folder); err != nil {
		return "", err
	}
	words := strings.Fields(out)
	if len(words) == 0 {
		return "", fault.New(fault.Internal, "", "buildah doesn't tell what it has pulled")
	}
	return words[len(words)-1], nil
}

// build carries out the Dockerfile.
func (s *storage) build(ctx context.Context, w *work, b build, tag string) error {
	file := filepath.Join(w.folder, "Dockerfile")
	if err := os.WriteFile(file, b.dockerfile, 0o600); err != nil {
		return err
	}
	args := []string{
		"bud", s.policy(), opt("pull-never"), opt("layers=false"), opt("network=host"), opt("format=docker"), opt("tag=") + tag,
		opt("file=") + file, opt("security-opt=label=disable"),
	}
	for _, v := range b.volumes {
		args = append(args, opt("volume=")+v)
	}
	s.mu.Lock()
	chroot := s.chroot
	s.mu.Unlock()
	if !chroot {
		_, err := s.run(ctx, quiet, append(args, b.context)...)
		if err == nil || ctx.Err() != nil || s.p.value("BUILDAH_ISOLATION") != "" || !strings.Contains(err.Error(), noRuntime) {
			return err
		}
		s.mu.Lock()
		s.chroot = true
		s.mu.Unlock()
	}
	_, err := s.run(ctx, quiet, append(args, opt("isolation=chroot"), b.context)...)
	return err
}

// noRuntime is in what buildah says if a container can't be made at all.
const noRuntime = "creating container for"

// quiet passes nothing on: what a build says is only for an error to quote.
func quiet(string) {}

// tell passes on what a person should hear of what a script says. Something else may be before it in its line: a program
// that doesn't end its own.
func (w *work) tell(line string) {
	if _, text, ok := strings.Cut(line, scriptSays); ok {
		w.rep.Step("%s: %s", w.Source.Base(), text)
	}
}

// result is the image with the layers that were added. Those that the image had keep their bytes.
func (s *storage) result(ctx context.Context, w *work, b build, tag string) (v1.Image, error) {
	base, err := w.base.ConfigFile()
	if err != nil {
		return nil, err
	}
	out := filepath.Join(w.folder, "out")
	blobs := filepath.Join(out, "blobs", "sha256")
	if err := os.MkdirAll(blobs, 0o700); err != nil {
		return nil, err
	}
	// What seems to be there isn't written: we have those layers.
	for _, id := range base.RootFS.DiffIDs {
		if err := os.WriteFile(filepath.Join(blobs, id.Hex), nil, 0o600); err != nil {
			return nil, err
		}
	}
	if _, err := s.run(ctx, nil, "push", opt("quiet"), s.policy(), tag, "oci:"+out+":result"); err != nil {
		return nil, err
	}
	defer func() { _, _ = s.run(context.WithoutCancel(ctx), nil, "rmi", tag) }() // the storage goes with the run
	index, err := layout.ImageIndexFromPath(out)
	if err != nil {
		return nil, err
	}
	made, err := first(index)
	if err != nil {
		return nil, err
	}
	return w.onBase(base, made, b.ownConfig)
}

func first(index v1.ImageIndex) (v1.Image, error) {
	m, err := index.IndexManifest()
	if err != nil || len(m.Manifests) == 0 {
		return nil, fmt.Errorf("buildah's result: no image: %w", err)
	}
	return index.Image(m.Manifests[0].Digest)
}

// onBase puts the layers that were added on the image as the registry has it.
func (w *work) onBase(base *v1.ConfigFile, made v1.Image, ownConfig bool) (v1.Image, error) {
	config, err := made.ConfigFile()
	if err != nil {
		return nil, err
	}
	n := len(base.RootFS.DiffIDs)
	if len(config.RootFS.DiffIDs) < n || !slices.Equal(config.RootFS.DiffIDs[:n], base.RootFS.DiffIDs) {
		return nil, fault.New(fault.Internal, "", "the result of buildah isn't made from %s", w.Source)
	}
	layers, err := made.Layers()
	if err != nil {
		return nil, err
	}
	image := w.base
	for k, l := range layers[n:] {
		clean, err := w.cleaned(l, k)
		if err != nil || clean == nil {
			return nil, err
		}
		image, err = mutate.Append(image, mutate.Addendum{
			Layer: clean, History: v1.History{Created: config.Created, CreatedBy: w.recipe.tasks},
		})
		if err != nil {
			return nil, err
		}
	}
	if ownConfig {
		delete(config.Config.Labels, "io.buildah.version")
		return mutate.Config(image, config.Config)
	}
	return image, nil
}

// layerType is the kind of layers that the image has.
func (w *work) layerType() (types.MediaType, error) {
	media, err := w.base.MediaType()
	if media == types.OCIManifestSchema1 {
		return types.OCILayer, err
	}
	return types.DockerLayer, err
}

// runs is a RUN of a command as it is.
func runs(args ...string) string {
	text, err := json.Marshal(args)
	if err != nil {
		panic(err) // texts can be JSON
	}
	return "RUN " + string(text) + "\n"
}
