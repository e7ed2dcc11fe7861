package rpmfile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Folder reads all *.rpm files of a folder, and checks headers, signatures and payloads. One that is
// wrong is an error, as is a folder without any.
func Folder(ctx context.Context, dir string, keys *Keys) ([]*File, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		if err == nil {
			err = fmt.Errorf("%s: not a folder", dir)
		}
		return nil, fault.Wrap(fault.Usage, "", fmt.Errorf("packages: %w", err))
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if filepath.Ext(e.Name()) == ".rpm" {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	if len(names) == 0 {
		return nil, fault.New(fault.NotFound, "", "folder %s has no *.rpm files", dir)
	}
	all := make([]*File, 0, len(names))
	var failed []error
	for _, name := range names {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		f, err := Open(filepath.Join(dir, name), keys)
		if err == nil {
			err = f.Check()
		}
		if err != nil {
			failed = append(failed, err)
			continue
		}
		all = append(all, f)
	}
	return all, errors.Join(failed...)
}
