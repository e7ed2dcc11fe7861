package usage

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

const (
	maxFile  = 16 << 20 // bytes
	maxLine  = 1 << 20
	maxNames = 200_000 // that one file may name
)

// files reads the files that name images, before anything else.
func (c *collection) files() error {
	for _, path := range c.AlsoInUse {
		if err := fault.In("also_in_use", c.file(path, (*reading).listed)); err != nil {
			return err
		}
	}
	for _, path := range c.RefsFiles {
		if err := fault.In("refs_file", c.file(path, (*reading).mentioned)); err != nil {
			return err
		}
	}
	return nil
}

// reading is a file under way.
type reading struct {
	*answer
	path string
	line int
	seen map[string]bool
	odd  []int // lines with a pattern that isn't understood
}

// file reads a file line by line. What isn't text, is too large or names nothing is fault.Usage: an empty list
// would say that nothing is in use.
func (c *collection) file(path string, line func(*reading, string)) error {
	if strings.TrimSpace(path) == "" {
		return fault.New(fault.Usage, "name a file", "the path is empty")
	}
	f, err := open(path)
	if err != nil {
		return fault.Wrap(fault.Usage, "", err)
	}
	defer f.Close()
	r := &reading{answer: c.source(File, nil), path: path, seen: map[string]bool{}}
	limited := &io.LimitedReader{R: f, N: maxFile + 1}
	lines := bufio.NewScanner(limited)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		r.line++
		text := lines.Bytes()
		switch {
		case limited.N <= 0:
			return fault.New(fault.Usage, "", "%s has more than %d MiB", path, maxFile>>20)
		case bytes.IndexByte(text, 0) >= 0 || !utf8.Valid(text):
			return fault.New(fault.Usage, "", "line %d of %s is no text", r.line, path)
		case len(r.found) > maxNames:
			return fault.New(fault.Usage, "", "%s names more than %d images", path, maxNames)
		}
		line(r, strings.TrimPrefix(string(text), "\ufeff"))
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return fault.New(fault.Usage, "", "line %d of %s has more than %d MiB", r.line+1, path, maxLine>>20)
	case err != nil:
		return fault.Wrap(fault.Usage, "", fmt.Errorf("reading %s: %w", path, err))
	case len(r.found) == 0:
		return fault.New(fault.Usage, "leave it out if it is meant to be empty", "%s names no image", path)
	}
	r.State, r.Detail = Read, path
	if len(r.odd) > 0 {
		r.State = Limited
		r.Detail = fmt.Sprintf("%s, without the patterns in lines %v, which aren't understood", path, r.odd)
	}
	return nil
}

// open opens a file, which has to be a regular one: nothing that never ends.
func open(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	return os.Open(path)
}

func (r *reading) use() Use {
	return Use{Kind: File, ID: r.path, Name: r.path, How: Names, Evidence: fmt.Sprintf("line %d", r.line)}
}

// once takes an id or a name, where the file names it first.
func (r *reading) once(image string) {
	image = strings.TrimSpace(image)
	if image == "" || len(image) > 255 || r.seen[image] {
		return
	}
	r.seen[image] = true
	r.reference(image, r.use())
}

// listed takes a line of a list of images in use: an id or a name. Lines that begin with # are comments.
func (r *reading) listed(line string) {
	if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") {
		r.once(line)
	}
}
