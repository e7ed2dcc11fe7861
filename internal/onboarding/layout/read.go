package layout

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
)

// at is the place of a key.
func at(p foreignfile.Pair) *foreignfile.Value {
	return &foreignfile.Value{File: p.Value.File, Line: p.Line, Column: p.Column}
}

// named is a profile's or a cloud's name.
func (r *reader) named(item *foreignfile.Value, what string) (string, error) {
	if item.Kind != foreignfile.Map {
		return "", item.Errorf("a %s is a mapping with a name; this is %s", what, item.Kind)
	}
	name := item.Get("name")
	if name.IsNull() {
		return "", item.Errorf("the %s has no name", what)
	}
	return r.text("name", name)
}

// known refuses keys that are almost one that is known, and warns of others.
func (r *reader) known(item *foreignfile.Value, keys []string) error {
	for _, p := range item.Pairs {
		if slices.Contains(keys, p.Key) {
			if p.Duplicate {
				return at(p).Errorf("%q is given twice", p.Key)
			}
			continue
		}
		if slices.Contains(everywhere, p.Key) {
			continue
		}
		if near := nearest(p.Key, keys); near != "" {
			return at(p).Errorf("%q is unknown here; did you mean %q?", p.Key, near)
		}
		r.warn(at(p), "%q is ignored; known here are %s", p.Key, strings.Join(keys, ", "))
	}
	return nil
}

// resources are the resources of one kind that a profile or a cloud lists.
func (r *reader) resources(item *foreignfile.Value, k *kind, profile string) ([]Resource, error) {
	list := item.Get(k.name)
	if list.IsNull() {
		return nil, nil
	}
	items := list.Items
	switch list.Kind {
	case foreignfile.Map: // one, without the list around it
		items = []*foreignfile.Value{list}
	case foreignfile.List:
	default:
		return nil, list.Errorf("%s has to be a list, not %s", k.name, list.Kind)
	}
	var all []Resource
	for _, one := range items {
		res, err := r.resource(one, k)
		if err != nil {
			return nil, err
		}
		res.From = profile
		if k.unfold != nil {
			all = append(all, k.unfold(res)...)
		} else {
			all = append(all, res)
		}
	}
	return all, nil
}

func (r *reader) resource(item *foreignfile.Value, k *kind) (Resource, error) {
	res := Resource{Kind: k.name, At: item.At(), Fields: Fields{}}
	if item.Kind != foreignfile.Map {
		return res, item.Errorf("one of %s has to be a mapping, not %s", k.name, item.Kind)
	}
	if err := r.known(item, slices.Concat([]string{"state"}, slices.Sorted(maps.Keys(k.keys)), slices.Sorted(maps.Keys(k.older)),
		k.ignored, r.others(item, k))); err != nil {
		return res, err
	}
	for _, p := range item.Pairs {
		if err := r.field(&res, k, p); err != nil {
			return res, err
		}
	}
	res.Name = res.Fields.Text("name")
	delete(res.Fields, "name")
	for _, key := range append([]string{}, k.required...) {
		if _, has := res.Fields[key]; !has && !res.Absent {
			return res, item.Errorf("%s: %s is missing", cmp.Or(res.Name, "one of "+k.name), key)
		}
	}
	if k.title != nil {
		res.Name = k.title(res.Fields)
	}
	if res.Name == "" {
		return res, item.Errorf("one of %s has no name", k.name)
	}
	return res, k.check(item, res)
}

// others are the keys of a kind that takes any.
func (r *reader) others(item *foreignfile.Value, k *kind) (keys []string) {
	if k.anyKey {
		for _, p := range item.Pairs {
			keys = append(keys, p.Key)
		}
	}
	return keys
}

// field reads one key of a resource.
func (r *reader) field(res *Resource, k *kind, p foreignfile.Pair) error {
	key := cmp.Or(k.older[p.Key], p.Key)
	if p.Key == "state" {
		state, err := r.text("state", p.Value)
		if err != nil {
			return err
		}
		if state != "present" && state != "absent" {
			return p.Value.Errorf("state: %q is unknown; it is present or absent", state)
		}
		res.Absent = state == "absent"
		return nil
	}
	form, ok := k.keys[key]
	if !ok && k.anyKey {
		form, ok = k.any, true
	}
	if !ok || p.Value.IsNull() && key != "name" {
		return nil
	}
	if key != p.Key {
		if _, both := res.Fields[key]; both {
			return at(p).Errorf("%q and %q are the same; give one of them", p.Key, key)
		}
	}
	value, err := r.value(form, key, p.Value)
	if err == nil {
		res.Fields[key] = value
	}
	return err
}

func (r *reader) value(f form, key string, v *foreignfile.Value) (any, error) {
	switch f {
	case number:
		return r.number(key, v, 0)
	case limit:
		return r.number(key, v, -1)
	case flag:
		if v.Kind == foreignfile.String { // Ansible's templates leave text
			if _, word, is := scalar(v.Text); is {
				return word, nil
			}
		}
		if v.Kind != foreignfile.Boolean {
			return nil, v.Errorf("%s: true or false is expected here, not %s", key, v.Kind)
		}
		return v.True, nil
	case texts:
		return r.texts(key, v)
	case textMap:
		return r.textMap(key, v)
	case things, mapping:
		return r.structure(f, key, v)
	case secret:
		return r.reference(key, v)
	case path:
		file, err := r.text(key, v)
		return r.Path(file), err
	case fileOrText:
		file, err := r.text(key, v)
		if err != nil || !r.secret {
			return "", err
		}
		return r.read(v, file)
	}
	return r.text(key, v)
}

// scalar is a boolean that is written as text.
func scalar(word string) (text string, is, ok bool) {
	switch strings.ToLower(word) {
	case "true", "yes", "on":
		return word, true, true
	case "false", "no", "off":
		return word, false, true
	}
	return word, false, false
}

func (r *reader) text(key string, v *foreignfile.Value) (string, error) {
	s := v.String()
	if v.Kind == foreignfile.Boolean {
		s = v.Text
	}
	switch {
	case v.Kind == foreignfile.List || v.Kind == foreignfile.Map:
		return "", v.Errorf("%s has to be text, not %s", key, v.Kind)
	case strings.TrimSpace(s) == "":
		return "", v.Errorf("%s is empty", key)
	case strings.Contains(s, "{{") || strings.Contains(s, "{%"):
		return r.template(key, v)
	case strings.HasPrefix(s, "$ANSIBLE_VAULT;"):
		return "", v.Errorf("%s is encrypted with Ansible Vault; refer to a variable or a file: {env: NAME} or {file: PATH}", key)
	case strings.ContainsRune(s, 0):
		return "", v.Errorf("%s has a character NUL", key)
	}
	return s, nil
}

func (r *reader) number(key string, v *foreignfile.Value, least int) (int, error) {
	s, err := r.text(key, v)
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < least {
		return 0, v.Errorf("%s: a whole number from %d on is expected here, not %q", key, least, s)
	}
	return n, nil
}

// texts are a list's items; one text is a list of it.
func (r *reader) texts(key string, v *foreignfile.Value) ([]string, error) {
	if v.IsNull() {
		return nil, nil
	}
	items := v.Items
	if v.Kind != foreignfile.List {
		items = []*foreignfile.Value{v}
	}
	all := make([]string, 0, len(items))
	for _, item := range items {
		s, err := r.text("an item of "+key, item)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

func (r *reader) textMap(key string, v *foreignfile.Value) (map[string]string, error) {
	if v.Kind != foreignfile.Map {
		return nil, v.Errorf("%s has to be a mapping, not %s", key, v.Kind)
	}
	all := make(map[string]string, len(v.Pairs))
	for _, p := range v.Pairs {
		if p.Value.Kind == foreignfile.Boolean { // as Python writes it
			all[p.Key] = p.Value.String()
			continue
		}
		s, err := r.text(key+"."+p.Key, p.Value)
		if err != nil {
			return nil, err
		}
		all[p.Key] = s
	}
	return all, nil
}

// structure is a list of texts and mappings, or a mapping, without templates.
func (r *reader) structure(f form, key string, v *foreignfile.Value) (any, error) {
	if f == mapping && v.Kind != foreignfile.Map {
		return nil, v.Errorf("%s has to be a mapping, not %s", key, v.Kind)
	}
	if err := r.plain(key, v); err != nil {
		return nil, err
	}
	if f == mapping || v.Kind == foreignfile.List {
		return v.Any(), nil
	}
	return []any{v.Any()}, nil
}

// plain refuses templates within a structure.
func (r *reader) plain(key string, v *foreignfile.Value) error {
	for _, item := range v.Items {
		if err := r.plain(key, item); err != nil {
			return err
		}
	}
	for _, p := range v.Pairs {
		if err := r.plain(key+"."+p.Key, p.Value); err != nil {
			return err
		}
	}
	if v.Kind == foreignfile.String && strings.Contains(v.Text, "{{") {
		_, err := r.template(key, v)
		return err
	}
	return nil
}

// ruleTitle is what people call a rule.
func ruleTitle(f Fields) string {
	parts := []string{f.Text("security_group"), cmp.Or(f.Text("direction"), "ingress"), cmp.Or(f.Text("ethertype"), "IPv4")}
	if p := f.Text("protocol"); p != "" {
		parts = append(parts, p)
	}
	if low, ok := f["port_range_min"].(int); ok && low >= 0 {
		ports := strconv.Itoa(low)
		if high, ok := f["port_range_max"].(int); ok && high != low {
			ports += "-" + strconv.Itoa(high)
		}
		parts = append(parts, ports)
	}
	if from := cmp.Or(f.Text("remote_ip_prefix"), f.Text("remote_group")); from != "" {
		parts = append(parts, from)
	}
	return strings.Join(parts, " ")
}

// unfoldServers makes one server of each node of a cluster: web.example.org becomes web01.example.org and so on.
func unfoldServers(res Resource) []Resource {
	count, cluster := res.Fields["node_count"].(int)
	delete(res.Fields, "node_count")
	if !cluster {
		return []Resource{res}
	}
	host, domain, dotted := strings.Cut(res.Name, ".")
	var all []Resource
	for n := 1; n <= count; n++ {
		one := res
		one.Fields = maps.Clone(res.Fields)
		one.Name = fmt.Sprintf("%s%02x", host, n)
		if dotted {
			one.Name += "." + domain
		}
		all = append(all, one)
	}
	return all
}

// nearest is foreignfile.Nearest, which takes its time with very long words.
func nearest(given string, known []string) string {
	if len(given) > 100 {
		return ""
	}
	return foreignfile.Nearest(given, known)
}
