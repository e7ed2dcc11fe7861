package imageserve

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/disk"
)

// retag does what adds a tag to a repository or takes one away, after it has written the list of tags, which Apache
// answers with, as it is then: a process that is killed in between has the tag to change yet, and does it again.
func (f *Folder) retag(ctx context.Context, repository, tag string, adds bool, do func() error) error {
	return f.alone(ctx, func() error {
		tags, err := f.Tags(repository)
		if err != nil {
			return err
		}
		later := slices.DeleteFunc(slices.Clone(tags), func(t string) bool { return t == tag })
		if adds {
			later = slices.Sorted(slices.Values(append(later, tag)))
		}
		if err := f.listTags(repository, later); err != nil {
			return err
		}
		if err := do(); err != nil {
			return errors.Join(err, f.listTags(repository, tags))
		}
		return nil
	})
}

func (f *Folder) listTags(repository string, tags []string) error {
	return f.list(path.Join("v2", repository, "tags/list"), map[string]any{"name": repository, "tags": tags})
}

// catalog writes the list of repositories.
func (f *Folder) catalog(ctx context.Context) error {
	return f.alone(ctx, func() error {
		all, err := f.Repositories()
		if err != nil {
			return err
		}
		return f.list(catalogName, map[string]any{"repositories": all})
	})
}

func (f *Folder) list(name string, of any) error {
	text, err := json.Marshal(of)
	if err != nil {
		return err
	}
	return disk.Text(f.root, name, text)
}

// alone lets one process at a time make a list of what is there, so that no older list replaces a
// newer one.
func (f *Folder) alone(ctx context.Context, do func() error) error {
	f.listing.Lock()
	defer f.listing.Unlock()
	lock, err := f.root.OpenFile(listLockName, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return disk.Explain(listLockName, err)
	}
	defer disk.Unlock(lock)
	if err := disk.Lock(ctx, lock, filepath.Join(f.root.Name(), listLockName)); err != nil {
		return err
	}
	return do()
}
