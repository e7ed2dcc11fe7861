package plugincommand

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/url"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
	"github.com/imgctl/packer-plugin-openstack/internal/host/discover"
)

// indexed is a plugin of an index. The version is for people.
type indexed struct {
	version string
	files   []indexedFile
}

// indexedFile is a plugin for one kind of machine; "" is any.
type indexedFile struct{ os, arch, url, sha256 string }

// fromIndex finds a plugin for this machine in an index, a file or a URL.
func fromIndex(ctx context.Context, index, name string) (o origin, err error) {
	in, err := open(ctx, index, maxIndex)
	if err != nil {
		return o, fmt.Errorf("reading the index: %w", err)
	}
	defer in.Close()
	text, err := io.ReadAll(io.LimitReader(in, maxIndex+1))
	if err != nil {
		return o, fmt.Errorf("reading the index: %w", err)
	}
	plugins, err := parseIndex(text)
	if err != nil {
		return o, fmt.Errorf("%s: %w", shown(index), err)
	}
	p, ok := plugins[name]
	if !ok {
		known := slices.Sorted(maps.Keys(plugins))
		return o, fault.New(fault.NotFound, "it has "+strings.Join(known, ", "), "the index %s has no plugin %q", shown(index), name)
	}
	var others []string
	for _, f := range p.files {
		if (f.os == "" || f.os == runtime.GOOS) && (f.arch == "" || f.arch == runtime.GOARCH) {
			address, err := beside(index, f.url)
			return origin{name, address, f.sha256}, err
		}
		others = append(others, f.os+"/"+f.arch)
	}
	return o, fault.New(fault.NotFound, "it has files for "+strings.Join(others, ", "),
		"the index %s has no plugin %q for %s/%s", shown(index), name, runtime.GOOS, runtime.GOARCH)
}

// beside is an address that may be relative to the index's.
func beside(index, address string) (string, error) {
	if isURL(address) {
		return address, nil
	}
	if !isURL(index) {
		file, err := filepath.Abs(index)
		return filepath.Join(filepath.Dir(file), filepath.FromSlash(address)), err
	}
	base, err := place(index)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(address)
	if err != nil {
		return "", fault.New(fault.Usage, "", "%q is no URL", shown(address))
	}
	return base.ResolveReference(u).String(), nil
}

func parseIndex(text []byte) (map[string]indexed, error) {
	root, err := foreignfile.Parse(text, "plugins:")
	if err != nil {
		return nil, err
	}
	all := map[string]indexed{}
	err = root.Map(foreignfile.Keys{"plugins": func(n *foreignfile.Node) error {
		return n.Pairs(func(name string, at, n *foreignfile.Node) error {
			if !discover.Name.MatchString(name) {
				return at.Errorf("%q is no name of a plugin", name)
			}
			var p indexed
			err := n.Map(foreignfile.Keys{
				"version": foreignfile.Text(&p.version),
				"files": foreignfile.Some(func(n *foreignfile.Node) error {
					f, err := parseFile(n)
					p.files = append(p.files, f)
					return err
				}),
			}, "files")
			all[name] = p
			return err
		})
	}}, "plugins")
	return all, err
}

func parseFile(n *foreignfile.Node) (f indexedFile, err error) {
	err = n.Map(foreignfile.Keys{
		"os": foreignfile.Text(&f.os), "arch": foreignfile.Text(&f.arch), "url": foreignfile.Text(&f.url),
		"sha256": foreignfile.Text(&f.sha256),
	}, "url", "sha256")
	if err == nil && !checksum.MatchString(f.sha256) {
		err = n.Errorf("sha256: %q is no checksum of 64 hexadecimal digits", f.sha256)
	}
	return f, err
}
