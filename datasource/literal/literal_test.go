package literal

import (
	"testing"

	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"
	"github.com/zclconf/go-cty/cty"
)

// The engine turns a text back into itself.
func TestText(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "web", "{{ pwd }}", "{{{{ pwd }}}}", "{{{", "}}", "{{- pwd -}}", "{{`x`}}", "{{/* */}}", `{{"{{"}}`, "${x} %{y} {{ .Vars }} `",
	} {
		got, err := interpolate.RenderOnce(Text(text), interpolate.NewContext())
		if err != nil || got != text {
			t.Errorf("%q becomes %q, %v", text, got, err)
		}
	}
}

func TestValue(t *testing.T) {
	t.Parallel()
	in := cty.ObjectVal(map[string]cty.Value{
		"name": cty.StringVal("{{ pwd }}"), "none": cty.NullVal(cty.String), "size": cty.NumberIntVal(3),
		"tags":       cty.ListVal([]cty.Value{cty.StringVal("{{a}}"), cty.StringVal("b")}),
		"properties": cty.MapVal(map[string]cty.Value{"{{k}}": cty.StringVal("{{v}}")}),
		"empty":      cty.MapValEmpty(cty.String),
	})
	want := cty.ObjectVal(map[string]cty.Value{
		"name": cty.StringVal("{{`{{`}} pwd }}"), "none": cty.NullVal(cty.String), "size": cty.NumberIntVal(3),
		"tags":       cty.ListVal([]cty.Value{cty.StringVal("{{`{{`}}a}}"), cty.StringVal("b")}),
		"properties": cty.MapVal(map[string]cty.Value{"{{`{{`}}k}}": cty.StringVal("{{`{{`}}v}}")}),
		"empty":      cty.MapValEmpty(cty.String),
	})
	if got := Value(in); !got.RawEquals(want) {
		t.Errorf("%#v", got)
	}
}
