package convert

import (
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/imgctl/packer-plugin-openstack/internal/aquilon/profile"
)

// Values of profiles go through Packer's template engine, which must find nothing to evaluate in
// them. It evaluates a builder's options once, and for these the data source escapes what it gives.
// Commands and some options of steps are evaluated until nothing is left to evaluate, and there is no
// escape for that: steps get values whose double braces are apart, and a shell gets values with
// backslash escapes, which the first line of its script puts back together.

// escapedBraces is what the data source gives for "{{".
const escapedBraces = "{{`{{`}}"

// image is the reference to an output of the data source.
func (c *converter) image(output string) string {
	if !c.inStep {
		return "local.image." + output
	}
	return c.local("plain_" + output)
}

// shell is the reference to an output as a shell gets it.
func (c *converter) shell(output string) string { return c.local("shell_" + output) }

func (c *converter) local(name string) string {
	c.locals[name] = true
	return "local." + name
}

// localForms are all forms of outputs, in the order in which they are written.
var localForms = []struct {
	name  string
	value func() hclwrite.Tokens
}{
	{"plain_name", func() hclwrite.Tokens { return apart(reference("local.image.name")) }},
	{"plain_source_image", func() hclwrite.Tokens { return apart(reference("local.image.source_image")) }},
	{"plain_metadata", func() hclwrite.Tokens {
		return reference("{ for key, value in local.image.metadata : key => " + string(apart(reference("value")).Bytes()) + " }")
	}},
	{"shell_name", func() hclwrite.Tokens { return forShell("local.image.name") }},
	{"shell_source_image", func() hclwrite.Tokens { return forShell("local.image.source_image") }},
}

// apart is a value whose double braces are apart.
func apart(value hclwrite.Tokens) hclwrite.Tokens { return replaced(value, escapedBraces, "{ {") }

// forShell is a value for printf's %b.
func forShell(value string) hclwrite.Tokens {
	return replaced(replaced(reference(value), `\`, `\\`), escapedBraces, `{\173`)
}

func replaced(value hclwrite.Tokens, old, by string) hclwrite.Tokens {
	return hclwrite.TokensForFunctionCall("replace", value,
		hclwrite.TokensForValue(cty.StringVal(old)), hclwrite.TokensForValue(cty.StringVal(by)))
}

// writeLocals declares what the template refers to.
func (c *converter) writeLocals(body *hclwrite.Body) {
	locals := body.AppendNewBlock("locals", nil).Body()
	locals.SetAttributeRaw("image", reference("data.openstack-catalog.image"))
	if len(c.locals) > 0 {
		locals.AppendNewline()
		locals.AppendUnstructuredTokens(comment("The same without anything that Packer evaluates more than once."))
	}
	for _, form := range localForms {
		if c.locals[form.name] {
			locals.SetAttributeRaw(form.name, form.value())
		}
	}
}

// tokensIn are those of packuilon's tokens that a script uses.
func tokensIn(script string) (used []struct{ token, output string }) {
	for _, t := range []struct{ token, output string }{{"NAME", "name"}, {"IMAGE", "source_image"}} {
		if regexp.MustCompile(`\$` + t.token + `\b`).MatchString(script) {
			used = append(used, t)
		}
	}
	return used
}

// prelude are the first lines of a script that uses packuilon's tokens.
func prelude(v profile.Value) (lines []string) {
	for _, t := range tokensIn(commandsOf(v)) {
		lines = append(lines, t.token+`=$(printf %b "$`+t.token+`")`)
	}
	return lines
}

// commandsOf is all that a shell step runs by itself.
func commandsOf(v profile.Value) string {
	command, _ := v.Get("command")
	line, _ := command.Scalar.(string)
	return strings.Join(append(inline(v), line), "\n")
}
