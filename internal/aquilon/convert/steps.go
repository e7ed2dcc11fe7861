package convert

import (
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/imgctl/packer-plugin-openstack/internal/aquilon/profile"
)

// Those that come with Packer.
var (
	coreProvisioners   = []string{"file", "shell", "shell-local", "breakpoint", "powershell", "windows-shell", "windows-restart", "sleep"}
	corePostProcessors = []string{"shell-local", "manifest", "checksum", "compress", "artifice"}
	shells             = []string{"shell", "shell-local"}
)

// foreign adds a note if neither Packer nor this plugin provides the component.
func (c *converter) foreign(t *template, what, kind string, core []string) {
	if !slices.Contains(core, kind) {
		c.note("%s: add the plugin of %s %s to required_plugins", t.Source, what, kind)
	}
}

func (c *converter) provisioners(t *template, build *hclwrite.Body) error {
	list, err := t.list("provisioners")
	if err != nil {
		return err
	}
	for _, v := range list {
		if err := c.provisioner(t, build, "provisioner", v); err != nil {
			return err
		}
	}
	if v, ok := t.Root.Get("error-cleanup-provisioner"); ok {
		return c.provisioner(t, build, "error-cleanup-provisioner", v)
	}
	return nil
}

func (c *converter) provisioner(t *template, build *hclwrite.Body, block string, v profile.Value) error {
	kind, err := t.kind(v)
	if err != nil {
		return err
	}
	if c.options.ProfileURL != "" && isUpdate(kind, v) {
		if kind == "file" {
			return nil
		}
		build.AppendNewline()
		body := build.AppendNewBlock(block, []string{"openstack-quattor"}).Body()
		body.SetAttributeRaw("profile_url", literal(c.options.ProfileURL))
		return nil
	}
	c.foreign(t, "provisioner", kind, coreProvisioners)
	return c.step(t, build, block, kind, v)
}

var updateScript = regexp.MustCompile(`update_ccm\w*\.sh`)

// isUpdate reports whether a provisioner uploads or runs packuilon's script.
func isUpdate(kind string, v profile.Value) bool {
	switch kind {
	case "file":
		to, _ := v.Get("destination")
		path, _ := to.Scalar.(string)
		return updateScript.MatchString(path)
	case "shell":
		lines := inline(v)
		return len(lines) == 1 && updateScript.MatchString(lines[0])
	}
	return false
}

// inline are the lines of a shell's inline, in whichever form.
func inline(v profile.Value) (lines []string) {
	in, _ := v.Get("inline")
	for _, item := range append(in.Items, in) {
		if line, ok := item.Scalar.(string); ok {
			lines = append(lines, line)
		}
	}
	return lines
}

func (c *converter) postProcessors(t *template, build *hclwrite.Body) error {
	list, err := t.list("post-processors")
	if err != nil {
		return err
	}
	for _, v := range list {
		body, items := build, []profile.Value{v}
		if v.Kind == profile.Array {
			build.AppendNewline()
			body, items = build.AppendNewBlock("post-processors", nil).Body(), v.Items
		}
		for _, item := range items {
			if err := c.postProcessor(t, body, item); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *converter) postProcessor(t *template, build *hclwrite.Body, v profile.Value) error {
	if name, ok := v.Scalar.(string); ok { // short for an object with nothing but a type
		c.foreign(t, "post-processor", name, corePostProcessors)
		build.AppendNewline()
		build.AppendNewBlock("post-processor", []string{name})
		return nil
	}
	kind, err := t.kind(v)
	if err != nil {
		return err
	}
	if name, ok := renames(kind, v); ok {
		return c.promote(t, build, v, name)
	}
	c.foreign(t, "post-processor", kind, corePostProcessors)
	return c.step(t, build, "post-processor", kind, v)
}

var renameScript = regexp.MustCompile(`^\S*rename-old-images\.sh\s+(.+)$`)

// renames reports whether a post-processor does nothing but run packuilon's rename-old-images.sh,
// and for which name.
func renames(kind string, v profile.Value) (name string, ok bool) {
	if kind != "shell-local" {
		return "", false
	}
	for _, command := range regexp.MustCompile(`;|&&|\n`).Split(strings.Join(inline(v), "\n"), -1) {
		command = strings.TrimSpace(command)
		if m := renameScript.FindStringSubmatch(command); m != nil && name == "" {
			name = strings.Trim(m[1], `"'`)
		} else if command != "" && !strings.HasPrefix(command, "source ") && !strings.HasPrefix(command, ". ") {
			return "", false
		}
	}
	return name, name != ""
}

// promote writes the post-processor that does what rename-old-images.sh did.
func (c *converter) promote(t *template, build *hclwrite.Body, v profile.Value, name string) error {
	tokens, err := c.text(t, v, name)
	if err != nil {
		return err
	}
	build.AppendNewline()
	body := build.AppendNewBlock("post-processor", []string{"openstack-promote"}).Body()
	body.SetAttributeRaw("cloud", reference("var.promote_cloud"))
	body.SetAttributeRaw("image_name", tokens)
	c.promotes = true
	c.note("%s: openstack-promote replaces rename-old-images.sh; it uses the clouds.yaml entry named by promote_cloud", t.Source)
	return nil
}

// step writes a provisioner or post-processor. A shell gets packuilon's values in variables of its
// environment, where the shell finds them by the names they have: no value is read as a command.
func (c *converter) step(t *template, build *hclwrite.Body, block, kind string, v profile.Value) error {
	build.AppendNewline()
	body := build.AppendNewBlock(block, []string{kind}).Body()
	c.inStep = true
	defer func() { c.inStep = false }()
	if !slices.Contains(shells, kind) {
		return c.members(t, body, v, "type")
	}
	commands := []string{"inline", "command"}
	if err := c.members(t, body, v, append(commands, "type", "env")...); err != nil {
		return err
	}
	environment, err := c.environment(t, v)
	if err != nil {
		return err
	}
	if len(environment) > 0 {
		body.SetAttributeRaw("env", hclwrite.TokensForObject(environment))
	}
	for _, key := range commands {
		option, ok := v.Get(key)
		if !ok {
			continue
		}
		tokens, err := c.commands(t, option, prelude(v))
		if err != nil {
			return err
		}
		body.SetAttributeRaw(key, tokens)
	}
	return nil
}

// environment holds the existing variables and those of packuilon's tokens that the commands use.
func (c *converter) environment(t *template, v profile.Value) (all []hclwrite.ObjectAttrTokens, err error) {
	old, _ := v.Get("env")
	for _, m := range old.Members {
		tokens, err := c.value(t, m.Value)
		if err != nil {
			return nil, err
		}
		all = append(all, hclwrite.ObjectAttrTokens{Name: literal(m.Key), Value: tokens})
	}
	script := commandsOf(v)
	for _, m := range tokensIn(script) {
		all = append(all, hclwrite.ObjectAttrTokens{Name: hclwrite.TokensForIdentifier(m.token), Value: reference(c.shell(m.output))})
		if strings.Contains(script, "'") {
			c.note("%s: $%s is a shell variable now, which the shell doesn't read between single quotes", t.Source, m.token)
		}
		if execute, ok := v.Get("execute_command"); ok {
			if text, _ := execute.Scalar.(string); !strings.Contains(text, ".Vars") {
				c.note("%s: $%s is a shell variable now, so execute_command needs {{ .Vars }}", t.Source, m.token)
			}
		}
	}
	return all, nil
}

// commands are lines for a shell: packuilon's tokens stay for the shell to read, behind the prelude
// that reads their values.
func (c *converter) commands(t *template, v profile.Value, prelude []string) (hclwrite.Tokens, error) {
	if line, ok := v.Scalar.(string); ok {
		if metadataToken.MatchString(line) {
			return nil, t.Errorf(v.Offset(), "$METADATA can only be used in an object, not in a command")
		}
		return c.command(strings.Join(append(prelude, line), "; ")), nil
	}
	items := make([]hclwrite.Tokens, 0, len(v.Items))
	for _, line := range prelude {
		items = append(items, c.command(line))
	}
	for _, item := range v.Items {
		tokens, err := c.commands(t, item, nil)
		if err != nil {
			return nil, err
		}
		items = append(items, tokens)
	}
	return tuple(items), nil
}

// command is a line for a shell, in which only Packer's own variables are references.
func (*converter) command(line string) hclwrite.Tokens {
	var b strings.Builder
	at := 0
	for _, m := range insertions.FindAllStringSubmatchIndex(line, -1) {
		if m[4] < 0 {
			continue
		}
		b.WriteString(escaped(line[at:m[0]]) + "${var." + line[m[4]:m[5]] + "}")
		at = m[1]
	}
	b.WriteString(escaped(line[at:]))
	return quoted(b.String())
}
