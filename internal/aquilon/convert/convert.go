// Package convert turns packuilon's templates, which are Packer's JSON with $NAME, $IMAGE and
// $METADATA in it, into HCL that builds the same images with the data source openstack-catalog.
// Packuilon pasted values into the template's text; here they are data and never interpreted.
package convert

import (
	"bytes"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/imgctl/packer-plugin-openstack/internal/aquilon/profile"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// File is one of packuilon's templates.
type File struct {
	Name string // its path, for errors and labels
	Text []byte
}

// Options say what else is replaced.
type Options struct {
	// ProfileURL puts openstack-quattor in the place of the upload and the run of
	// update_ccm_conf.sh; "" keeps them.
	ProfileURL string
}

// Result is one template for all files.
type Result struct {
	HCL []byte
	// Notes are what a person should check.
	Notes []string
}

// Convert turns all files into one HCL template. What it can't convert is fault.Usage with the place in
// the file.
func Convert(files []File, o Options) (*Result, error) {
	c := &converter{options: o, out: hclwrite.NewEmptyFile(), labels: map[string]bool{}, locals: map[string]bool{}}
	var templates []*template
	for _, f := range files {
		t, err := parse(f)
		if err != nil {
			return nil, err
		}
		templates = append(templates, t)
	}
	if len(templates) == 0 {
		return nil, fault.New(fault.Usage, "", "converting packuilon's templates: no file is given")
	}
	for _, t := range templates {
		if err := c.template(t); err != nil {
			return nil, err
		}
	}
	text := append(c.head(templates), bytes.TrimRight(c.out.Bytes(), "\n")...)
	return &Result{HCL: hclwrite.Format(append(text, '\n')), Notes: c.notes}, nil
}

type converter struct {
	options   Options
	out       *hclwrite.File
	labels    map[string]bool // of sources
	variables []variable
	version   string // least version of Packer
	promotes  bool
	inStep    bool            // options are written that Packer may evaluate more than once
	locals    map[string]bool // of the forms that values have for those and for shells
	notes     []string
}

func (c *converter) note(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(c.notes, text) {
		c.notes = append(c.notes, text)
	}
}

// template is a parsed file.
type template struct {
	*profile.Document
	name string // without folder and extension
}

// metadataKey replaces $METADATA in an object. With its value, null, it has the same length, so that
// positions in the file don't change.
const metadataKey = "$M"

var metadataToken = regexp.MustCompile(`\$METADATA\b`)

func parse(f File) (*template, error) {
	d, err := profile.ParseDocument(f.Name, markMetadata(f.Text))
	if err != nil {
		return nil, err
	}
	if d.Root.Kind != profile.Object {
		return nil, d.Errorf(d.Root.Offset(), "a template must be an object, this is %s", d.Root.Kind)
	}
	base := filepath.Base(f.Name)
	return &template{d, strings.TrimSuffix(base, filepath.Ext(base))}, nil
}

// markMetadata replaces $METADATA where it isn't in a string.
func markMetadata(text []byte) []byte {
	out := slices.Clone(text)
	for _, at := range metadataToken.FindAllIndex(text, -1) {
		if !inString(text[:at[0]]) {
			copy(out[at[0]:], `"`+metadataKey+`":null`)
		}
	}
	return out
}

// inString reports whether a string is open at the end of JSON text.
func inString(text []byte) bool {
	open := false
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '"':
			open = !open
		case text[i] == '\\' && open:
			i++
		}
	}
	return open
}

// template converts one file's source and build blocks.
func (c *converter) template(t *template) error {
	for _, m := range t.Root.Members {
		var err error
		switch {
		case slices.Contains([]string{"builders", "provisioners", "post-processors", "error-cleanup-provisioner"}, m.Key):
		case m.Key == "variables":
			err = c.readVariables(t, m.Value)
		case m.Key == "sensitive-variables":
			err = c.hideVariables(t, m.Value)
		case m.Key == "min_packer_version":
			c.version, _ = m.Value.Scalar.(string)
		case m.Key == "description", strings.HasPrefix(m.Key, "_"):
		default:
			err = t.Errorf(m.Value.Offset(), "%q is not a key of a template", m.Key)
		}
		if err != nil {
			return err
		}
	}
	body := c.out.Body()
	names, err := c.builders(t, body)
	if err != nil {
		return err
	}
	build := body.AppendNewBlock("build", nil).Body()
	build.SetAttributeRaw("sources", tuple(names))
	if err := c.provisioners(t, build); err != nil {
		return err
	}
	if err := c.postProcessors(t, build); err != nil {
		return err
	}
	body.AppendNewline()
	return nil
}

var notInLabels = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// label makes a name of a source that no other has.
func (c *converter) label(wanted string) string {
	wanted = notInLabels.ReplaceAllString(wanted, "_")
	if wanted == "" || !regexp.MustCompile(`^[A-Za-z_]`).MatchString(wanted) {
		wanted = "image_" + wanted
	}
	label := wanted
	for n := 2; c.labels[label]; n++ {
		label = fmt.Sprintf("%s_%d", wanted, n)
	}
	c.labels[label] = true
	return label
}

// list is the array at a key of the root, nil if there is none.
func (t *template) list(key string) ([]profile.Value, error) {
	v, ok := t.Root.Get(key)
	if !ok {
		return nil, nil
	}
	if v.Kind != profile.Array {
		return nil, t.Errorf(v.Offset(), "%s must be a list, this is %s", key, v.Kind)
	}
	return v.Items, nil
}

// kind is the type that a builder, provisioner or post-processor has.
func (t *template) kind(v profile.Value) (string, error) {
	if v.Kind != profile.Object {
		return "", t.Errorf(v.Offset(), "expected an object with a type, this is %s", v.Kind)
	}
	kind, _ := v.Get("type")
	name, _ := kind.Scalar.(string)
	if name == "" {
		return "", t.Errorf(v.Offset(), "it has no type")
	}
	return name, nil
}

func (c *converter) builders(t *template, body *hclwrite.Body) (names []hclwrite.Tokens, err error) {
	list, err := t.list("builders")
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, t.Errorf(t.Root.Offset(), "there are no builders")
	}
	for _, v := range list {
		kind, err := t.kind(v)
		if err != nil {
			return nil, err
		}
		c.foreign(t, "builder", kind, []string{"openstack"})
		wanted := t.name
		if name, ok := v.Get("name"); ok {
			wanted, _ = name.Scalar.(string)
		}
		label := c.label(wanted)
		block := body.AppendNewBlock("source", []string{kind, label}).Body()
		if err := c.members(t, block, v, "type", "name"); err != nil {
			return nil, err
		}
		body.AppendNewline()
		names = append(names, literal("source."+kind+"."+label))
	}
	return names, nil
}
