package rpmfile

import (
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm"
)

const (
	cpioNames  = "070701" // entries with a name
	cpioSums   = "070702"
	cpioNumber = "07070X" // entries with the place of the file among the package's
	trailer    = "TRAILER!!!"
	maxName    = 4096
)

// archive is a payload while it is read.
type archive struct {
	f     *File
	r     io.Reader
	at    int64
	names map[string]int
	seen  map[int]bool
	last  map[inode]int  // the last of each set of hard links, which has the content
	links map[inode]int  // how many there are
	whole map[inode]bool // those of which one had the content
}

type inode struct{ device, inode uint32 }

func (f *File) unpack(r io.Reader, do func(int, io.Reader) error) error {
	a := &archive{
		f: f, r: r, names: make(map[string]int, len(f.Files)), seen: map[int]bool{},
		last: map[inode]int{}, links: map[inode]int{}, whole: map[inode]bool{},
	}
	for n := range f.Files {
		file := &f.Files[n]
		if _, twice := a.names[file.Path]; twice {
			return fmt.Errorf("the package has %s twice", file.Path)
		}
		a.names[file.Path] = n
		if id := (inode{file.Device, file.Inode}); file.Type() == rpm.Regular && !file.Is(rpm.Ghost) && file.Inode != 0 {
			a.last[id] = n
			a.links[id]++
		}
	}
	for {
		n, size, err := a.next()
		if err != nil {
			return err
		}
		if n < 0 {
			return a.complete()
		}
		if err := a.one(n, size, do); err != nil {
			return fmt.Errorf("%s: %w", f.Files[n].Path, err)
		}
	}
}

// next reads an entry's beginning; n is negative at the archive's end.
func (a *archive) next() (n int, size int64, err error) {
	var kind [6]byte
	if err := a.full(kind[:]); err != nil {
		return 0, 0, err
	}
	if string(kind[:]) == cpioNumber {
		var place [8]byte
		if err := a.full(place[:]); err != nil {
			return 0, 0, err
		}
		index, err := strconv.ParseUint(string(place[:]), 16, 32)
		if err != nil || index >= uint64(len(a.f.Files)) {
			return 0, 0, fmt.Errorf("it has no file %.20q", place)
		}
		n = int(index)
		return n, a.size(n), a.align()
	}
	if string(kind[:]) != cpioNames && string(kind[:]) != cpioSums {
		return 0, 0, fmt.Errorf("%.20q begins no entry", kind)
	}
	var fields [104]byte
	if err := a.full(fields[:]); err != nil {
		return 0, 0, err
	}
	length, err1 := field(fields[:], 6)
	namesize, err2 := field(fields[:], 11)
	if err := errors.Join(err1, err2); err != nil {
		return 0, 0, err
	}
	if namesize < 1 || namesize > maxName {
		return 0, 0, fmt.Errorf("a name of %d bytes", namesize)
	}
	raw := make([]byte, namesize)
	if err := a.full(raw); err != nil {
		return 0, 0, err
	}
	name := strings.TrimRight(string(raw), "\x00")
	if err := a.align(); err != nil {
		return 0, 0, err
	}
	if name == trailer {
		return -1, 0, nil
	}
	n, ok := a.names[path.Join("/", name)]
	if !ok || strings.Contains("/"+name+"/", "/../") {
		return 0, 0, fmt.Errorf("%.200q is none of the package's files", name)
	}
	return n, length, nil
}

func field(fields []byte, n int) (int64, error) {
	v, err := strconv.ParseUint(string(fields[n*8:n*8+8]), 16, 32)
	return int64(v), err
}

// one gives do the content of a file, and checks its size and digest.
func (a *archive) one(n int, size int64, do func(int, io.Reader) error) error {
	file := &a.f.Files[n]
	if a.seen[n] {
		return errors.New("it is there twice")
	}
	if file.Is(rpm.Ghost) {
		return errors.New("it is a ghost, but has content")
	}
	a.seen[n] = true
	var want int64
	switch file.Type() {
	case rpm.Regular:
		want = file.Size
		if size == 0 && a.linked(n) {
			want = 0 // another of its links has the content
		}
	case rpm.Symlink:
		want = int64(len(file.Link))
	default:
		size = 0 // kernels give folders one, too
	}
	if file.Type() == rpm.Regular && size == file.Size {
		a.whole[inode{file.Device, file.Inode}] = true
	}
	if size != want {
		return fmt.Errorf("it has %d bytes in place of %d", size, want)
	}
	counted := io.LimitReader(a.r, size)
	content := &checked{r: counted, left: size}
	if file.Type() == rpm.Regular && file.Digest != "" && (size > 0 || file.Size == 0) {
		content.sum, content.want = NewHash(file.Algorithm), file.Digest
		if content.sum == nil {
			return fmt.Errorf("its digest is of kind %d, which is unknown", file.Algorithm)
		}
	}
	link := &strings.Builder{}
	if file.Type() == rpm.Symlink {
		if _, err := io.Copy(link, content); err != nil {
			return err
		}
		if link.String() != file.Link {
			return fmt.Errorf("it links to %.100q in place of %.100q", link, file.Link)
		}
	}
	if err := do(n, content); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, content); err != nil {
		return err
	}
	a.at += size
	if err := content.check(); err != nil {
		return err
	}
	return a.align()
}

// checked is a file's content; its digest is known at the end.
type checked struct {
	r    io.Reader
	left int64
	sum  hash.Hash
	want string
}

func (c *checked) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.left -= int64(n)
	if c.sum != nil {
		c.sum.Write(p[:n])
	}
	if errors.Is(err, io.EOF) && c.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err //nolint:wrapcheck // io.EOF has to stay so
}

func (c *checked) check() error {
	if c.left > 0 {
		return io.ErrUnexpectedEOF
	}
	if c.sum != nil && hex.EncodeToString(c.sum.Sum(nil)) != c.want {
		return errors.New("its digest is wrong")
	}
	return nil
}

// complete fails where the payload lacks a file, or all hard links their content.
func (a *archive) complete() error {
	for id, n := range a.last {
		if a.seen[n] && !a.whole[id] {
			return fmt.Errorf("%s is missing in all of its links", a.f.Files[n].Path)
		}
	}
	for n := range a.f.Files {
		if !a.seen[n] && !a.f.Files[n].Is(rpm.Ghost) {
			return fmt.Errorf("%s is missing", a.f.Files[n].Path)
		}
	}
	return nil
}

// linked reports whether the file is one of several hard links.
func (a *archive) linked(n int) bool {
	return a.links[inode{a.f.Files[n].Device, a.f.Files[n].Inode}] > 1
}

// size is that of an entry that doesn't say it.
func (a *archive) size(n int) int64 {
	file := &a.f.Files[n]
	switch file.Type() {
	case rpm.Symlink:
		return int64(len(file.Link))
	case rpm.Regular:
		if a.linked(n) && a.last[inode{file.Device, file.Inode}] != n {
			return 0
		}
		return file.Size
	}
	return 0
}

func (a *archive) full(p []byte) error {
	n, err := io.ReadFull(a.r, p)
	a.at += int64(n)
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err //nolint:wrapcheck // the callers say where
}

// align goes on at the next multiple of four bytes.
func (a *archive) align() error {
	var pad [4]byte
	return a.full(pad[:(4-a.at%4)%4])
}
