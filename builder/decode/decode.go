// Package decode reads the options of a Packer component. An empty value, as of an unset variable, is an
// error that names the option, unless the component gives it a meaning.
package decode

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/packer-plugin-sdk/template/config"
	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"
	"github.com/zclconf/go-cty/cty"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Empty says where an empty value has a meaning.
type Empty struct {
	// Unset means that an empty text counts as not set, but for what is in blocks, lists and maps.
	Unset bool
	// Values are options with a map, whose values may be empty.
	Values []string
}

// Options reads the options into target as config.Decode does, durations as imgctl's flags do, and
// refuses empty values.
func Options(target any, o *config.DecodeOpts, empty Empty, raws ...any) error {
	o.DecodeHooks = hooks
	if err := config.Decode(target, o, raws...); err != nil {
		return err
	}
	c := &checker{empty: empty, context: o.InterpolateContext}
	for _, raw := range raws {
		c.root(plain(raw))
	}
	if len(c.found) == 0 {
		return nil
	}
	return fault.New(fault.Usage, "give it a value or leave it out", "%s: the value is empty", strings.Join(c.found, ", "))
}

type checker struct {
	empty   Empty
	context *interpolate.Context // nil where nothing is evaluated
	found   []string
}

// root looks at the component's own options, not at Packer's.
func (c *checker) root(v any) {
	all, _ := v.(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		text, isText := all[name].(string)
		switch {
		case strings.HasPrefix(name, "packer_"):
		case !isText:
			c.inside(name, all[name], slices.Contains(c.empty.Values, name))
		case c.isEmpty(text) && !c.empty.Unset:
			c.found = append(c.found, name)
		}
	}
}

func (c *checker) inside(path string, v any, emptyValues bool) {
	switch v := v.(type) {
	case string:
		if c.isEmpty(v) {
			c.found = append(c.found, path)
		}
	case []any:
		for _, item := range v {
			c.inside(path, item, false)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if _, isText := v[key].(string); key == "" || !isText || !emptyValues {
				c.inside(path+"."+key, v[key], false)
			}
			if key == "" {
				c.found = append(c.found, path+" (a key)")
			}
		}
	}
}

// isEmpty reports whether a text is empty, before or after evaluation.
func (c *checker) isEmpty(text string) bool {
	if c.context != nil && strings.Contains(text, "{{") {
		if evaluated, err := interpolate.RenderOnce(text, c.context); err == nil {
			text = evaluated
		}
	}
	return strings.TrimSpace(text) == ""
}

// plain is a value of HCL or JSON as maps, slices and texts; what isn't set or isn't known is nil.
func plain(raw any) any {
	switch v := raw.(type) {
	case cty.Value:
		return fromHCL(v)
	case map[string]any:
		out := map[string]any{}
		for key, value := range v {
			out[key] = plain(value)
		}
		return out
	case map[string]string:
		out := map[string]any{}
		for key, value := range v {
			out[key] = value
		}
		return out
	case []any:
		var out []any
		for _, item := range v {
			out = append(out, plain(item))
		}
		return out
	case []string:
		var out []any
		for _, item := range v {
			out = append(out, item)
		}
		return out
	case string, nil:
		return v
	}
	return fmt.Sprint(raw) // a number or a flag is never empty
}

func fromHCL(v cty.Value) any {
	switch {
	case v.IsNull() || !v.IsKnown():
		return nil
	case v.Type() == cty.String:
		return v.AsString()
	case !v.CanIterateElements():
		return nil
	case v.Type().IsObjectType() || v.Type().IsMapType():
		out := map[string]any{}
		for key, value := range v.AsValueMap() {
			out[key] = fromHCL(value)
		}
		return out
	}
	var out []any
	for it := v.ElementIterator(); it.Next(); {
		_, item := it.Element()
		out = append(out, fromHCL(item))
	}
	return out
}
