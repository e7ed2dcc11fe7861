package command

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// unset is why an empty value is an error.
const unset = "is a variable of the script unset?"

// RefuseEmpty makes an empty value an error for all flags of the command and of those below it, except those
// whose empty value has a meaning. An empty value usually comes from an unset variable in a script, and
// never means all, any or none.
func RefuseEmpty(c *cobra.Command) {
	for _, flags := range []*pflag.FlagSet{c.PersistentFlags(), c.Flags()} {
		flags.VisitAll(func(f *pflag.Flag) {
			switch v := f.Value.(type) {
			case *filled:
			case *value:
				if !v.flag.GetAllowEmpty() {
					f.Value = &filled{f.Value, f.Name, parts(v.flag.GetType())}
				}
			default:
				several := pluginv1.FlagType_FLAG_TYPE_UNSPECIFIED
				if strings.HasSuffix(f.Value.Type(), "Slice") {
					several = pluginv1.FlagType_FLAG_TYPE_STRING_LIST
				}
				f.Value = &filled{f.Value, f.Name, parts(several)}
			}
		})
	}
	for _, sub := range c.Commands() {
		RefuseEmpty(sub)
	}
}

// filled is a flag's value that may not be empty, nor any of its parts.
type filled struct {
	pflag.Value
	name  string
	parts func(string) []string
}

// Set takes a value.
func (v *filled) Set(text string) error {
	for _, part := range v.parts(text) {
		if strings.TrimSpace(part) != "" {
			continue
		}
		if text == part {
			return errors.New("--" + v.name + " is empty; " + unset)
		}
		return errors.New("--" + v.name + ": a part of \"" + text + "\" is empty; " + unset)
	}
	return v.Value.Set(text)
}

// parts are the parts of a value that must not be empty.
func parts(t pluginv1.FlagType) func(string) []string {
	return func(text string) []string {
		switch t {
		case pluginv1.FlagType_FLAG_TYPE_STRING_LIST:
			return strings.Split(text, ",")
		case pluginv1.FlagType_FLAG_TYPE_KEY_VALUE:
			if key, value, ok := strings.Cut(text, "="); ok {
				return []string{key, value}
			}
		}
		return []string{text}
	}
}

// filledArgs checks that no argument is empty.
func filledArgs(spec *pluginv1.Command, args []string) error {
	for i, text := range args {
		a := argument(spec, i)
		if a != nil && !a.GetAllowEmpty() && strings.TrimSpace(text) == "" {
			return fault.New(fault.Usage, unset, "%s is empty", a.GetName())
		}
	}
	return nil
}
