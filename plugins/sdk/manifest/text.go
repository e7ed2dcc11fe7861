package manifest

import (
	"fmt"
	"strings"
	"unicode"

	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// CheckText gives the texts of a manifest that can't be shown as they are, each as one sentence that names the object:
// control characters, and line ends in all but the long help of a command. imgctl shows such a text on one line, with
// other characters in place of these.
func CheckText(m *pluginv1.Manifest) []string {
	var found []string
	check := func(of, text string, lines bool) {
		for _, r := range text {
			if lines && (r == '\n' || r == '\t') {
				continue
			}
			if unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp) {
				found = append(found, fmt.Sprintf("%s has the character %U in its text", of, r))
				return
			}
		}
	}
	EachText(m, func(of string, text *string, lines bool) { check(of, *text, lines) })
	for _, c := range m.GetCommands() {
		for _, a := range c.GetArgs() {
			check(fmt.Sprintf("command %q: argument %q", Path(c), a.GetName()), strings.Join(a.GetValues(), ""), false)
		}
		for _, f := range c.GetFlags() {
			check(fmt.Sprintf("command %q: flag --%s", Path(c), f.GetName()), strings.Join(f.GetValues(), "")+f.GetDefault(), false)
		}
	}
	return found
}

// EachText calls do with each text of a manifest that is for people alone, unlike the values of flags: what it is of, and
// whether it may have several lines.
func EachText(m *pluginv1.Manifest, do func(of string, text *string, lines bool)) {
	const plugin = "the plugin"
	for _, text := range []*string{&m.Vendor, &m.Homepage, &m.License, &m.Short} {
		do(plugin, text, false)
	}
	for _, c := range m.GetCommands() {
		of := fmt.Sprintf("command %q", Path(c))
		do(of, &c.Long, true)
		for _, text := range []*string{&c.Short, &c.Group, &c.Deprecated} {
			do(of, text, false)
		}
		for _, e := range c.GetExamples() {
			do(of+": an example", &e.Text, false)
			do(of+": an example", &e.Command, true)
		}
		for _, a := range c.GetArgs() {
			do(fmt.Sprintf("%s: argument %q", of, a.GetName()), &a.Name, false)
			do(fmt.Sprintf("%s: argument %q", of, a.GetName()), &a.Help, false)
		}
		for _, f := range c.GetFlags() {
			for _, text := range []*string{&f.Help, &f.ValueName, &f.Deprecated} {
				do(fmt.Sprintf("%s: flag --%s", of, f.GetName()), text, false)
			}
		}
		for _, column := range c.GetColumns() {
			do(fmt.Sprintf("%s: column %q", of, column.GetTitle()), &column.Title, false)
		}
	}
}
