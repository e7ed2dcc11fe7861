// Package rpm says what an RPM package is: its name and version, its files, what it provides and
// needs. Its subpackages read package files, read and write databases of installed packages, and
// work out what an installation changes.
package rpm

import (
	"encoding/hex"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/header"
)

// Package is one package, of a file or installed.
type Package struct {
	Name, Version, Release, Arch, OS string
	Epoch                            string // "" is none
	Files                            []File
	Provides, Requires               []Dependency
	Conflicts, Obsoletes             []Dependency
	Header                           *header.Header
}

// EVR is the package's version with its epoch and release.
func (p *Package) EVR() EVR { return EVR{p.Epoch, p.Version, p.Release} }

// String is NAME-VERSION-RELEASE.ARCH, with the epoch before the version where there is one.
func (p *Package) String() string {
	s := p.Name + "-" + p.EVR().String()
	if p.Arch != "" {
		s += "." + p.Arch
	}
	return s
}

// Self is what the package is as a dependency: its name at its version.
func (p *Package) Self() Dependency {
	return Dependency{Name: p.Name, EVR: p.EVR().String(), Flags: Equal}
}

// Flags say what a file is for.
type Flags uint32

// The flags that count when files are installed.
const (
	Config    Flags = 1 << 0
	Doc       Flags = 1 << 1
	MissingOK Flags = 1 << 3
	NoReplace Flags = 1 << 4
	Ghost     Flags = 1 << 6
)

// State is what became of a file when its package was installed.
type State byte

// The states.
const (
	Normal State = iota
	Replaced
	NotInstalled
	NetShared
	WrongColor
)

// The bits of a file's mode.
const (
	TypeMask = 0o170000
	Socket   = 0o140000
	Symlink  = 0o120000
	Regular  = 0o100000
	Block    = 0o060000
	Folder   = 0o040000
	Char     = 0o020000
	Fifo     = 0o010000
)

// File is one file of a package.
type File struct {
	Path        string // absolute and clean
	Size        int64
	Mode        uint16 // type and permissions
	Rdev        uint16
	Mtime       int64
	Digest      string // of the content, in hexadecimal; "" if it has none
	Algorithm   int    // of the digest, as OpenPGP numbers them
	Link        string
	Flags       Flags
	User, Group string
	Device      uint32
	Inode       uint32
	Color       uint32
	Caps        string // in text, such as "cap_net_raw=ep"
	State       State  // of an installed one
}

// Type is the type of the file's mode.
func (f *File) Type() uint16 { return f.Mode & TypeMask }

// Is reports whether the file has the flag.
func (f *File) Is(flag Flags) bool { return f.Flags&flag != 0 }

// Installed reports whether the package's installation put it there.
func (f *File) Installed() bool { return f.State == Normal || f.State == NetShared }

// New reads a package's header.
func New(h *header.Header) (*Package, error) {
	p := &Package{
		Name: h.Text(TagName), Version: h.Text(TagVersion), Release: h.Text(TagRelease), Arch: h.Text(TagArch),
		OS: h.Text(TagOS), Header: h,
	}
	if p.Name == "" || p.Version == "" || p.Release == "" || strings.ContainsAny(p.Name+p.Version+p.Release+p.Arch, "/\n\x00") {
		return nil, fmt.Errorf("package %.200q: not a name, version and release", p.Name)
	}
	if h.Has(TagEpoch) {
		p.Epoch = strconv.FormatUint(h.Int(TagEpoch), 10)
	}
	p.Provides = dependencies(h, provides)
	p.Requires = dependencies(h, requires)
	p.Conflicts = dependencies(h, conflicts)
	p.Obsoletes = dependencies(h, obsoletes)
	var err error
	if p.Files, err = files(h); err != nil {
		return nil, fmt.Errorf("package %s: %w", p, err)
	}
	return p, nil
}

// columns are the values of all files, each as long as the list of names or absent.
type columns struct {
	h   *header.Header
	n   int
	err error
}

func (c *columns) ints(t header.Tag) func(int) uint64 {
	all := c.h.Ints(t)
	if all == nil && !c.h.Has(t) {
		return func(int) uint64 { return 0 }
	}
	if len(all) != c.n {
		c.err = fmt.Errorf("value %d is there %d times for %d files", t, len(all), c.n)
		return func(int) uint64 { return 0 }
	}
	return func(n int) uint64 { return all[n] }
}

func (c *columns) texts(t header.Tag) func(int) string {
	all := c.h.Strings(t)
	if all == nil && !c.h.Has(t) {
		return func(int) string { return "" }
	}
	if len(all) != c.n {
		c.err = fmt.Errorf("value %d is there %d times for %d files", t, len(all), c.n)
		return func(int) string { return "" }
	}
	return func(n int) string { return all[n] }
}

func files(h *header.Header) ([]File, error) {
	names, err := paths(h)
	if err != nil || len(names) == 0 {
		return nil, err
	}
	c := &columns{h: h, n: len(names)}
	sizeTag := tagSizes
	if h.Has(tagLongSizes) {
		sizeTag = tagLongSizes
	}
	sizes, modes, rdevs, mtimes := c.ints(sizeTag), c.ints(tagModes), c.ints(tagRdevs), c.ints(tagMtimes)
	flags, devices, inodes, colors := c.ints(tagFlags), c.ints(tagDevices), c.ints(tagInodes), c.ints(tagColors)
	digests, links, users, groups := c.texts(tagDigests), c.texts(tagLinks), c.texts(tagUsers), c.texts(tagGroups)
	caps, states := c.texts(tagCaps), c.ints(TagFileStates)
	if c.err != nil {
		return nil, c.err
	}
	algorithm := max(int(h.Int(tagDigestAlgo)), 1) // MD5 where none is named
	all := make([]File, len(names))
	for n, name := range names {
		all[n] = File{
			Path: name, Size: int64(sizes(n)), Mode: uint16(modes(n)), Rdev: uint16(rdevs(n)), Mtime: int64(mtimes(n)),
			Digest: digests(n), Algorithm: algorithm, Link: links(n), Flags: Flags(flags(n)), User: users(n), Group: groups(n),
			Device: uint32(devices(n)), Inode: uint32(inodes(n)), Color: uint32(colors(n)), Caps: caps(n), State: State(states(n)),
		}
		if err := all[n].check(); err != nil {
			return nil, fmt.Errorf("file %.200q: %w", name, err)
		}
	}
	return all, nil
}

func (f *File) check() error {
	if _, err := hex.DecodeString(f.Digest); err != nil {
		return fmt.Errorf("its digest is %.100q", f.Digest)
	}
	if f.Size < 0 {
		return fmt.Errorf("its size is %d", f.Size)
	}
	if strings.Contains(f.Link, "\x00") {
		return fmt.Errorf("its link is %.100q", f.Link)
	}
	return nil
}

// paths are the files' names, which have to be absolute and clean.
func paths(h *header.Header) ([]string, error) {
	names := h.Strings(tagOldNames)
	if h.Has(TagBasenames) {
		bases, dirs, indexes := h.Strings(TagBasenames), h.Strings(TagDirnames), h.Ints(tagDirIndexes)
		if len(indexes) != len(bases) {
			return nil, fmt.Errorf("%d folders for %d files", len(indexes), len(bases))
		}
		names = make([]string, len(bases))
		for n, base := range bases {
			if indexes[n] >= uint64(len(dirs)) {
				return nil, fmt.Errorf("file %.200q is in folder %d of %d", base, indexes[n], len(dirs))
			}
			if strings.Contains(base, "/") {
				return nil, fmt.Errorf("file %.200q: a name can't have a slash", base)
			}
			names[n] = dirs[indexes[n]] + base
		}
	}
	for n, name := range names {
		if name != "/" && strings.HasSuffix(name, "/") {
			name = strings.TrimRight(name, "/") + "/"
		}
		clean := path.Clean(name)
		if !path.IsAbs(name) || clean != name || len(name) > 4096 {
			return nil, fmt.Errorf("file name %.200q is not an absolute, clean path", name)
		}
		names[n] = clean
	}
	return names, nil
}
