// Package literal makes what a data source found out safe to use in a template. Names of images and
// profiles come from elsewhere, and Packer's template engine reads every option of a builder,
// provisioner or post-processor, also in HCL.
package literal

import (
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// Text is text as it has to stand in an option to be read as itself: the template engine, which
// evaluates an option once, turns it back.
func Text(s string) string { return strings.ReplaceAll(s, "{{", "{{`{{`}}") }

// Value is the output with Text of all strings in it, keys of maps included.
func Value(v cty.Value) cty.Value {
	out, err := cty.Transform(v, func(_ cty.Path, v cty.Value) (cty.Value, error) {
		switch {
		case v.IsNull() || !v.IsKnown():
		case v.Type() == cty.String:
			return cty.StringVal(Text(v.AsString())), nil
		case v.Type().IsMapType() && v.LengthInt() > 0:
			return keys(v), nil
		}
		return v, nil
	})
	if err != nil {
		panic(err) // the function above has none
	}
	return out
}

func keys(v cty.Value) cty.Value {
	m := map[string]cty.Value{}
	for key, value := range v.AsValueMap() {
		m[Text(key)] = value
	}
	return cty.MapVal(m)
}
