package render

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/nikolalohinski/gonja/v2/loaders"
)

// folder loads templates from one folder and below, also through symbolic links, and no others.
type folder struct {
	root  *os.Root
	loads *int
}

// The bounds of what one template includes.
const (
	maxLoads = 100
	maxFile  = 8 << 20
)

func newFolder(path string) (loaders.Loader, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("opening the template's folder: %w", err)
	}
	return &folder{root: root, loads: new(int)}, nil
}

// Read gives a file's text.
func (f *folder) Read(path string) (io.Reader, error) {
	if *f.loads++; *f.loads > maxLoads {
		return nil, fmt.Errorf("more than %d files included", maxLoads)
	}
	file, err := f.root.Open(path)
	if err != nil {
		return nil, fmt.Errorf("a template can only include files of its own folder: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = errors.New("the file is too large")
	}
	return bytes.NewReader(text), err
}

// Resolve gives the path as the root knows it.
func (f *folder) Resolve(path string) (string, error) { return filepath.Clean(path), nil }

// Inherit is the same folder, whichever of its files includes another.
func (f *folder) Inherit(string) (loaders.Loader, error) { return f, nil }
