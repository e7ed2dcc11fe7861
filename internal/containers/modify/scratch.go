package modify

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// scratch is a run's own folder. It is removed at the end; what a killed run left, the next one
// removes.
type scratch struct {
	folder  string
	release func()

	mu    sync.Mutex
	blobs map[v1.Hash]func() error
}

const scratchName = "imgctl-modify-"

// clearLeft removes what killed runs left, as far as that can be told.
func clearLeft(parent string) {
	left, _ := filepath.Glob(filepath.Join(glob(parent), scratchName+"*")) // the pattern is right
	for _, folder := range left {
		if info, err := os.Lstat(folder); err == nil && info.IsDir() && !held(folder) {
			_ = remove(folder) // again by the next run
		}
	}
}

func newScratch(parent string) (*scratch, error) {
	folder, err := os.MkdirTemp(parent, scratchName)
	if err != nil {
		return nil, fault.Wrap(fault.Usage, "", prefixed("folder for unpacked images", err))
	}
	release, err := hold(folder)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	return &scratch{folder: folder, release: release, blobs: map[v1.Hash]func() error{}}, nil
}

// remove removes the folder, unless something is mounted in it: those files aren't its own.
func remove(folder string) error {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err == nil && strings.Contains(string(mounts), " "+folder+"/") {
		return fault.New(fault.Conflict, "", "%s: something is mounted in it, so it isn't removed", folder)
	}
	if err = os.RemoveAll(folder); err == nil || os.Getuid() == 0 {
		return err
	}
	// Without root, containers' files may belong to users that only buildah can be.
	cmd := command{name: Buildah, args: []string{"unshare", "rm", "-rf", "--", folder}, env: os.Environ()}
	if _, failed := cmd.output(context.Background()); failed != nil {
		return err
	}
	return os.RemoveAll(folder)
}

func (s *scratch) close() error {
	defer s.release()
	return remove(s.folder)
}

// blob fetches a layer into the run's folder, once for all images that share it, and gives the file.
func (s *scratch) blob(l v1.Layer) (string, error) {
	digest, err := l.Digest()
	if err != nil {
		return "", err
	}
	file := filepath.Join(s.folder, "blob-"+digest.Hex)
	s.mu.Lock()
	fetch, ok := s.blobs[digest]
	if !ok {
		fetch = sync.OnceValue(func() error { return save(file, l) })
		s.blobs[digest] = fetch
	}
	s.mu.Unlock()
	if err := fetch(); err != nil {
		s.mu.Lock()
		delete(s.blobs, digest) // another image may have better luck
		s.mu.Unlock()
		return "", prefixed("layer "+digest.String(), err)
	}
	return file, nil
}

func save(file string, l v1.Layer) error {
	body, err := l.Compressed()
	if err != nil {
		return err
	}
	defer body.Close()
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, body)
	return errors.Join(err, f.Close())
}
