package document

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Parse reads one document; name is what errors call it. An empty document is Null.
func Parse(name string, data []byte) (*Value, error) {
	if len(data) > MaxBytes {
		return nil, fault.New(fault.Usage, "", "%s: larger than %d MiB", name, MaxBytes>>20)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		return nil, fault.New(fault.Usage, "", "%s: %s", name, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	r := &reader{file: name, left: maxValues}
	if len(root.Content) == 0 {
		return &Value{File: name, Line: 1, Column: 1}, nil
	}
	return r.value(root.Content[0], 0)
}

type reader struct {
	file string
	left int // values that may still come
}

// value is the node's value; what an alias repeats counts each time.
func (r *reader) value(n *yaml.Node, depth int) (*Value, error) {
	v := &Value{File: r.file, Line: n.Line, Column: n.Column}
	r.left--
	switch {
	case r.left < 0:
		return nil, v.Errorf("more than %d values, aliases expanded", maxValues)
	case depth > maxDepth:
		return nil, v.Errorf("nested deeper than %d levels", maxDepth)
	}
	switch n.Kind {
	case yaml.AliasNode:
		return r.value(n.Alias, depth+1)
	case yaml.SequenceNode:
		v.Kind = List
		for _, item := range n.Content {
			i, err := r.value(item, depth+1)
			if err != nil {
				return nil, err
			}
			v.Items = append(v.Items, i)
		}
		return v, nil
	case yaml.MappingNode:
		v.Kind = Map
		return v, r.pairs(v, n, depth)
	}
	v.Kind, v.Text, v.True = scalar(n)
	return v, nil
}

func (r *reader) pairs(v *Value, n *yaml.Node, depth int) error {
	index := map[string]int{}
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Tag == "!!merge" {
			merges = append(merges, n.Content[i+1])
			continue
		}
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		if key.Kind != yaml.ScalarNode {
			return (&Value{File: r.file, Line: key.Line, Column: key.Column}).Errorf("a key has to be text")
		}
		value, err := r.value(n.Content[i+1], depth+1)
		if err != nil {
			return err
		}
		kind, _, _ := scalar(key)
		pair := Pair{Key: key.Value, Value: value, KeyKind: kind, Line: key.Line, Column: key.Column}
		if at, ok := index[pair.Key]; ok {
			pair.Duplicate = true
			v.Pairs[at] = pair
			continue
		}
		index[pair.Key] = len(v.Pairs)
		v.Pairs = append(v.Pairs, pair)
	}
	for _, m := range merges {
		if err := r.merge(v, m, index, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// merge adds what v hasn't got of a `<<`: a mapping, or a list of them, of which the first counts.
func (r *reader) merge(v *Value, n *yaml.Node, index map[string]int, depth int) error {
	from, err := r.value(n, depth)
	if err != nil {
		return err
	}
	maps := []*Value{from}
	if from.Kind == List {
		maps = from.Items
	}
	for _, m := range maps {
		if m.Kind != Map {
			return m.Errorf("<< needs a mapping, not %s", m.Kind)
		}
		for _, p := range m.Pairs {
			if _, ok := index[p.Key]; !ok {
				index[p.Key] = len(v.Pairs)
				v.Pairs = append(v.Pairs, p)
			}
		}
	}
	return nil
}

var (
	nulls  = []string{"", "~", "null", "Null", "NULL"}
	trues  = []string{"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"}
	falses = []string{"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"}
)

// scalar resolves a plain scalar by YAML 1.1, less its single letters, which PyYAML reads as text.
func scalar(n *yaml.Node) (kind Kind, text string, isTrue bool) {
	quoted := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0
	switch {
	case quoted || n.Tag == "!!str" && n.Style&yaml.TaggedStyle != 0:
		return Text, n.Value, false
	case slices.Contains(nulls, n.Value):
		return Null, "", false
	case len(n.Value) > 1 && slices.Contains(trues, n.Value):
		return Bool, "", true
	case len(n.Value) > 1 && slices.Contains(falses, n.Value):
		return Bool, "", false
	case n.Tag == "!!int" || n.Tag == "!!float":
		return Number, n.Value, false
	}
	return Text, n.Value, false
}

func isZero(spelling string) bool {
	f, err := strconv.ParseFloat(strings.ReplaceAll(spelling, "_", ""), 64)
	if err != nil {
		i, err := strconv.ParseInt(spelling, 0, 64)
		return err == nil && i == 0
	}
	return f == 0
}

// String is a scalar as text: null is empty, a number its spelling.
func (v *Value) String() string {
	switch {
	case v.IsNull():
		return ""
	case v.Kind == Bool:
		return map[bool]string{true: "True", false: "False"}[v.True]
	case v.Kind == Text || v.Kind == Number:
		return v.Text
	}
	return fmt.Sprintf("%v", v.Any())
}
