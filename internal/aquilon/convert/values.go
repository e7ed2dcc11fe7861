package convert

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/imgctl/packer-plugin-openstack/internal/aquilon/profile"
)

// blocks are the keys whose objects are blocks in HCL, not values.
var blocks = []string{"source_image_filter", "filters"}

// members writes an object's members as attributes and blocks, but for those left out.
func (c *converter) members(t *template, body *hclwrite.Body, v profile.Value, leaveOut ...string) error {
	for _, m := range v.Members {
		if slices.Contains(leaveOut, m.Key) || m.Value.Kind == "null" && m.Key != metadataKey {
			continue
		}
		if !hclsyntax.ValidIdentifier(m.Key) {
			return t.Errorf(m.Value.Offset(), "%q can't be the name of an option", m.Key)
		}
		if m.Value.Kind == profile.Object && slices.Contains(blocks, m.Key) {
			if err := c.members(t, body.AppendNewBlock(m.Key, nil).Body(), m.Value); err != nil {
				return err
			}
			continue
		}
		tokens, err := c.value(t, m.Value)
		if err != nil {
			return err
		}
		body.SetAttributeRaw(m.Key, tokens)
	}
	return nil
}

func (c *converter) value(t *template, v profile.Value) (hclwrite.Tokens, error) {
	switch x := v.Scalar.(type) {
	case string:
		return c.text(t, v, x)
	case bool:
		return hclwrite.TokensForValue(cty.BoolVal(x)), nil
	case json.Number:
		n, err := cty.ParseNumberVal(x.String())
		if err != nil {
			return nil, t.Errorf(v.Offset(), "%s is not a number in HCL", x)
		}
		return hclwrite.TokensForValue(n), nil
	}
	switch v.Kind {
	case profile.Array:
		items := make([]hclwrite.Tokens, 0, len(v.Items))
		for _, item := range v.Items {
			tokens, err := c.value(t, item)
			if err != nil {
				return nil, err
			}
			items = append(items, tokens)
		}
		return tuple(items), nil
	case profile.Object:
		return c.object(t, v)
	}
	return hclwrite.TokensForIdentifier("null"), nil
}

// object is an object's value. Members before and behind $METADATA are merged with it in order.
func (c *converter) object(t *template, v profile.Value) (hclwrite.Tokens, error) {
	var parts []hclwrite.Tokens
	var attrs []hclwrite.ObjectAttrTokens
	flush := func() {
		if len(attrs) > 0 {
			parts = append(parts, hclwrite.TokensForObject(attrs))
		}
		attrs = nil
	}
	merged := false
	for _, m := range v.Members {
		if m.Key == metadataKey {
			flush()
			parts, merged = append(parts, reference(c.image("metadata"))), true
			continue
		}
		tokens, err := c.value(t, m.Value)
		if err != nil {
			return nil, err
		}
		key := literal(m.Key)
		if hclsyntax.ValidIdentifier(m.Key) {
			key = hclwrite.TokensForIdentifier(m.Key)
		}
		attrs = append(attrs, hclwrite.ObjectAttrTokens{Name: key, Value: tokens})
	}
	if !merged {
		return hclwrite.TokensForObject(attrs), nil
	}
	flush()
	if len(parts) == 1 {
		return parts[0], nil
	}
	return hclwrite.TokensForFunctionCall("merge", parts...), nil
}

// insertions are what a string is made of besides its own text: packuilon's tokens, where they are
// whole words, and Packer's variables.
var insertions = regexp.MustCompile("\\$(NAME|IMAGE|METADATA)\\b|\\{\\{\\s*user\\s+[`\"]([A-Za-z_][A-Za-z0-9_-]*)[`\"]\\s*\\}\\}")

// text is a string whose insertions are references.
func (c *converter) text(t *template, v profile.Value, s string) (hclwrite.Tokens, error) {
	var b strings.Builder
	at := 0
	for _, m := range insertions.FindAllStringSubmatchIndex(s, -1) {
		var ref string
		switch {
		case m[4] >= 0:
			ref = "var." + s[m[4]:m[5]]
		case s[m[2]:m[3]] == "NAME":
			ref = c.image("name")
		case s[m[2]:m[3]] == "IMAGE":
			ref = c.image("source_image")
		default:
			return nil, t.Errorf(v.Offset(), "$METADATA can only be used in an object, not in a string")
		}
		if m[0] == 0 && m[1] == len(s) {
			return reference(ref), nil
		}
		before := s[at:m[0]]
		if rest, dollar := strings.CutSuffix(before, "$"); dollar {
			b.WriteString(escaped(rest) + `${"$"}`) // "$${" would be a literal "${"
		} else {
			b.WriteString(escaped(before))
		}
		b.WriteString("${" + ref + "}")
		at = m[1]
	}
	b.WriteString(escaped(s[at:]))
	return quoted(b.String()), nil
}

// escaped is text escaped for a quoted HCL string.
func escaped(text string) string {
	s := string(hclwrite.TokensForValue(cty.StringVal(text)).Bytes())
	return s[1 : len(s)-1]
}

// literal is a string that stays as it is.
func literal(text string) hclwrite.Tokens { return quoted(escaped(text)) }

// quoted is a string of text that is escaped already.
func quoted(text string) hclwrite.Tokens {
	return hclwrite.Tokens{
		{Type: hclsyntax.TokenOQuote, Bytes: []byte(`"`)},
		{Type: hclsyntax.TokenQuotedLit, Bytes: []byte(text)},
		{Type: hclsyntax.TokenCQuote, Bytes: []byte(`"`)},
	}
}

func reference(name string) hclwrite.Tokens { return hclwrite.TokensForIdentifier(name) }

func tuple(items []hclwrite.Tokens) hclwrite.Tokens {
	if len(items) < 2 {
		return hclwrite.TokensForTuple(items)
	}
	newline := &hclwrite.Token{Type: hclsyntax.TokenNewline, Bytes: []byte("\n")}
	tokens := hclwrite.Tokens{{Type: hclsyntax.TokenOBrack, Bytes: []byte("[")}, newline}
	for _, item := range items {
		tokens = append(tokens, item...)
		tokens = append(tokens, &hclwrite.Token{Type: hclsyntax.TokenComma, Bytes: []byte(",")}, newline)
	}
	return append(tokens, &hclwrite.Token{Type: hclsyntax.TokenCBrack, Bytes: []byte("]")})
}
