package rootfs

import (
	"archive/tar"
	"context"
	"path"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// maxLinks is how many symbolic links one path may lead through, as in Linux.
const maxLinks = 40

// Resolve is the path with all symbolic links followed, as a process in the container would, whether
// something lies there or not. It is absolute, and never leads out of the root.
func (r *Root) Resolve(ctx context.Context, name string) (string, error) {
	rest := split(name)
	done := []string{}
	for links := 0; len(rest) > 0; {
		part := rest[0]
		rest = rest[1:]
		if part == ".." {
			done = done[:max(0, len(done)-1)]
			continue
		}
		entry, err := r.Lstat(ctx, "/"+path.Join(append(slices.Clip(done), part)...))
		if err != nil {
			return "", err
		}
		if entry == nil || entry.Type != tar.TypeSymlink {
			done = append(done, part)
			continue
		}
		if links++; links > maxLinks {
			return "", fault.New(fault.Usage, "", "%s leads through more than %d symbolic links", name, maxLinks)
		}
		if strings.HasPrefix(entry.Link, "/") {
			done = done[:0]
		}
		rest = append(split(entry.Link), rest...)
	}
	return "/" + path.Join(done...), nil
}

// split are the parts of a path, which may have "..".
func split(name string) (parts []string) {
	for part := range strings.SplitSeq(name, "/") {
		if part != "" && part != "." {
			parts = append(parts, part)
		}
	}
	return parts
}

// Stat is what lies at the path, after symbolic links; nil if there is nothing.
func (r *Root) Stat(ctx context.Context, name string) (*Entry, error) {
	at, err := r.Resolve(ctx, name)
	if err != nil {
		return nil, err
	}
	if at == "/" {
		return &Entry{Path: "/", Type: tar.TypeDir, Mode: 0o755}, nil
	}
	return r.Lstat(ctx, at)
}
