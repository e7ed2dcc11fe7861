package watch

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/html/charset"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
)

// listed is a profile of the index.
type listed struct {
	name string
	mark string // the attributes, which differ when the profile has changed; "" if it has none
}

// Limits of an index.
const (
	maxIndex    = 64 << 20 // bytes
	maxProfiles = 200_000
	maxDepth    = 20
)

// parseIndex reads an index: the text of each element without children is the name of a profile.
func parseIndex(source string, text []byte) ([]listed, error) {
	d := xml.NewDecoder(bytes.NewReader(text))
	d.CharsetReader = charset.NewReaderLabel
	r := indexReader{places: map[string]int{}}
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = r.token(t)
		}
		if err != nil {
			line, column := d.InputPos()
			return nil, fault.New(fault.Usage, "", "reading the index %s:%d:%d: %w", source, line, column, err)
		}
	}
	if r.elements == 0 {
		return nil, fault.New(fault.Usage, "", "reading the index %s: it has no element", source)
	}
	return r.found, nil
}

type indexReader struct {
	found    []listed
	places   map[string]int // of the names, in found
	elements int
	open     []string // the attributes of the elements that are open
	leaf     bool     // the innermost one has no children
	text     strings.Builder
}

func (r *indexReader) token(t xml.Token) error {
	switch t := t.(type) {
	case xml.StartElement:
		if r.elements++; r.elements == 1 && strings.EqualFold(t.Name.Local, "html") {
			return errors.New("this is a page for browsers")
		}
		if len(r.open) >= maxDepth {
			return fmt.Errorf("it is nested deeper than %d levels", maxDepth)
		}
		r.open, r.leaf = append(r.open, mark(t.Attr)), true
		r.text.Reset()
	case xml.CharData:
		if len(r.open) > 0 {
			r.text.Write(t)
		}
	case xml.EndElement:
		last := len(r.open) - 1
		if name := strings.TrimSpace(r.text.String()); r.leaf && name != "" {
			r.add(name, r.open[last])
		}
		r.open, r.leaf = r.open[:last], false
	}
	if len(r.found) > maxProfiles {
		return fmt.Errorf("it lists more than %d profiles", maxProfiles)
	}
	return nil
}

// add adds a profile. Of one that is listed twice, both entries count.
func (r *indexReader) add(name, mark string) {
	n, twice := r.places[name]
	if !twice {
		r.places[name] = len(r.found)
		r.found = append(r.found, listed{name, mark})
		return
	}
	sum := sha256.Sum256([]byte(r.found[n].mark + "\n" + mark))
	r.found[n].mark = hex.EncodeToString(sum[:])
}

func mark(attributes []xml.Attr) string {
	all := make([]string, 0, len(attributes))
	for _, a := range attributes {
		all = append(all, fmt.Sprintf("%s=%q", a.Name.Local, a.Value))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// folder lists the profiles of a folder that has no index.
func folder(path string) (found []listed, err error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, foreignfile.Unreadable(path, err)
	}
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") || !strings.HasSuffix(name, ".json") {
			continue
		}
		if info, err := os.Stat(filepath.Join(path, name)); err != nil || info.Mode().IsRegular() {
			found = append(found, listed{name: name})
		}
	}
	return found, nil
}

// checkName refuses what is not the name of a file beside the others.
func checkName(name string) error {
	odd := func(r rune) bool { return !unicode.IsPrint(r) || r == '/' || r == '\\' }
	if name[0] == '.' || len(name) > 255 || strings.IndexFunc(name, odd) >= 0 {
		return fault.New(fault.Usage, "", "the index lists %.100q, which is not the name of a profile", name)
	}
	return nil
}
