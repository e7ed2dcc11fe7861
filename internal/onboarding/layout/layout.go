// Package layout reads the layouts of ansible-role-cloud-launcher: profiles with resources, and clouds with
// profiles and resources of their own. A layout that the role takes is taken unchanged; what only Ansible needs is
// ignored. Every error is fault.Usage with line and column.
package layout

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
)

// Layout is what a file asks for.
type Layout struct {
	Clouds   []Cloud
	Warnings []string // such as a profile that no cloud uses; each begins with its place
}

// Cloud is one cloud of a layout: a project and a region, and the resources that are to be there.
type Cloud struct {
	Name      string // the layout's
	Entry     string // of clouds.yaml
	Region    string // "" is the entry's
	Resources []Resource
}

// Resource is one resource of a cloud. A cloud has its resources in the order of Kinds; within a kind, those of
// profiles come first, in the cloud's order of profiles.
type Resource struct {
	Kind   string
	Name   string // for people; names of rules and grants are made up of their parts
	Absent bool   // it is not to be there
	Fields Fields
	From   string // the profile, "" for the cloud's own
	At     string // its place in the file
}

// Fields are a resource's values by their keys, without name and state: string, int, bool, []string,
// map[string]string, []any or map[string]any. Keys that the layout leaves out, or leaves empty, are absent.
type Fields map[string]any

// Text is a text, "" if it is absent.
func (f Fields) Text(key string) string {
	s, _ := f[key].(string)
	return s
}

// Flag is true if the field is there and true.
func (f Fields) Flag(key string) bool {
	b, _ := f[key].(bool)
	return b
}

// Texts are the items of a list, none if it is absent.
func (f Fields) Texts(key string) []string {
	s, _ := f[key].([]string)
	return s
}

// Options say how references in a layout are followed.
type Options struct {
	// Env looks up a variable of the user's environment.
	Env func(name string) (string, bool)
	// Only are the names of the clouds that are wanted; none means all. Secrets of others aren't read.
	Only []string
}

// ReadFile reads a layout. Files that it names are relative to its folder.
func ReadFile(path string, o Options) (*Layout, error) {
	tree, err := foreignfile.ReadTree(path)
	if err != nil {
		return nil, err
	}
	return (&reader{options: o, folder: filepath.Dir(path)}).layout(tree)
}

// Parse is ReadFile of a text; name is for errors.
func Parse(name string, text []byte, o Options) (*Layout, error) {
	tree, err := foreignfile.Tree(name, text)
	if err != nil {
		return nil, err
	}
	return (&reader{options: o}).layout(tree)
}

// Names are the names of the clouds of a layout, in its order, and of nothing that can't be read.
func Names(path string) []string {
	tree, err := foreignfile.ReadTree(path)
	if err != nil || tree.Get("clouds") == nil {
		return nil
	}
	var names []string
	for _, c := range tree.Get("clouds").Items {
		if name := c.Get("name"); name != nil && name.Text != "" {
			names = append(names, name.Text)
		}
	}
	return names
}

// maxResources is the most that all clouds of a layout may have together: a short file could ask for millions, with
// many clouds of one large profile.
const maxResources = 50_000

type reader struct {
	options  Options
	total    int // resources so far
	folder   string
	warnings []string
	seen     map[string]bool // warnings, as profiles are used more than once
	secret   bool            // secrets are read; otherwise only their form is checked
}

func (r *reader) warn(v *foreignfile.Value, format string, args ...any) {
	text := v.At() + ": " + fmt.Sprintf(format, args...)
	if r.seen == nil {
		r.seen = map[string]bool{}
	}
	if !r.seen[text] {
		r.seen[text] = true
		r.warnings = append(r.warnings, text)
	}
}

func (r *reader) layout(tree *foreignfile.Value) (*Layout, error) {
	if tree.Kind != foreignfile.Map {
		return nil, tree.Errorf("a layout has the lists profiles and clouds; this is %s", tree.Kind)
	}
	for _, p := range tree.Pairs {
		near := nearest(p.Key, []string{"profiles", "clouds"})
		switch {
		case p.Key == "profiles" || p.Key == "clouds":
			if p.Duplicate {
				return nil, at(p).Errorf("%q is given twice", p.Key)
			}
		case near != "" && tree.Get(near) == nil:
			return nil, at(p).Errorf("%q is unknown here; did you mean %q?", p.Key, near)
		}
	}
	profiles, order, err := r.profiles(tree.Get("profiles"))
	if err != nil {
		return nil, err
	}
	clouds := tree.Get("clouds")
	switch {
	case clouds.IsNull():
		return nil, tree.Errorf("the list clouds is missing or empty")
	case clouds.Kind != foreignfile.List:
		return nil, clouds.Errorf("clouds has to be a list, not %s", clouds.Kind)
	case len(clouds.Items) == 0:
		return nil, clouds.Errorf("the list clouds is missing or empty")
	}
	l := &Layout{}
	used, names := map[string]bool{}, map[string]*foreignfile.Value{}
	for _, item := range clouds.Items {
		c, err := r.cloud(item, profiles, used)
		if err != nil {
			return nil, err
		}
		if other := names[c.Name]; other != nil {
			return nil, item.Errorf("there is another cloud %q at %s", c.Name, other.At())
		}
		names[c.Name] = item
		if r.wanted(c.Name) {
			l.Clouds = append(l.Clouds, *c)
		}
	}
	if err := r.found(names); err != nil {
		return nil, err
	}
	for _, name := range order {
		if !used[name] {
			r.warn(profiles[name], "no cloud uses the profile %q", name)
		}
	}
	l.Warnings = r.warnings
	return l, nil
}

func (r *reader) wanted(cloud string) bool {
	return len(r.options.Only) == 0 || slices.Contains(r.options.Only, cloud)
}

// found refuses names of clouds that the layout doesn't have.
func (r *reader) found(names map[string]*foreignfile.Value) error {
	for _, name := range r.options.Only {
		if names[name] != nil {
			continue
		}
		known := slices.Sorted(maps.Keys(names))
		advice := "choose one of: " + strings.Join(known, ", ")
		if near := nearest(name, known); near != "" {
			advice = fmt.Sprintf("did you mean %q?", near)
		}
		return fault.New(fault.NotFound, advice, "the layout has no cloud %q", name)
	}
	return nil
}

// profiles are the profiles by name, checked even if no cloud uses them, and their names in order.
func (r *reader) profiles(list *foreignfile.Value) (byName map[string]*foreignfile.Value, order []string, err error) {
	byName = map[string]*foreignfile.Value{}
	if list.IsNull() {
		return byName, nil, nil
	}
	if list.Kind != foreignfile.List {
		return nil, nil, list.Errorf("profiles has to be a list, not %s", list.Kind)
	}
	for _, item := range list.Items {
		name, err := r.named(item, "profile")
		if err != nil {
			return nil, nil, err
		}
		if other := byName[name]; other != nil {
			return nil, nil, item.Errorf("there is another profile %q at %s", name, other.At())
		}
		if err := r.known(item, append([]string{"name"}, Kinds()...)); err != nil {
			return nil, nil, err
		}
		for _, k := range kinds {
			if _, err := r.resources(item, &k, name); err != nil {
				return nil, nil, err
			}
		}
		byName[name] = item
		order = append(order, name)
	}
	return byName, order, nil
}

func (r *reader) cloud(item *foreignfile.Value, profiles map[string]*foreignfile.Value, used map[string]bool) (*Cloud, error) {
	name, err := r.named(item, "cloud")
	if err != nil {
		return nil, err
	}
	r.secret = r.wanted(name)
	defer func() { r.secret = false }()
	if err := r.known(item, append([]string{"name", "oscc_cloud", "region_name", "profiles"}, Kinds()...)); err != nil {
		return nil, err
	}
	c := &Cloud{Name: name}
	for key, into := range map[string]*string{"oscc_cloud": &c.Entry, "region_name": &c.Region} {
		if v := item.Get(key); v != nil {
			if *into, err = r.text(key, v); err != nil {
				return nil, err
			}
		}
	}
	c.Entry = cmp.Or(c.Entry, name)
	list, err := r.texts("profiles", item.Get("profiles"))
	if err != nil {
		return nil, err
	}
	sources := []source{}
	for _, p := range list {
		if profiles[p] == nil {
			known := slices.Sorted(maps.Keys(profiles))
			hint := ""
			if near := nearest(p, known); near != "" {
				hint = fmt.Sprintf("; did you mean %q?", near)
			}
			return nil, item.Get("profiles").Errorf("cloud %q: there is no profile %q%s", name, p, hint)
		}
		used[p] = true
		sources = append(sources, source{profiles[p], p})
	}
	sources = append(sources, source{item, ""})
	if c.Resources, err = r.all(sources); err != nil {
		return nil, err
	}
	if r.total += len(c.Resources); r.total > maxResources {
		return nil, item.Errorf("the clouds have more than %d resources", maxResources)
	}
	return c, nil
}

// source is a profile or a cloud with resources.
type source struct {
	value   *foreignfile.Value
	profile string
}

// all are the resources of the sources, kind by kind. A name that is listed again for the same kind replaces the one
// before, as the last one to be made has the last word.
func (r *reader) all(sources []source) ([]Resource, error) {
	var all []Resource
	for _, k := range kinds {
		at := map[string]int{}
		for _, s := range sources {
			list, err := r.resources(s.value, &k, s.profile)
			if err != nil {
				return nil, err
			}
			for _, res := range list {
				key := res.Name + "\x00" + res.Fields.Text("domain") + "\x00" + res.Fields.Text("project")
				if n, twice := at[key]; twice {
					all[n] = res
					continue
				}
				at[key] = len(all)
				all = append(all, res)
			}
		}
	}
	return all, nil
}

// read is a file that the layout names.
func (r *reader) read(v *foreignfile.Value, path string) (string, error) {
	path = r.Path(path)
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", v.Errorf("%w", err)
	case !info.Mode().IsRegular() || info.Size() > maxSecret:
		return "", v.Errorf("%s is no regular file of at most %d KiB", path, maxSecret>>10)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", v.Errorf("%w", err)
	}
	return strings.TrimSuffix(string(text), "\n"), nil
}

// Path is a path in the layout, from the layout's folder.
func (r *reader) Path(path string) string {
	if home, err := os.UserHomeDir(); err == nil && strings.HasPrefix(path, "~/") {
		return filepath.Join(home, path[2:])
	}
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(r.folder, path)
}
