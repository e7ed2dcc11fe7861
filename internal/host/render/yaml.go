package render

import (
	"io"
	"maps"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// yamlList writes a sequence of mappings whose keys are in the columns' order, one by one: a sequence
// of one for each row makes the same document as all of them together.
type yamlList struct {
	w       io.Writer
	columns []Column
	rows    int
}

func (l *yamlList) Row(values []any) error {
	row := &yaml.Node{Kind: yaml.MappingNode}
	for i, c := range l.columns {
		row.Content = append(row.Content, node(c.Title), node(values[i]))
	}
	l.rows++
	return writeYAML(l.w, &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{row}})
}

func (l *yamlList) Close() error {
	if l.rows > 0 {
		return nil
	}
	_, err := io.WriteString(l.w, "[]\n")
	return err
}

func showYAML(w io.Writer, fields []Field) error {
	object := &yaml.Node{Kind: yaml.MappingNode}
	for _, f := range fields {
		object.Content = append(object.Content, node(f.Name), node(f.Value))
	}
	return writeYAML(w, object)
}

func writeYAML(w io.Writer, n *yaml.Node) error {
	e := yaml.NewEncoder(w)
	e.SetIndent(2)
	if err := e.Encode(n); err != nil {
		return err
	}
	return e.Close()
}

func node(v any) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode}
	switch v := v.(type) {
	case nil:
		n.Tag, n.Value = "!!null", "null"
	case bool:
		n.Tag, n.Value = "!!bool", strconv.FormatBool(v)
	case int64:
		n.Tag, n.Value = "!!int", text(v)
	case float64:
		n.Tag, n.Value = "!!float", float(v)
		if v == float64(int64(v)) {
			n.Tag = "!!int"
		}
	case []any:
		n.Kind = yaml.SequenceNode
		for _, e := range v {
			n.Content = append(n.Content, node(e))
		}
	case map[string]any:
		n.Kind = yaml.MappingNode
		for _, k := range slices.Sorted(maps.Keys(v)) {
			n.Content = append(n.Content, node(k), node(v[k]))
		}
	default:
		n.SetString(text(v))
	}
	return n
}
