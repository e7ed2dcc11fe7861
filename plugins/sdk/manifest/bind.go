package manifest

import (
	"fmt"
	"slices"

	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// Bound is a command line: the values of each argument and each flag, by name. A flag that wasn't
// given has its default.
type Bound struct {
	Args  map[string][]string
	Flags map[string]*pluginv1.FlagValue
}

// Bind puts arguments and flags where the command declares them. An error says in what way they
// don't fit: the line is a wrong usage.
func Bind(c *pluginv1.Command, args []string, flags []*pluginv1.FlagValue) (Bound, error) {
	b := Bound{Args: map[string][]string{}, Flags: map[string]*pluginv1.FlagValue{}}
	rest := args
	for _, a := range c.GetArgs() {
		n := len(rest)
		if most := int(a.GetMax()); most > 0 {
			n = min(n, most)
		}
		if n < int(a.GetMin()) {
			return b, fmt.Errorf("%s needs %s", Path(c), a.GetName())
		}
		b.Args[a.GetName()], rest = rest[:n:n], rest[n:]
	}
	if len(rest) > 0 {
		return b, fmt.Errorf("%s takes no argument %q", Path(c), rest[0])
	}
	return b, b.bindFlags(c, flags)
}

// BindPartly is Bind for a line that isn't finished: what is missing or doesn't fit is left out.
func BindPartly(c *pluginv1.Command, args []string, flags []*pluginv1.FlagValue) Bound {
	b := Bound{Args: map[string][]string{}, Flags: map[string]*pluginv1.FlagValue{}}
	for _, a := range c.GetArgs() {
		n := len(args)
		if most := int(a.GetMax()); most > 0 {
			n = min(n, most)
		}
		b.Args[a.GetName()], args = args[:n:n], args[n:]
	}
	for _, f := range c.GetFlags() {
		if v, err := value(f, flags); err == nil {
			b.Flags[f.GetName()] = v
		}
	}
	return b
}

func (b Bound) bindFlags(c *pluginv1.Command, given []*pluginv1.FlagValue) error {
	for _, v := range given {
		if !slices.ContainsFunc(c.GetFlags(), func(f *pluginv1.Flag) bool { return f.GetName() == v.GetName() }) {
			return fmt.Errorf("%s has no flag --%s", Path(c), v.GetName())
		}
	}
	for _, f := range c.GetFlags() {
		v, err := value(f, given)
		if err != nil {
			return err
		}
		if f.GetRequired() && !v.GetIsSet() {
			return fmt.Errorf("%s needs --%s", Path(c), f.GetName())
		}
		b.Flags[f.GetName()] = v
	}
	return nil
}

func value(f *pluginv1.Flag, given []*pluginv1.FlagValue) (*pluginv1.FlagValue, error) {
	for _, v := range given {
		if v.GetName() != f.GetName() {
			continue
		}
		if !fits(f, v) {
			return nil, fmt.Errorf("--%s has a value that isn't %s", f.GetName(), f.GetType())
		}
		return v, nil
	}
	return Default(f)
}

// fits reports whether the value is of the flag's type.
func fits(f *pluginv1.Flag, v *pluginv1.FlagValue) bool {
	ok := false
	switch f.GetType() {
	case pluginv1.FlagType_FLAG_TYPE_STRING, pluginv1.FlagType_FLAG_TYPE_FILE:
		_, ok = v.GetValue().(*pluginv1.FlagValue_StringValue)
	case pluginv1.FlagType_FLAG_TYPE_ENUM:
		_, ok = v.GetValue().(*pluginv1.FlagValue_StringValue)
		ok = ok && (slices.Contains(f.GetValues(), v.GetStringValue()) || v.GetStringValue() == f.GetDefault())
	case pluginv1.FlagType_FLAG_TYPE_BOOL:
		_, ok = v.GetValue().(*pluginv1.FlagValue_BoolValue)
	case pluginv1.FlagType_FLAG_TYPE_INT:
		_, ok = v.GetValue().(*pluginv1.FlagValue_IntValue)
	case pluginv1.FlagType_FLAG_TYPE_FLOAT:
		_, ok = v.GetValue().(*pluginv1.FlagValue_FloatValue)
	case pluginv1.FlagType_FLAG_TYPE_DURATION:
		_, ok = v.GetValue().(*pluginv1.FlagValue_DurationValue)
	case pluginv1.FlagType_FLAG_TYPE_BYTES:
		_, ok = v.GetValue().(*pluginv1.FlagValue_BytesValue)
	case pluginv1.FlagType_FLAG_TYPE_STRING_LIST:
		_, ok = v.GetValue().(*pluginv1.FlagValue_StringsValue)
	case pluginv1.FlagType_FLAG_TYPE_KEY_VALUE:
		_, ok = v.GetValue().(*pluginv1.FlagValue_PairsValue)
	case pluginv1.FlagType_FLAG_TYPE_TIME:
		_, ok = v.GetValue().(*pluginv1.FlagValue_TimeValue)
		ok = ok || (v.GetValue() == nil && !v.GetIsSet())
	}
	return ok
}
