package foreignfile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

var (
	nulls  = []string{"", "~", "null", "Null", "NULL"}
	trues  = []string{"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"}
	falses = []string{"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"}
)

// plain resolves a scalar by YAML 1.1, less its single letters, which PyYAML reads as text.
func plain(n *yaml.Node) (kind Kind, text string, isTrue bool) {
	quoted := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0
	switch {
	case quoted || n.Tag == "!!str" && n.Style&yaml.TaggedStyle != 0:
		return String, n.Value, false
	case slices.Contains(nulls, n.Value):
		return Null, "", false
	case len(n.Value) > 1 && slices.Contains(trues, n.Value):
		return Boolean, n.Value, true
	case len(n.Value) > 1 && slices.Contains(falses, n.Value):
		return Boolean, n.Value, false
	case n.Tag == "!!int" || n.Tag == "!!float":
		return Number, n.Value, false
	}
	return String, n.Value, false
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
	case v.Kind == Boolean:
		return map[bool]string{true: "True", false: "False"}[v.True]
	case v.Kind == String || v.Kind == Number:
		return v.Text
	}
	return fmt.Sprintf("%v", v.Any())
}
