package foreignfile

import "go.yaml.in/yaml/v3"

// reader makes Values of YAML's nodes, within limits.
type reader struct {
	file         string // that errors begin with
	lenient      bool   // keeps what Parse refuses, and knows the scalars of YAML 1.1
	left         int    // values that may still come
	nodes, depth int    // limits
}

// at is a value that knows only its place.
func (r *reader) at(n *yaml.Node) *Value { return &Value{File: r.file, Line: n.Line, Column: n.Column} }

// value is the node's value; what an alias repeats counts each time.
func (r *reader) value(n *yaml.Node, depth int) (*Value, error) {
	v := r.at(n)
	if r.left--; r.left < 0 {
		return nil, v.Errorf("the file comes to more than %d values, its aliases followed", r.nodes)
	}
	if depth > r.depth {
		return nil, v.Errorf("values are nested more than %d deep, aliases followed", r.depth)
	}
	switch n.Kind {
	case yaml.AliasNode:
		target, err := r.value(n.Alias, depth+1)
		if err == nil {
			target.Alias = &Place{n.Line, n.Column}
		}
		return target, err
	case yaml.ScalarNode:
		return v, r.scalar(n, v)
	case yaml.SequenceNode:
		v.Kind = List
		for _, item := range n.Content {
			i, err := r.value(item, depth+1)
			if err != nil {
				return nil, err
			}
			v.Items = append(v.Items, i)
		}
	case yaml.MappingNode:
		v.Kind = Map
		return v, r.mapping(n, v, depth)
	}
	return v, nil
}

func (r *reader) scalar(n *yaml.Node, v *Value) error {
	if r.lenient {
		v.Kind, v.Text, v.True = plain(n)
		return nil
	}
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!binary":
		return v.Errorf("binary data is not expected here")
	case "!!bool":
		v.Kind, v.Text, v.True = Boolean, n.Value, n.Value[0] == 't' || n.Value[0] == 'T'
	default:
		v.Kind, v.Text = String, n.Value
	}
	return nil
}

func (r *reader) mapping(n *yaml.Node, v *Value, depth int) error {
	index := map[string]int{}
	var merged []Pair
	for k := 0; k+1 < len(n.Content); k += 2 {
		if n.Content[k].ShortTag() == "!!merge" {
			more, err := r.merge(n.Content[k+1], depth)
			if err != nil {
				return err
			}
			merged = append(merged, more...)
			continue
		}
		key, err := r.key(n.Content[k], depth)
		if err != nil {
			return err
		}
		at, twice := index[key.Text]
		if twice && !r.lenient {
			return key.Errorf("%q is given twice", key.Text)
		}
		value, err := r.value(n.Content[k+1], depth+1)
		if err != nil {
			return err
		}
		if value.Kind == Null { // the place of a missing value is the key's
			value.Line, value.Column = key.Line, key.Column
		}
		pair := Pair{Key: key.Text, Value: value, KeyKind: key.Kind, Line: key.Line, Column: key.Column, Duplicate: twice}
		if twice {
			v.Pairs[at] = pair
			continue
		}
		index[key.Text] = len(v.Pairs)
		v.Pairs = append(v.Pairs, pair)
	}
	for _, p := range merged {
		if _, has := index[p.Key]; !has {
			index[p.Key] = len(v.Pairs)
			p.Merged = true
			v.Pairs = append(v.Pairs, p)
		}
	}
	return nil
}

// key is a mapping's key; its Text is its spelling, whatever it is.
func (r *reader) key(n *yaml.Node, depth int) (*Value, error) {
	key, err := r.value(n, depth+1)
	switch {
	case err != nil:
		return nil, err
	case key.Kind == List || key.Kind == Map || !r.lenient && key.Text == "":
		return nil, key.Errorf("a key has to be a word")
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	key.Text = n.Value
	return key, nil
}

// merge are the pairs of a mapping, or of several of which the first counts.
func (r *reader) merge(n *yaml.Node, depth int) ([]Pair, error) {
	from, err := r.value(n, depth+1)
	if err != nil {
		return nil, err
	}
	sources := from.Items
	if from.Kind != List {
		sources = []*Value{from}
	}
	var all []Pair
	for _, s := range sources {
		if s.Kind != Map {
			return nil, s.Errorf("<< takes keys and values, or a list of such")
		}
		all = append(all, s.Pairs...)
	}
	return all, nil
}
