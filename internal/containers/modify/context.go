package modify

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// The bounds of a folder whose files go into images.
const (
	maxBytes = 16 << 30
	maxFiles = 200_000
)

func prefixed(what string, err error) error { return fmt.Errorf("%s: %w", what, err) }

// readIn reads a file of the folder, which may be no link that leads out of it.
func readIn(folder, name string, limit int64) ([]byte, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	info, err := root.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fault.New(fault.Usage, "", "%s in %s is no file", name, folder)
	case info.Size() > limit:
		return nil, fault.New(fault.Usage, "", "%s in %s has %d bytes, which is too large", name, folder, info.Size())
	}
	return root.ReadFile(name)
}

// ignored tells which files of a build context are left out.
func ignored(folder string) (func(name string) (bool, error), error) {
	text, err := readIn(folder, ".dockerignore", maxKeptIgnore)
	if errors.Is(err, fs.ErrNotExist) {
		return func(string) (bool, error) { return false, nil }, nil
	}
	if err != nil {
		return nil, err
	}
	patterns, err := ignorefile.ReadAll(strings.NewReader(string(text)))
	if err != nil {
		return nil, prefixed(".dockerignore", err)
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		return nil, prefixed(".dockerignore", err)
	}
	return matcher.MatchesOrParentMatches, nil
}

const maxKeptIgnore = 1 << 20

// walk visits the files of a folder that aren't ignored, in the order of their names. More than an
// image can reasonably get is an error.
func walk(root *os.Root, at string, ignore func(string) (bool, error), visit func(name string, info fs.FileInfo) error) error {
	files, size := 0, int64(0)
	return fs.WalkDir(root.FS(), at, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if skip, err := ignore(name); err != nil {
			return err
		} else if skip && name != "." {
			return nil // a later pattern may take in what is below a folder
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		files++
		if info.Mode().IsRegular() {
			size += info.Size()
		}
		if files > maxFiles || size > maxBytes {
			return fault.New(fault.Usage, "", "%s has more than %d GiB or %d files", path.Join(root.Name(), at), maxBytes>>30, maxFiles)
		}
		return visit(name, info)
	})
}

// digestFolder adds to the sum what the folder's files are.
func digestFolder(sum hash.Hash, folder string, ignore func(string) (bool, error)) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	return walk(root, ".", ignore, func(name string, info fs.FileInfo) error {
		fmt.Fprintf(sum, "%q %o\n", name, info.Mode())
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := root.Readlink(name)
			fmt.Fprintf(sum, "%q\n", target)
			return err
		case !info.Mode().IsRegular():
			return nil
		}
		f, err := root.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		own := sha256.New()
		_, err = io.Copy(own, io.LimitReader(f, info.Size()))
		fmt.Fprintf(sum, "%s\n", hex.EncodeToString(own.Sum(nil)))
		return err
	})
}

func everything(string) (bool, error) { return false, nil }
