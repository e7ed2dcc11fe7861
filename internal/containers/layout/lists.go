package layout

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// read reads the lists, which one that is unfinished doesn't have.
func (l *Layout) read(unfinished bool) error {
	var says struct {
		Version string `json:"imageLayoutVersion"`
	}
	if err := l.json(versionName, &says); err != nil {
		return err
	}
	if says.Version != "1.0.0" {
		return fault.New(fault.Usage, "", "layout version %.20q can't be read", says.Version)
	}
	list, err := l.index(unfinished)
	if err != nil {
		return err
	}
	var delta struct {
		Left map[string][]string `json:"left"`
	}
	if err := l.json(deltaName, &delta); err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	l.list, l.left, l.before = list, delta.Left, digests(list)
	return nil
}

// index reads the list of images, which one that is unfinished doesn't have.
func (l *Layout) index(unfinished bool) ([]registry.Descriptor, error) {
	var index struct {
		Manifests []registry.Descriptor `json:"manifests"`
	}
	if err := l.json(indexName, &index); err != nil && !(unfinished && fault.Is(err, fault.NotFound)) {
		return nil, err
	}
	for _, d := range index.Manifests {
		if !reference.ValidDigest(d.Digest) {
			return nil, fault.New(fault.Usage, "", "%s has %.100q, which is no digest", indexName, d.Digest)
		}
	}
	return index.Manifests, nil
}

func (l *Layout) json(name string, into any) error {
	text, err := l.text(name, maxIndex)
	if errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.NotFound, "", "it has no %s", name)
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fault.Wrap(fault.Usage, "", fmt.Errorf("%s: not JSON: %w", name, err))
	}
	return nil
}

func (l *Layout) text(name string, limit int64) ([]byte, error) {
	f, size, err := l.files.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if size > limit {
		return nil, fault.New(fault.Usage, "", "%s has %d bytes, more than %d", name, size, limit)
	}
	return io.ReadAll(f)
}

// Finish writes the lists. Where images failed, a folder lists the others, if there are any, and a file is left
// unfinished for the next run.
func (l *Layout) Finish(ctx context.Context, failed bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, file := l.files.(*archive); failed && (file || len(l.list) == 0) {
		return nil
	}
	if !failed {
		l.addRoots()
	}
	return l.write(ctx)
}

// write writes the lists; mu is held. Entries that others have written since stay. One that both have
// written is theirs, and an error.
func (l *Layout) write(ctx context.Context) error {
	unlock, err := l.files.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	conflict, err := l.merge()
	if err != nil {
		return err
	}
	index := struct {
		SchemaVersion int                   `json:"schemaVersion"`
		MediaType     string                `json:"mediaType"`
		Manifests     []registry.Descriptor `json:"manifests"`
	}{2, "application/vnd.oci.image.index.v1+json", slices.Clone(l.list)}
	slices.SortFunc(index.Manifests, func(a, b registry.Descriptor) int {
		return strings.Compare(a.Annotations[refName], b.Annotations[refName])
	})
	lists := map[string][]byte{versionName: []byte(version)}
	if lists[indexName], err = json.Marshal(index); err != nil {
		return err
	}
	if len(l.left) > 0 {
		if lists[deltaName], err = json.Marshal(map[string]any{"left": l.left}); err != nil {
			return err
		}
	}
	if err := l.files.index(lists); err != nil {
		return err
	}
	l.before, l.mine = digests(l.list), nil
	return conflict
}

// put adds an entry to the list, in place of the one of the same name; mu is held.
func (l *Layout) put(name string, m *registry.Manifest) {
	d := m.Descriptor()
	d.Annotations = map[string]string{refName: name, imageName: name}
	if l.mine == nil {
		l.mine = map[string]registry.Descriptor{}
	}
	l.mine[name] = d
	l.list = replaced(l.list, d)
}

// addRoots lists manifests that were stored by their digest and that nothing else lists; mu is held.
func (l *Layout) addRoots() {
	listed := map[string]bool{}
	for _, m := range l.named {
		for _, d := range m.Manifests {
			listed[d.Digest] = true
		}
	}
	for name, m := range l.named {
		_, digest, byDigest := strings.Cut(name, "@")
		if byDigest && !listed[digest] {
			l.put(name, m)
		}
	}
}

// store writes a manifest's bytes and remembers its name.
func (l *Layout) store(i registry.Image, m *registry.Manifest, listed bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.files.write(blobName(m.Digest), int64(len(m.Bytes)), bytes.NewReader(m.Bytes)); err != nil {
		return err
	}
	if l.named == nil {
		l.named = map[string]*registry.Manifest{}
	}
	l.named[nameOf(i)] = m
	if listed {
		l.put(nameOf(i), m)
	}
	return nil
}
