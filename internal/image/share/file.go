package share

import (
	"fmt"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// File is which images are to be shared with whom.
type File struct{ Shares []Wanted }

// Wanted is that some images are shared with some projects, and with no others. An image that
// several of them mean is shared with the projects of all.
type Wanted struct {
	From   string // cloud of the images; "" is the default one
	Images []Selection
	To     []Recipient // none is nobody
	Copy   bool        // copy the images to clouds that have another Image service
	Line   int         // in the file
}

// Recipient is a project that images are to be shared with: by a cloud or by the project's id.
type Recipient struct {
	Cloud, Project string
	Expires        time.Time // zero is never
	Line           int       // in the file
}

// Parse reads a file of YAML, see foreignfile.
func Parse(text []byte) (*File, error) {
	top, err := foreignfile.Parse(text, "version: 1 and shares:")
	if err != nil {
		return nil, err
	}
	f := &File{}
	var version string
	err = top.Map(foreignfile.Keys{
		"version": foreignfile.OneOf(&version, "1"),
		"shares":  foreignfile.Some(f.share),
	}, "version", "shares")
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (f *File) share(n *foreignfile.Node) error {
	w := Wanted{Line: n.Line}
	err := n.Map(foreignfile.Keys{
		"from":   foreignfile.Text(&w.From),
		"images": foreignfile.Some(w.image),
		"to":     foreignfile.Each(w.recipient),
		"copy":   foreignfile.Bool(&w.Copy),
	}, "images", "to")
	f.Shares = append(f.Shares, w)
	return err
}

func (w *Wanted) image(n *foreignfile.Node) error {
	var s Selection
	var id, name string
	err := n.Map(foreignfile.Keys{
		"id": foreignfile.Text(&id), "name": foreignfile.Text(&name), "glob": foreignfile.Text(&s.Glob),
		"pick": foreignfile.OneOf(&s.Pick, Newest, All), "tags": foreignfile.Texts(&s.Tags),
		"properties": foreignfile.TextMap(&s.Properties),
	})
	switch {
	case err != nil:
		return err
	case id != "" && name != "":
		return n.Errorf("an image has an id or a name here, not both")
	case id != "" && !glance.IsID(id):
		return n.Errorf("id: %q is no image id", id)
	}
	for _, one := range []string{id, name} {
		if one != "" {
			s.Images = []string{one}
		}
	}
	if s.empty() {
		return n.Errorf("an image needs an id, a name, a glob, tags or properties")
	}
	w.Images = append(w.Images, s)
	return nil
}

func (w *Wanted) recipient(n *foreignfile.Node) error {
	r := Recipient{Line: n.Line}
	err := n.Map(foreignfile.Keys{
		"cloud": foreignfile.Text(&r.Cloud), "project": foreignfile.Text(&r.Project), "expires": foreignfile.Time(&r.Expires),
	})
	if err != nil {
		return err
	}
	if (r.Cloud == "") == (r.Project == "") {
		return n.Errorf("a recipient is either a cloud or a project")
	}
	r.Expires = r.Expires.Truncate(time.Second)
	w.To = append(w.To, r)
	return nil
}

// lineError is an error about a line of the file.
type lineError struct {
	line int
	err  error
}

func (e lineError) Error() string { return fmt.Sprintf("line %d: %v", e.line, e.err) }
func (e lineError) Unwrap() error { return e.err }
