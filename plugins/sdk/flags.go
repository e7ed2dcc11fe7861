package sdk

import (
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"

	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// Flags are the options of a command.
type Flags []Flag

// Flag is one option, made by String, Bool and so on. Its methods give a changed copy.
type Flag struct{ flag *pluginv1.Flag }

// Arg is a positional argument, made by One, Optional, OneOrMore or ZeroOrMore.
type Arg struct{ arg *pluginv1.Arg }

// Completion says where suggestions for a value come from.
type Completion = pluginv1.Completion

// Where suggestions come from; nowhere by default.
const (
	CompleteFiles       = pluginv1.Completion_COMPLETION_FILE
	CompleteDirectories = pluginv1.Completion_COMPLETION_DIRECTORY
	// CompleteDynamically asks Command.Complete.
	CompleteDynamically = pluginv1.Completion_COMPLETION_DYNAMIC
	// CompleteClouds are the names in the user's clouds.yaml.
	CompleteClouds = pluginv1.Completion_COMPLETION_CLOUD
)

// String is a flag with text.
func String(name, def, help string) Flag {
	return flag(pluginv1.FlagType_FLAG_TYPE_STRING, name, def, help)
}

// CloudName is a flag with the name of a cloud, for Input.Cloud; empty is the cloud of --os-cloud.
func CloudName(name, help string) Flag {
	return String(name, "", help).ValueName("CLOUD").Completes(CompleteClouds)
}

// Bool is a switch, off unless given.
func Bool(name, help string) Flag {
	return flag(pluginv1.FlagType_FLAG_TYPE_BOOL, name, "", help)
}

// Int is a flag with a whole number.
func Int(name string, def int, help string) Flag {
	return flag(pluginv1.FlagType_FLAG_TYPE_INT, name, unlessZero(def, strconv.Itoa(def)), help)
}

// Float is a flag with a number.
func Float(name string, def float64, help string) Flag {
	return flag(pluginv1.FlagType_FLAG_TYPE_FLOAT, name, unlessZero(def, strconv.FormatFloat(def, 'g', -1, 64)), help)
}

// Duration is a flag with a duration, such as 90s, 36h or 7d.
func Duration(name string, def time.Duration, help string) Flag {
	return flag(pluginv1.FlagType_FLAG_TYPE_DURATION, name, unlessZero(def, def.String()), help)
}

// Bytes is a flag with a size, such as 512, 10M or 4GiB.
func Bytes(name string, def int64, help string) Flag {
	return flag(pluginv1.FlagType_FLAG_TYPE_BYTES, name, unlessZero(def, strconv.FormatInt(def, 10)), help)
}

// Enum is a flag with one of the values, or none of them where the default is empty.
func Enum(name, def, help string, values ...string) Flag {
	f := flag(pluginv1.FlagType_FLAG_TYPE_ENUM, name, def, help)
	f.flag.Values = values
	f.flag.Completion = pluginv1.Completion_COMPLETION_STATIC
	return f
}

// Strings is a flag that may be given more than once, or with commas.
func Strings(name, help string) Flag {
	return flag(pluginv1.FlagType_FLAG_TYPE_STRING_LIST, name, "", help)
}

// KeyValue is a flag with KEY=VALUE that may be given more than once.
func KeyValue(name, help string) Flag {
	return flag(pluginv1.FlagType_FLAG_TYPE_KEY_VALUE, name, "", help)
}

// File is a flag with the path of a file.
func File(name, def, help string) Flag {
	return flag(pluginv1.FlagType_FLAG_TYPE_FILE, name, def, help).Completes(CompleteFiles)
}

// Time is a flag with a date, or a date and time.
func Time(name, help string) Flag {
	return flag(pluginv1.FlagType_FLAG_TYPE_TIME, name, "", help)
}

func flag(t pluginv1.FlagType, name, def, help string) Flag {
	return Flag{&pluginv1.Flag{Type: t, Name: name, Default: def, Help: help}}
}

// unlessZero is a default's text, empty for the zero, so that help doesn't show it.
func unlessZero[T comparable](v T, text string) string {
	var zero T
	if v == zero {
		return ""
	}
	return text
}

func (f Flag) with(change func(*pluginv1.Flag)) Flag {
	c := proto.CloneOf(f.flag)
	change(c)
	return Flag{c}
}

// Required makes the user give it.
func (f Flag) Required() Flag { return f.with(func(f *pluginv1.Flag) { f.Required = true }) }

// Short gives it one letter, for -x.
func (f Flag) Short(letter string) Flag { return f.with(func(f *pluginv1.Flag) { f.Short = letter }) }

// ValueName is what help calls its value, such as "CLOUD".
func (f Flag) ValueName(name string) Flag {
	return f.with(func(f *pluginv1.Flag) { f.ValueName = name })
}

// Env names a variable of the user's environment that counts if the flag isn't given.
func (f Flag) Env(variable string) Flag { return f.with(func(f *pluginv1.Flag) { f.Env = variable }) }

// Secret makes a String a secret: the user names a file that holds it, and Input.Secret gives it.
func (f Flag) Secret() Flag { return f.with(func(f *pluginv1.Flag) { f.Secret = true }) }

// AllowEmpty lets the user give an empty value, which the help says the meaning of. Without it imgctl
// refuses one: it is what an unset variable of a script leaves.
func (f Flag) AllowEmpty() Flag { return f.with(func(f *pluginv1.Flag) { f.AllowEmpty = true }) }

// Writes says that the command writes the file of this name. imgctl refuses one that the command also reads,
// or writes under another flag.
func (f Flag) Writes() Flag { return f.with(func(f *pluginv1.Flag) { f.Writes = true }) }

// Hidden leaves it out of help and completion.
func (f Flag) Hidden() Flag { return f.with(func(f *pluginv1.Flag) { f.Hidden = true }) }

// Deprecated says what to use instead.
func (f Flag) Deprecated(instead string) Flag {
	return f.with(func(f *pluginv1.Flag) { f.Deprecated = instead })
}

// Completes says where suggestions come from.
func (f Flag) Completes(c Completion) Flag {
	return f.with(func(f *pluginv1.Flag) { f.Completion = c })
}

// One is an argument that must be there, once.
func One(name, help string) Arg { return arg(name, help, 1, 1) }

// Optional is an argument that may be there.
func Optional(name, help string) Arg { return arg(name, help, 0, 1) }

// OneOrMore is an argument that must be there and may be repeated; it is the last.
func OneOrMore(name, help string) Arg { return arg(name, help, 1, 0) }

// ZeroOrMore is an argument that may be there any number of times; it is the last.
func ZeroOrMore(name, help string) Arg { return arg(name, help, 0, 0) }

func arg(name, help string, least, most int32) Arg {
	return Arg{&pluginv1.Arg{Name: name, Help: help, Min: least, Max: most}}
}

// Completes says where suggestions come from.
func (a Arg) Completes(c Completion) Arg {
	p := proto.CloneOf(a.arg)
	p.Completion = c
	return Arg{p}
}

// AllowEmpty lets the user give an empty value, which the help says the meaning of.
func (a Arg) AllowEmpty() Arg {
	c := proto.CloneOf(a.arg)
	c.AllowEmpty = true
	return Arg{c}
}

// Writes says that the command writes the file of this name. imgctl refuses one that the command also reads,
// or writes under another flag.
func (a Arg) Writes() Arg {
	c := proto.CloneOf(a.arg)
	c.Writes = true
	return Arg{c}
}
