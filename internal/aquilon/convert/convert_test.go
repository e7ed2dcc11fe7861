package convert

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"

	"github.com/imgctl/packer-plugin-openstack/internal/aquilon/profile"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// What the data source gives in these tests: nothing in it may be read as anything but itself.
const (
	name  = `sl7x "web" $IMAGE ${x} %{if} it's`
	image = "0f7a4b9a-54b0-4f27-9d0c-6f3c8c1d1a02"
)

// readName begins a script that uses the name.
const readName = `NAME=$(printf %b "$NAME")`

var scope = &hcl.EvalContext{
	Variables: map[string]cty.Value{
		"local": cty.ObjectVal(map[string]cty.Value{"image": cty.ObjectVal(map[string]cty.Value{
			"name": cty.StringVal(name), "source_image": cty.StringVal(image),
			"metadata": cty.MapVal(map[string]cty.Value{"AQ_PERSONALITY": cty.StringVal(`"web" $NAME`), "X": cty.StringVal("theirs")}),
		})}),
		"var": cty.ObjectVal(map[string]cty.Value{"flavor": cty.StringVal("m1.tiny"), "promote_cloud": cty.StringVal("admin")}),
	},
	Functions: map[string]function.Function{"merge": stdlib.MergeFunc, "replace": stdlib.ReplaceFunc},
}

// block is a block of HCL with its attributes evaluated.
type block struct {
	Head   string
	Attrs  map[string]string
	Blocks []block
}

func evaluated(t *testing.T, body *hclsyntax.Body, scope *hcl.EvalContext) (attrs map[string]string, blocks []block) {
	t.Helper()
	attrs = map[string]string{}
	for key, a := range body.Attributes {
		v, diags := a.Expr.Value(scope)
		if diags.HasErrors() {
			t.Fatalf("%s: %v", key, diags)
		}
		attrs[key] = show(v)
	}
	for _, b := range body.Blocks {
		inner, nested := evaluated(t, b.Body, scope)
		blocks = append(blocks, block{strings.Join(append([]string{b.Type}, b.Labels...), " "), inner, nested})
	}
	return attrs, blocks
}

// withLocals is the scope with what the template makes of the data source's outputs.
func withLocals(t *testing.T, body *hclsyntax.Body) *hcl.EvalContext {
	t.Helper()
	locals := scope.Variables["local"].AsValueMap()
	for _, b := range body.Blocks {
		for key, a := range b.Body.Attributes {
			if b.Type != "locals" || key == "image" {
				continue
			}
			v, diags := a.Expr.Value(scope)
			if diags.HasErrors() {
				t.Fatalf("%s: %v", key, diags)
			}
			locals[key] = v
		}
	}
	return &hcl.EvalContext{Functions: scope.Functions, Variables: map[string]cty.Value{
		"local": cty.ObjectVal(locals), "var": scope.Variables["var"],
	}}
}

func show(v cty.Value) string {
	switch {
	case v.Type() == cty.String:
		return v.AsString()
	case v.CanIterateElements():
		var items []string
		for it := v.ElementIterator(); it.Next(); {
			key, item := it.Element()
			text := show(item)
			if v.Type().IsObjectType() || v.Type().IsMapType() {
				text = key.AsString() + "=" + text
			}
			items = append(items, text)
		}
		return "[" + strings.Join(items, "; ") + "]"
	}
	return strings.TrimSpace(string(hclwrite.TokensForValue(v).Bytes()))
}

// converted gives the source and build blocks of what a template becomes.
func converted(t *testing.T, o Options, files ...File) (blocks []block, text string, notes []string) {
	t.Helper()
	r, err := Convert(files, o)
	if err != nil {
		t.Fatal(err)
	}
	f, diags := hclsyntax.ParseConfig(r.HCL, "converted", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatalf("%v\n%s", diags, r.HCL)
	}
	if formatted := hclwrite.Format(r.HCL); string(formatted) != string(r.HCL) {
		t.Errorf("it isn't formatted:\n%s", r.HCL)
	}
	body := f.Body.(*hclsyntax.Body)
	for _, b := range body.Blocks {
		if b.Type == "source" || b.Type == "build" {
			attrs, nested := evaluated(t, b.Body, withLocals(t, body))
			blocks = append(blocks, block{strings.Join(append([]string{b.Type}, b.Labels...), " "), attrs, nested})
		}
	}
	return blocks, string(r.HCL), r.Notes
}

func TestPackuilonsTemplates(t *testing.T) {
	t.Parallel()
	var files []File
	for _, name := range []string{"managed.json", "unmanaged.json"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "..", "example", "packuilon", "templates", name))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, File{"/etc/packer-utils/templates/" + name, text})
	}
	metadata := `[AQ_PERSONALITY="web" $NAME; X=theirs]`
	managed := block{"source openstack managed", map[string]string{
		"ssh_username": "root", "image_name": name + " AQ", "source_image": image, "flavor": "m1.tiny",
		"instance_metadata": metadata, "user_data_file": "guest/cloud-init.sh",
	}, nil}
	promoted := block{"post-processor openstack-promote", map[string]string{"cloud": "admin", "image_name": name + " AQ"}, nil}
	unmanaged := []block{
		{"source openstack unmanaged", map[string]string{
			"ssh_username": "root", "image_name": name, "source_image": image, "flavor": "m1.tiny", "instance_metadata": metadata,
		}, nil},
		{"build", map[string]string{"sources": "[source.openstack.unmanaged]"}, []block{
			{"provisioner shell", map[string]string{"inline": "[" + readName + `; echo "$NAME, unmanaged" > /etc/issue]`, "env": "[NAME=" +
				name + "]"}, nil},
		}},
	}
	got, text, notes := converted(t, Options{}, files...)
	want := append([]block{managed, {"build", map[string]string{"sources": "[source.openstack.managed]"}, []block{
		{"provisioner file", map[string]string{"source": "guest/update_ccm_conf.sh", "destination": "/root/update_ccm_conf.sh"}, nil},
		{"provisioner shell", map[string]string{"inline": "[sh /root/update_ccm_conf.sh]"}, nil},
		promoted,
	}}}, unmanaged...)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s\n%s", diff, text)
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "openstack-promote replaces rename-old-images.sh") {
		t.Errorf("the notes are %q", notes)
	}

	got, text, _ = converted(t, Options{ProfileURL: "http://aquilon/{{ .Hostname }}"}, files...)
	want[1].Blocks = []block{
		{"provisioner openstack-quattor", map[string]string{"profile_url": "http://aquilon/{{ .Hostname }}"}, nil},
		promoted,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("with a profile's URL: %s\n%s", diff, text)
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	got, text, notes := converted(t, Options{}, File{"8 odd.name.json", []byte(`{
  "_comment": "$NAME", "description": "x", "min_packer_version": "1.12.0",
  "variables": {"flavor": "m1.tiny"},
  "sensitive-variables": ["flavor"],
  "builders": [
    {
      "type": "openstack", "image_name": "$$NAME$IMAGE_x ${y} %{z} \"$IMAGE\"\t", "flavor": "{{user ` + "`flavor`" + `}}",
      "instance_metadata": {"A b": "1", "X": "mine before", $METADATA, "AQ_PERSONALITY": "mine behind"},
      "use_floating_ip": true, "ssh_port": 2222, "nothing": null, "empty": [], "tags": ["$IMAGE", "a$NAME"],
      "source_image_filter": {"most_recent": true, "filters": {"name": "$NAME", "properties": {"os": "sl"}}}
    },
    {"type": "qemu", "name": "8 odd.name"}
  ],
  "provisioners": [
    {"type": "shell", "environment_vars": ["A=$IMAGE"], "env": {"B": "$NAME"}, "execute_command": "sh {{ .Path }}", "inline": ["echo '$NAME' $IMAGE {{user ` + "`flavor`" + `}} $IMAGES"]},
    {"type": "ansible", "playbook_file": "$NAME.yml"}
  ],
  "error-cleanup-provisioner": {"type": "shell-local", "command": "echo ${HOME}"},
  "post-processors": ["manifest", [{"type": "compress", "output": "$NAME.gz"}, "vagrant"],
    {"type": "shell-local", "inline": ["rename-old-images.sh $NAME; rm -r x"]}]
}`)})
	want := []block{
		{"source openstack image_8_odd_name", map[string]string{
			"image_name": "$" + name + "$IMAGE_x ${y} %{z} \"" + image + "\"\t", "flavor": "m1.tiny",
			"instance_metadata": `[A b=1; AQ_PERSONALITY=mine behind; X=theirs]`,
			"use_floating_ip":   "true", "ssh_port": "2222", "empty": "[]", "tags": "[" + image + "; a" + name + "]",
		}, []block{{"source_image_filter", map[string]string{"most_recent": "true"}, []block{
			{"filters", map[string]string{"name": name, "properties": "[os=sl]"}, nil},
		}}}},
		{"source qemu image_8_odd_name_2", map[string]string{}, nil},
		{"build", map[string]string{"sources": "[source.openstack.image_8_odd_name; source.qemu.image_8_odd_name_2]"}, []block{
			{"provisioner shell", map[string]string{
				"environment_vars": "[A=" + image + "]", "env": "[B=" + name + "; IMAGE=" + image + "; NAME=" + name + "]",
				"execute_command": "sh {{ .Path }}",
				"inline":          "[" + readName + `; IMAGE=$(printf %b "$IMAGE"); echo '$NAME' $IMAGE m1.tiny $IMAGES]`,
			}, nil},
			{"provisioner ansible", map[string]string{"playbook_file": name + ".yml"}, nil},
			{"error-cleanup-provisioner shell-local", map[string]string{"command": "echo ${HOME}"}, nil},
			{"post-processor manifest", map[string]string{}, nil},
			{"post-processors", map[string]string{}, []block{
				{"post-processor compress", map[string]string{"output": name + ".gz"}, nil},
				{"post-processor vagrant", map[string]string{}, nil},
			}},
			{"post-processor shell-local", map[string]string{"env": "[NAME=" + name + "]", "inline": "[" + readName +
				"; rename-old-images.sh $NAME; rm -r x]"}, nil},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s\n%s", diff, text)
	}
	for _, part := range []string{
		`required_version = ">= 1.12.0"`,
		"variable \"flavor\" {\n  type      = string\n  default   = \"m1.tiny\"\n  sensitive = true\n}",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("it has no\n%s\nin\n%s", part, text)
		}
	}
	all := strings.Join(notes, "\n")
	for _, part := range []string{
		"builder qemu to required_plugins", "provisioner ansible to required_plugins",
		"post-processor vagrant to required_plugins", "$NAME is a shell variable now, which the shell doesn't read between single quotes",
		"execute_command needs {{ .Vars }}",
	} {
		if !strings.Contains(all, part) {
			t.Errorf("no note says %q:\n%s", part, all)
		}
	}
}

func TestConvertFails(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"cut", `{"builders": [`, "reading f:1:15: the document ends too early"},
		{"a list", `[]`, "reading f:1:1: a template must be an object"},
		{"nothing to build", `{}`, "there are no builders"},
		{"no type", `{"builders": [{}]}`, "f:1:15: it has no type"},
		{"a builder that is text", `{"builders": ["x"]}`, "f:1:15: expected an object with a type, this is a string"},
		{"builders that are none", `{"builders": {}}`, "f:1:14: builders must be a list"},
		{"another part", `{"builders": [{"type": "openstack"}], "push": {}}`, `"push" is not a key of a template`},
		{
			"metadata in a string", "{\"builders\": [{\"type\": \"openstack\",\n\"image_name\": \"a $METADATA\"}]}",
			"f:2:15: $METADATA can only be used in an object, not in a string",
		},
		{
			"metadata in a command", `{"builders": [{"type": "openstack"}], "provisioners": [{"type": "shell", "inline": ["x $METADATA"]}]}`,
			"not in a command",
		},
		{"metadata twice", `{"builders": [{"type": "openstack", "instance_metadata": {$METADATA, $METADATA}}]}`, "f:1:70: key"},
		{"a name outside a string", `{"builders": [{"type": "openstack", "image_name": $NAME}]}`, "f:1:51: this is not JSON"},
		{"an option that is none", `{"builders": [{"type": "openstack", "a b": 1}]}`, `"a b" can't be the name of an option`},
		{
			"a variable of ours", `{"variables": {"profile": "x"}, "builders": [{"type": "openstack"}]}`,
			`variable "profile": the converted template uses this name`,
		},
		{
			"a variable that is a list", `{"variables": {"x": []}, "builders": [{"type": "openstack"}]}`,
			`its value must be a string, this is an array`,
		},
		{
			"a variable that is computed", `{"variables": {"x": "{{timestamp}}"}, "builders": [{"type": "openstack"}]}`,
			`variable "x": {{timestamp}} can't be converted`,
		},
		{
			"a variable of an odd name", `{"variables": {"a b": "x"}, "builders": [{"type": "openstack"}]}`,
			`variable "a b": the name isn't valid in HCL`,
		},
		{"no variable", `{"sensitive-variables": ["x"], "builders": [{"type": "openstack"}]}`, `sensitive variable "x" is not declared`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := Convert([]File{{"f", []byte(c.text)}}, Options{})
			if !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v (%s), want %s", err, fault.KindOf(err), c.want)
			}
		})
	}
	if _, err := Convert(nil, Options{}); !fault.Is(err, fault.Usage) {
		t.Errorf("no files: %v", err)
	}
	_, err := Convert([]File{
		{"a", []byte(`{"variables": {"x": "1"}, "builders": [{"type": "openstack"}]}`)},
		{"b", []byte(`{"variables": {"x": "2"}, "builders": [{"type": "openstack"}]}`)},
	}, Options{})
	if err == nil || !strings.Contains(err.Error(), `reading b:1:21: variable "x": another template gives it another value`) {
		t.Errorf("two values: %v", err)
	}
}

// A string means in HCL what packuilon's textual replacement made of it.
func FuzzText(f *testing.F) {
	for _, s := range []string{
		"", "$NAME", "a $NAME b", "$$NAME", "%$NAME", "$NAMES $IMAGE$NAME", "${NAME}", "%{x}", `"\`, "\n\t\u2028",
		"$$${", "{{user `flavor`}}", "$IMAGE${",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := profile.ParseDocument("f", []byte(`""`))
		if err != nil || strings.Contains(s, "$METADATA") {
			t.Skip("$METADATA stands for pairs, not for text")
		}
		s = cty.StringVal(strings.ToValidUTF8(s, "?")).AsString() // as HCL normalises it
		tokens, err := new(converter).text(&template{d, "f"}, d.Root, s)
		if err != nil {
			t.Fatal(err)
		}
		expr, diags := hclsyntax.ParseExpression(hclwrite.Format(tokens.Bytes()), "f", hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatalf("%q became %s: %v", s, tokens.Bytes(), diags)
		}
		want := insertions.ReplaceAllStringFunc(s, func(m string) string {
			switch m {
			case "$NAME":
				return name
			case "$IMAGE":
				return image
			}
			return "m1.tiny"
		})
		if strings.Contains(s, "{{") && !strings.Contains(s, "`flavor`") {
			t.Skip("another variable")
		}
		got, diags := expr.Value(scope)
		if diags.HasErrors() || got.AsString() != cty.StringVal(want).AsString() {
			t.Errorf("%q became %s, which is %v, want %q (%v)", s, tokens.Bytes(), got, want, diags)
		}
	})
}

func FuzzConvert(f *testing.F) {
	f.Add([]byte(`{"builders": [{"type": "openstack", "m": {$METADATA}}], "provisioners": [{"type": "shell", "inline": ["x $NAME"]}], "post-processors": ["x", ["y"]]}`))
	f.Add([]byte(`{"variables": {"x": null}, "builders": [{"type": "a", "name": ""}, {"type": "b", "n": 1e400}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := Convert([]File{{"f.json", text}}, Options{ProfileURL: "http://a"})
		if err != nil {
			if !fault.Is(err, fault.Usage) {
				t.Errorf("%v is %s", err, fault.KindOf(err))
			}
			return
		}
		if _, diags := hclsyntax.ParseConfig(r.HCL, "f", hcl.InitialPos); diags.HasErrors() {
			t.Errorf("%q became\n%s\n%v", text, r.HCL, diags)
		}
	})
}
