package cloudsyaml

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"go.yaml.in/yaml/v3"
)

// tree is a mapping. Its values are trees, lists ([]any), texts, and nil for null. Dashes in keys
// are underscores.
type tree map[string]any

// Limits for the size of one file after expanding its aliases.
const (
	maxNodes = 200_000
	maxDepth = 50
)

// parse reads YAML, or JSON. A scalar is the text that the file has, so that a password of digits
// stays what it is.
func parse(text []byte, isJSON bool) (tree, error) {
	var value any
	var err error
	if isJSON {
		value, err = parseJSON(text)
	} else {
		value, err = parseYAML(text)
	}
	if err != nil || value == nil {
		return tree{}, err
	}
	top, ok := value.(tree)
	if !ok {
		return nil, errors.New("there are no keys at its top")
	}
	return top, nil
}

func parseYAML(text []byte) (any, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil || len(doc.Content) == 0 {
		return nil, err
	}
	return (&unfolder{}).value(doc.Content[0], 0)
}

// unfolder makes values of YAML's nodes.
type unfolder struct{ nodes int }

func (u *unfolder) value(n *yaml.Node, depth int) (any, error) {
	if u.nodes++; u.nodes > maxNodes || depth > maxDepth {
		return nil, fmt.Errorf("line %d: it is nested too deeply or has too many aliases", n.Line)
	}
	switch n.Kind {
	case yaml.AliasNode:
		return u.value(n.Alias, depth+1)
	case yaml.MappingNode:
		return u.mapping(n, depth)
	case yaml.SequenceNode:
		list := []any{}
		for _, item := range n.Content {
			v, err := u.value(item, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	}
	if n.Tag == "!!null" {
		return nil, nil
	}
	return n.Value, nil
}

func (u *unfolder) mapping(n *yaml.Node, depth int) (any, error) {
	own, inherited := tree{}, tree{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		value, err := u.value(n.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		key := n.Content[i]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		switch {
		case key.Kind != yaml.ScalarNode:
			return nil, fmt.Errorf("line %d: a key has to be a word", key.Line)
		case key.Tag == "!!merge":
			from, ok := value.([]any)
			if !ok {
				from = []any{value}
			}
			for _, v := range from {
				t, ok := v.(tree)
				if !ok {
					return nil, fmt.Errorf("line %d: << needs a mapping", key.Line)
				}
				for k, v := range t {
					if !has(inherited, k) {
						inherited[k] = v
					}
				}
			}
		default:
			own[key.Value] = value
		}
	}
	maps.Copy(inherited, own)
	return inherited, nil
}

func parseJSON(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	return fromJSON(v), nil
}

func fromJSON(v any) any {
	switch v := v.(type) {
	case map[string]any:
		t := tree{}
		for key, value := range v {
			t[key] = fromJSON(value)
		}
		return t
	case []any:
		for i := range v {
			v[i] = fromJSON(v[i])
		}
		return v
	case nil:
		return nil
	}
	return fmt.Sprint(v)
}

// normalized is the tree with underscores in all its keys, as openstacksdk compares them.
func normalized(t tree) tree {
	n := tree{}
	for key, value := range t {
		if below, ok := value.(tree); ok {
			value = normalized(below)
		}
		n[strings.ReplaceAll(key, "-", "_")] = value
	}
	return n
}

// merged is base with all that over says, mapping by mapping.
func merged(base, over tree) tree {
	result := maps.Clone(base)
	if result == nil {
		result = tree{}
	}
	for key, value := range over {
		old, both := result[key].(tree)
		if t, ok := value.(tree); ok && both {
			value = merged(old, t)
		}
		result[key] = value
	}
	return result
}

func has(t tree, key string) bool {
	_, ok := t[key]
	return ok
}

// text is a scalar's text; "" for everything else.
func text(v any) string {
	s, _ := v.(string)
	return s
}
