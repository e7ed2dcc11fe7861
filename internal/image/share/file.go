package share

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// File is which images are to be shared with whom.
type File struct{ Shares []Wanted }

// Wanted is that some images are shared with some projects, and with no others. An image that
// several of them mean is shared with the projects of all.
type Wanted struct {
	From   string // cloud of the images; "" is the default one
	Images []Selection
	To     []Recipient
	Copy   bool // copy the images to clouds that have another Image service
	Line   int  // in the file
}

// Recipient is a project that images are to be shared with: by a cloud or by the project's id.
type Recipient struct {
	Cloud, Project string
	Expires        time.Time // zero is never
	Line           int       // in the file
}

// maxFile is how large a file may be, in bytes.
const maxFile = 1 << 20

// Parse reads a file of YAML. It takes nothing that it doesn't know: each error is fault.Usage and
// says in which line it is.
func Parse(text []byte) (*File, error) {
	if len(text) > maxFile {
		return nil, fault.New(fault.Usage, "split it", "the file has %d bytes, more than %d", len(text), maxFile)
	}
	var doc, more yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(text))
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, fault.New(fault.Usage, "begin with version: 1 and shares:", "line 1: the file is empty")
	case err != nil:
		return nil, fault.Wrap(fault.Usage, "", err)
	}
	if err := d.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, at(&more, "there is a second document; only one is read")
	}
	f := &File{}
	var version string
	err := eachKey(doc.Content[0], map[string]func(*yaml.Node) error{
		"version": word(&version),
		"shares":  eachItem(func(n *yaml.Node) error { return f.share(n) }),
	})
	switch {
	case err != nil:
		return nil, err
	case version != "1":
		return nil, at(doc.Content[0], "version: %q is unknown; version 1 is known", version)
	case len(f.Shares) == 0:
		return nil, at(doc.Content[0], "shares: there are none")
	}
	return f, nil
}

func (f *File) share(n *yaml.Node) error {
	w := Wanted{Line: n.Line}
	err := eachKey(n, map[string]func(*yaml.Node) error{
		"from":   word(&w.From),
		"images": eachItem(w.image),
		"to":     eachItem(w.recipient),
		"copy":   flag(&w.Copy),
	})
	switch {
	case err != nil:
		return err
	case len(w.Images) == 0:
		return at(n, "images: there are none")
	}
	f.Shares = append(f.Shares, w)
	return nil
}

func (w *Wanted) image(n *yaml.Node) error {
	var s Selection
	var id, name string
	err := eachKey(n, map[string]func(*yaml.Node) error{
		"id": word(&id), "name": word(&name), "glob": word(&s.Glob), "pick": word(&s.Pick),
		"tags": eachItem(func(n *yaml.Node) error {
			var tag string
			err := word(&tag)(n)
			s.Tags = append(s.Tags, tag)
			return err
		}),
		"properties": func(n *yaml.Node) error {
			s.Properties = map[string]string{}
			return eachPair(n, func(key *yaml.Node, value *yaml.Node) error {
				var v string
				err := word(&v)(value)
				s.Properties[key.Value] = v
				return err
			})
		},
	})
	switch {
	case err != nil:
		return err
	case id != "" && name != "":
		return at(n, "an image has an id or a name here, not both")
	case id != "" && !imageID.MatchString(id):
		return at(n, "id: %q is no image id", id)
	case s.Pick != "" && s.Pick != Newest && s.Pick != All:
		return at(n, "pick: %q is unknown; it is newest or all", s.Pick)
	}
	for _, one := range []string{id, name} {
		if one != "" {
			s.Images = []string{one}
		}
	}
	if s.empty() {
		return at(n, "an image needs an id, a name, a glob, tags or properties")
	}
	w.Images = append(w.Images, s)
	return nil
}

func (w *Wanted) recipient(n *yaml.Node) error {
	r := Recipient{Line: n.Line}
	var expires string
	err := eachKey(n, map[string]func(*yaml.Node) error{
		"cloud": word(&r.Cloud), "project": word(&r.Project), "expires": word(&expires),
	})
	if err != nil {
		return err
	}
	if (r.Cloud == "") == (r.Project == "") {
		return at(n, "a recipient is either a cloud or a project")
	}
	if expires != "" {
		if r.Expires, err = time.Parse(time.RFC3339, expires); err != nil {
			return at(n, "expires: %q is no time such as 2027-01-31T00:00:00Z", expires)
		}
		r.Expires = r.Expires.UTC().Truncate(time.Second)
	}
	w.To = append(w.To, r)
	return nil
}

func at(n *yaml.Node, format string, args ...any) error {
	return fault.New(fault.Usage, "", "line %d: %s", n.Line, fmt.Sprintf(format, args...))
}

// eachKey reads a mapping, every key by its reader, once.
func eachKey(n *yaml.Node, readers map[string]func(*yaml.Node) error) error {
	return eachPair(n, func(key, value *yaml.Node) error {
		read, ok := readers[key.Value]
		if !ok {
			return at(key, "%q is unknown here; known are %q", key.Value, sortedKeys(readers))
		}
		return read(value)
	})
}

func eachPair(n *yaml.Node, read func(key, value *yaml.Node) error) error {
	if n.Kind != yaml.MappingNode {
		return at(n, "keys and values are expected here")
	}
	seen := map[string]bool{}
	for k := 0; k+1 < len(n.Content); k += 2 {
		key, value := n.Content[k], n.Content[k+1]
		switch {
		case key.Kind != yaml.ScalarNode:
			return at(key, "a key has to be a word")
		case seen[key.Value]:
			return at(key, "%q is there twice", key.Value)
		}
		seen[key.Value] = true
		if err := read(key, value); err != nil {
			return err
		}
	}
	return nil
}

func eachItem(read func(*yaml.Node) error) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		if n.Kind != yaml.SequenceNode {
			return at(n, "a list is expected here")
		}
		for _, item := range n.Content {
			if err := read(item); err != nil {
				return err
			}
		}
		return nil
	}
}

// word reads a text that isn't empty. What YAML takes for a number or a date is text here, too: a
// project's id may be all digits.
func word(into *string) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || n.Value == "" {
			return at(n, "a text is expected here")
		}
		*into = n.Value
		return nil
	}
}

func flag(into *bool) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
			return at(n, "true or false is expected here")
		}
		*into = n.Value == "true"
		return nil
	}
}

// lineError is an error about a line of the file.
type lineError struct {
	line int
	err  error
}

func (e lineError) Error() string { return fmt.Sprintf("line %d: %v", e.line, e.err) }
func (e lineError) Unwrap() error { return e.err }
