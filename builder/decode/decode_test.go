package decode

import (
	"strings"
	"testing"

	"github.com/hashicorp/packer-plugin-sdk/template/config"
	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"
)

type target struct {
	Name   string
	Tags   []string
	Set    map[string]string
	Filter struct{ Owner string }
	Count  int
}

func TestEmptyValues(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		raw   map[string]any
		empty Empty
		want  string // "" is success
	}{
		{map[string]any{"name": "x", "tags": []any{"a"}, "count": 0}, Empty{}, ""},
		{map[string]any{"name": nil}, Empty{}, ""},
		{map[string]any{"name": ""}, Empty{}, "name: the value is empty"},
		{map[string]any{"name": " "}, Empty{}, "name: the value is empty"},
		{map[string]any{"name": ""}, Empty{Unset: true}, ""},
		{map[string]any{"tags": []any{}}, Empty{}, ""},
		{map[string]any{"tags": []any{"a", ""}}, Empty{Unset: true}, "tags: the value is empty"},
		{map[string]any{"set": map[string]any{"a": ""}}, Empty{}, "set.a: the value is empty"},
		{map[string]any{"set": map[string]any{"a": ""}}, Empty{Values: []string{"set"}}, ""},
		{map[string]any{"set": map[string]any{"": "a"}}, Empty{Values: []string{"set"}}, "set (a key): the value is empty"},
		{map[string]any{"filter": map[string]any{"owner": ""}}, Empty{Unset: true}, "filter.owner: the value is empty"},
		{map[string]any{"name": "{{user `unset`}}"}, Empty{}, "name: the value is empty"},
		{map[string]any{"name": "{{user `set`}}"}, Empty{}, ""},
		{map[string]any{"name": "", "filter": map[string]any{"owner": ""}}, Empty{}, "filter.owner, name: the value is empty"},
	} {
		var out target
		o := &config.DecodeOpts{Interpolate: true, InterpolateContext: &interpolate.Context{}}
		variables := map[string]any{"packer_user_variables": map[string]string{"unset": "", "set": "x"}, "packer_on_error": ""}
		err := Options(&out, o, tt.empty, tt.raw, variables)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%v: %v, want %q", tt.raw, err, tt.want)
		}
	}
}
