package envfile

import (
	"maps"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/imagelist"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
)

// Entry is one entry of a ContainerImagePrepare list.
type Entry struct {
	Set                imagelist.Variables
	Push               Push
	TagFromLabel       string
	Includes, Excludes []string // regular expressions
	ModifyRole         string
	ModifyAppendTag    string
	ModifyVars         map[string]any
	ModifyOnlyLabels   []string
	ModifyOnlySources  []string
	PullSource         string
	MultiArch          *bool  // nil if the entry doesn't say
	At                 string // FILE:LINE:COLUMN
}

// Push is where an entry's images go: nowhere, to the undercloud's registry, or to a destination.
type Push struct {
	Undercloud  bool
	Destination string
}

// entryKeys are what an entry may say.
var entryKeys = []string{
	"set", "push_destination", "tag_from_label", "includes", "excludes", "modify_role", "modify_append_tag", "modify_vars",
	"modify_only_with_labels", "modify_only_with_source", "pull_source", "multi_arch",
}

// Entries reads the list of that parameter. ok is false if the parameter is absent or empty.
func (e *Environment) Entries(parameter string) (entries []Entry, ok bool, err error) {
	list := e.Parameters.Get(parameter)
	if !list.Truthy() {
		return nil, false, nil
	}
	if list.Kind != foreignfile.List {
		return nil, false, list.Errorf("%s has to be a list, not %s", parameter, list.Kind)
	}
	for _, item := range list.Items {
		entry, err := e.entry(item)
		if err != nil {
			return nil, false, err
		}
		entries = append(entries, entry)
	}
	return entries, true, nil
}

func (e *Environment) entry(item *foreignfile.Value) (entry Entry, err error) {
	if item.Kind != foreignfile.Map {
		return entry, item.Errorf("an entry has to be a mapping, not %s", item.Kind)
	}
	e.keys(item, entryKeys, "key")
	e.empty(item)
	entry.At = item.At()
	for _, s := range []struct {
		key string
		to  *string
	}{
		{"tag_from_label", &entry.TagFromLabel},
		{"modify_role", &entry.ModifyRole},
		{"modify_append_tag", &entry.ModifyAppendTag},
		{"pull_source", &entry.PullSource},
	} {
		if *s.to, err = item.Get(s.key).Scalar(s.key); err != nil {
			return entry, err
		}
	}
	for _, l := range []struct {
		key string
		to  *[]string
	}{
		{"includes", &entry.Includes},
		{"excludes", &entry.Excludes},
		{"modify_only_with_labels", &entry.ModifyOnlyLabels},
		{"modify_only_with_source", &entry.ModifyOnlySources},
	} {
		if *l.to, err = item.Get(l.key).Texts(l.key); err != nil {
			return entry, err
		}
	}
	return entry, e.rest(item, &entry)
}

// empty warns of keys without a value, such as of a template's variable that was unset. TripleO takes them as
// left out.
func (e *Environment) empty(item *foreignfile.Value) {
	for _, p := range item.Pairs {
		if v := p.Value; v != nil && slices.Contains(emptyMatters, p.Key) && v.Kind == foreignfile.String && v.Text == "" {
			e.find(item.File, p.Line, p.Column, p.Key+" is empty, which counts as left out; remove it, or give it a value")
		}
	}
}

// emptyMatters are keys whose absence changes what is done.
var emptyMatters = []string{"push_destination", "tag_from_label", "modify_role", "modify_append_tag", "pull_source"}

// rest reads the keys that are neither text nor lists.
func (e *Environment) rest(item *foreignfile.Value, entry *Entry) error {
	var err error
	if entry.Set, err = e.variables(item.Get("set")); err != nil {
		return err
	}
	if entry.Push, err = push(item.Get("push_destination")); err != nil {
		return err
	}
	if v := item.Get("multi_arch"); !v.IsNull() {
		if v.Kind != foreignfile.Boolean {
			return v.Errorf("multi_arch has to be true or false, not %s", v.Kind)
		}
		entry.MultiArch = &v.True
	}
	if v := item.Get("modify_vars"); !v.IsNull() {
		vars, ok := v.Any().(map[string]any)
		if !ok {
			return v.Errorf("modify_vars has to be a mapping, not %s", v.Kind)
		}
		entry.ModifyVars = vars
	}
	return nil
}

func push(v *foreignfile.Value) (Push, error) {
	switch {
	case !v.Truthy():
		return Push{}, nil
	case v.Kind == foreignfile.Boolean:
		return Push{Undercloud: true}, nil
	}
	destination, err := v.Scalar("push_destination")
	return Push{Destination: destination}, err
}

// variables reads a set. Lists and mappings are no variables of a template's.
func (e *Environment) variables(set *foreignfile.Value) (imagelist.Variables, error) {
	if set.IsNull() {
		return nil, nil
	}
	if set.Kind != foreignfile.Map {
		return nil, set.Errorf("set has to be a mapping, not %s", set.Kind)
	}
	e.keys(set, knownVariables(), "variable")
	v := imagelist.Variables{}
	for _, p := range set.Pairs {
		switch value := p.Value.Any().(type) {
		case nil, bool, int64, string:
			v[p.Key] = value
		case []any, map[string]any:
			return nil, p.Value.Errorf("variable %s has to be text, a number or a boolean, not %s", p.Key, p.Value.Kind)
		default:
			v[p.Key] = p.Value.Text
		}
	}
	return v, nil
}

// knownVariables are what our lists and TripleO's templates are made of; a user's may have others.
func knownVariables() []string {
	known := map[string]bool{
		"ceph_images": true, "ceph3_namespace": true, "ceph3_image": true, "ceph3_tag": true, "namespace_stein": true,
		"name_prefix_stein": true, "name_suffix_stein": true, "tag_stein": true,
	}
	for _, release := range imagelist.Releases() {
		if list, err := imagelist.ByName(release); err == nil {
			for name := range list.Values {
				known[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(known))
}
