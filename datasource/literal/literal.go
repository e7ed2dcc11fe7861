// Package literal makes a data source's outputs safe to use in a template. Names of images and profiles
// are untrusted, and Packer's template engine evaluates every option of a builder, provisioner or
// post-processor, even in HCL.
package literal

import (
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// Text is text escaped for use in an option: the template engine, which evaluates an option once,
// turns it back into the original.
func Text(s string) string { return strings.ReplaceAll(s, "{{", "{{`{{`}}") }

// Value is the output with all strings escaped by Text, including keys of maps.
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
