package imageserve

import (
	"context"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/disk"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
)

// garbage is one file or folder that nothing needs.
type garbage struct {
	name, repository, kind string
	bytes                  int64
	outcome                string
}

func (p *Prune) look(ctx context.Context) error {
	p.rows, p.err = nil, nil
	repositories, err := p.f.Repositories()
	if err != nil {
		return err
	}
	for _, repository := range repositories {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		keep, err := p.f.kept(ctx, repository)
		if err != nil {
			p.err = append(p.err, err)
			continue
		}
		for _, kind := range []string{"manifests", "blobs"} {
			p.sort(repository, kind, keep)
		}
	}
	return nil
}

// sort adds what isn't kept of a repository's manifests or blobs.
func (p *Prune) sort(repository, kind string, keep map[string]bool) {
	dir := path.Join("v2", repository, kind)
	entries, err := fs.ReadDir(p.f.root.FS(), dir)
	if err != nil {
		return // there are none
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			continue // gone
		}
		g := &garbage{name: path.Join(dir, e.Name()), repository: repository, kind: strings.TrimSuffix(kind, "s"), outcome: "to remove"}
		digest := strings.TrimSuffix(e.Name(), ".gz")
		switch {
		case disk.Unfinished(e.Name()):
			if time.Since(info.ModTime()) < time.Hour {
				continue
			}
			g.kind = "unfinished"
		case !reference.ValidDigest(digest) || keep[digest]:
			continue
		}
		if info.Mode().IsRegular() && linksOf(info) == 1 {
			g.bytes = info.Size()
		}
		p.rows = append(p.rows, g)
	}
}

// removeEmpty removes repositories of which nothing is left.
func (f *Folder) removeEmpty(removed []*garbage) {
	for _, g := range removed {
		repository := g.repository
		tags, err := f.Tags(repository)
		if err != nil || len(tags) > 0 {
			continue
		}
		base := path.Join("v2", repository)
		for _, kind := range []string{"manifests", "blobs"} {
			_ = f.root.Remove(path.Join(base, kind)) // only if it is empty
		}
		if _, err := f.root.Stat(path.Join(base, "manifests")); err == nil {
			continue
		}
		_ = f.root.RemoveAll(path.Join(base, "tags"))
		for ; base != "v2"; base = path.Dir(base) {
			if f.root.Remove(base) != nil {
				break
			}
		}
	}
}
