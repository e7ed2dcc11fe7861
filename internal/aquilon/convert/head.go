package convert

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/imgctl/packer-plugin-openstack/internal/aquilon/profile"
)

// variable is one of the templates' own.
type variable struct {
	name      string
	preset    hclwrite.Tokens // nil if it has to be given
	sensitive bool
}

var fromEnvironment = regexp.MustCompile("^\\{\\{\\s*env\\s+[`\"](\\w+)[`\"]\\s*\\}\\}$")

// ownVariables are those that the converted template has.
var ownVariables = []string{"profile", "source_images", "name_style", "promote_cloud"}

func (c *converter) readVariables(t *template, v profile.Value) error {
	for _, m := range v.Members {
		text, ok := m.Value.Scalar.(string)
		next := variable{name: m.Key}
		switch {
		case !hclsyntax.ValidIdentifier(m.Key):
			return t.Errorf(m.Value.Offset(), "variable %q: the name isn't valid in HCL", m.Key)
		case slices.Contains(ownVariables, m.Key):
			return t.Errorf(m.Value.Offset(), "variable %q: the converted template uses this name itself", m.Key)
		case m.Value.Kind == "null":
		case !ok:
			return t.Errorf(m.Value.Offset(), "variable %q: its value must be a string, this is %s", m.Key, m.Value.Kind)
		case fromEnvironment.MatchString(text):
			next.preset = hclwrite.TokensForFunctionCall("env", literal(fromEnvironment.FindStringSubmatch(text)[1]))
		case strings.Contains(text, "{{"):
			return t.Errorf(m.Value.Offset(), "variable %q: %s can't be converted; give it a fixed value", m.Key, text)
		default:
			next.preset = literal(text)
		}
		at := slices.IndexFunc(c.variables, func(x variable) bool { return x.name == m.Key })
		switch {
		case at < 0:
			c.variables = append(c.variables, next)
		case string(c.variables[at].preset.Bytes()) != string(next.preset.Bytes()):
			return t.Errorf(m.Value.Offset(), "variable %q: another template gives it another value; convert the templates separately",
				m.Key)
		}
	}
	return nil
}

func (c *converter) hideVariables(t *template, v profile.Value) error {
	for _, item := range v.Items {
		name, _ := item.Scalar.(string)
		at := slices.IndexFunc(c.variables, func(x variable) bool { return x.name == name })
		if at < 0 {
			return t.Errorf(item.Offset(), "sensitive variable %q is not declared in variables", name)
		}
		c.variables[at].sensitive = true
	}
	return nil
}

// head is the part before the sources.
func (c *converter) head(templates []*template) []byte {
	f := hclwrite.NewEmptyFile()
	body := f.Body()
	packer := body.AppendNewBlock("packer", nil).Body()
	packer.SetAttributeValue("required_version", cty.StringVal(">= "+orElse(c.version, "1.11.0")))
	packer.AppendNewBlock("required_plugins", nil).Body().SetAttributeValue("openstack", cty.ObjectVal(map[string]cty.Value{
		"source": cty.StringVal("github.com/imgctl/openstack"), "version": cty.StringVal(">= 0.1.0"),
	}))
	declare := func(name, description string, preset hclwrite.Tokens, sensitive bool) {
		body.AppendNewline()
		v := body.AppendNewBlock("variable", []string{name}).Body()
		v.SetAttributeRaw("type", hclwrite.TokensForIdentifier("string"))
		if description != "" {
			v.SetAttributeValue("description", cty.StringVal(description))
		}
		if preset != nil {
			v.SetAttributeRaw("default", preset)
		}
		if sensitive {
			v.SetAttributeValue("sensitive", cty.True)
		}
	}
	declare("profile", "The Aquilon profile of the image's host: a path or a URL.", nil, false)
	declare("source_images", "Packuilon's source images: a path or a URL.", literal("/etc/packer-utils/source-images.json"), false)
	declare("name_style", "How to name the image: personality or hostname.", literal(profile.ByPersonality), false)
	if c.promotes {
		declare("promote_cloud", "The entry of clouds.yaml with the credentials that admin-auth.sh had.", literal("admin"), false)
	}
	for _, v := range c.variables {
		declare(v.name, "", v.preset, v.sensitive)
	}
	body.AppendNewline()
	data := body.AppendNewBlock("data", []string{"openstack-catalog", "image"}).Body()
	for _, option := range []string{"profile", "source_images", "name_style"} {
		data.SetAttributeRaw(option, reference("var."+option))
	}
	body.AppendNewline()
	c.writeLocals(body)
	body.AppendNewline()

	var names []string
	for _, t := range templates {
		names = append(names, filepath.Base(t.Source))
	}
	return append(fmt.Appendf(nil, "# Converted from packuilon's %s.\n\n", oneLine(strings.Join(names, ", "))), f.Bytes()...)
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// comment is a line that nothing reads.
func comment(text string) hclwrite.Tokens {
	return hclwrite.Tokens{{Type: hclsyntax.TokenComment, Bytes: []byte("# " + oneLine(text) + "\n")}}
}

// oneLine keeps a file's name within its comment.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, text)
}
