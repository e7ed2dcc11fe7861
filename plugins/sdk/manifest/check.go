package manifest

import (
	"fmt"
	"regexp"
	"slices"
	"unicode/utf8"

	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// MaxShort is the length of Command.short and Manifest.short, in characters.
const MaxShort = 60

var (
	word    = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	letter  = regexp.MustCompile(`^[a-zA-Z0-9]$`)
	version = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.+-]+)?$`)
	// A variable of the environment; OS_ ones are credentials and the host's.
	variable = regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)
)

// Check gives all that is wrong with a manifest, each as one sentence that names the object;
// nothing if it is right.
func Check(m *pluginv1.Manifest) []string {
	var c checker
	if c.limits(m); len(c.found) > 0 {
		return c.found // looking at the rest would take too long
	}
	c.require(word.MatchString(m.GetName()), "the plugin's name %q isn't made of lower-case letters, digits and dashes", m.GetName())
	c.require(version.MatchString(m.GetVersion()), "the plugin's version %q isn't a semantic version such as 1.2.3", m.GetVersion())
	c.require(utf8.RuneCountInString(m.GetShort()) <= MaxShort, "what the plugin is for is longer than %d characters", MaxShort)
	c.require(len(m.GetCommands()) > 0, "the plugin has no commands")
	seen := map[string]bool{}
	for _, command := range m.GetCommands() {
		c.command(command)
		for _, path := range Spellings(command) {
			c.require(!seen[path], "command %q is defined twice", path)
			seen[path] = true
		}
	}
	return c.found
}

// Spellings are a command's path and what its aliases make of it.
func Spellings(c *pluginv1.Command) []string {
	all := []string{Path(c)}
	if len(c.GetPath()) == 0 {
		return all
	}
	for _, alias := range c.GetAliases() {
		path := slices.Clone(c.GetPath())
		path[len(path)-1] = alias
		all = append(all, Path(&pluginv1.Command{Path: path}))
	}
	return all
}

type checker struct{ found []string }

func (c *checker) require(ok bool, format string, args ...any) {
	if !ok {
		c.found = append(c.found, fmt.Sprintf(format, args...))
	}
}

func (c *checker) command(command *pluginv1.Command) {
	name := Path(command)
	c.require(len(command.GetPath()) > 0, "a command has no path")
	for _, w := range slices.Concat(command.GetPath(), command.GetAliases()) {
		c.require(word.MatchString(w), "command %q: %q isn't made of lower-case letters, digits and dashes", name, w)
	}
	if len(command.GetPath()) > 0 {
		c.require(!slices.Contains(ReservedCommands, command.GetPath()[0]), "command %q: %q is imgctl's own", name, command.GetPath()[0])
	}
	c.require(command.GetShort() != "", "command %q has no short help", name)
	c.require(utf8.RuneCountInString(command.GetShort()) <= MaxShort, "command %q: the short help is longer than %d characters", name,
		MaxShort)
	c.require(known(pluginv1.CommandKind_name, command.GetKind()), "command %q has no kind", name)
	c.args(name, command.GetArgs())
	c.flags(name, command.GetFlags())
	titles := map[string]bool{}
	for _, column := range command.GetColumns() {
		c.require(column.GetTitle() != "", "command %q has a column without title", name)
		c.require(!titles[column.GetTitle()], "command %q: column %q is defined twice", name, column.GetTitle())
		titles[column.GetTitle()] = true
	}
	c.require(len(titles) == 0 || command.GetKind() == pluginv1.CommandKind_COMMAND_KIND_LIST, "command %q has columns and isn't a LIST",
		name)
}

func (c *checker) args(command string, args []*pluginv1.Arg) {
	optional := ""
	for i, a := range args {
		c.require(a.GetName() != "", "command %q has an argument without name", command)
		c.require(a.GetHelp() != "", "command %q: argument %q has no help", command, a.GetName())
		c.require(a.GetMin() >= 0 && a.GetMax() >= 0 && (a.GetMax() == 0 || a.GetMin() <= a.GetMax()),
			"command %q: argument %q takes %d to %d values", command, a.GetName(), a.GetMin(), a.GetMax())
		c.require(i == len(args)-1 || a.GetMax() == 1, "command %q: argument %q takes more than one value and isn't the last", command,
			a.GetName())
		c.require(optional == "" || a.GetMin() == 0, "command %q: argument %q is required after the optional %q", command, a.GetName(),
			optional)
		if a.GetMin() == 0 {
			optional = a.GetName()
		}
	}
}

func (c *checker) flags(command string, flags []*pluginv1.Flag) {
	seen := map[string]bool{}
	for _, f := range flags {
		name := f.GetName()
		c.require(word.MatchString(name), "command %q: flag %q isn't made of lower-case letters, digits and dashes", command, name)
		c.require(!IsReservedFlag(name), "command %q: flag --%s is imgctl's own", command, name)
		c.require(!seen[name], "command %q: flag --%s is defined twice", command, name)
		seen[name] = true
		if short := f.GetShort(); short != "" {
			c.require(letter.MatchString(short), "command %q: flag -%s of --%s isn't one letter", command, short, name)
			c.require(!IsReservedFlag(short), "command %q: flag -%s of --%s is imgctl's own", command, short, name)
			c.require(!seen["-"+short], "command %q: flag -%s is defined twice", command, short)
			seen["-"+short] = true
		}
		c.flag(command, f)
	}
}

func (c *checker) flag(command string, f *pluginv1.Flag) {
	name := f.GetName()
	c.require(f.GetHelp() != "", "command %q: flag --%s has no help", command, name)
	c.require(known(pluginv1.FlagType_name, f.GetType()), "command %q: flag --%s has no type", command, name)
	enum := f.GetType() == pluginv1.FlagType_FLAG_TYPE_ENUM
	c.require(!enum || len(f.GetValues()) > 0, "command %q: flag --%s is an ENUM without values", command, name)
	c.require(!f.GetSecret() || f.GetType() == pluginv1.FlagType_FLAG_TYPE_STRING, "command %q: flag --%s is a secret and not a STRING",
		command, name)
	c.require(!f.GetSecret() || f.GetDefault() == "", "command %q: flag --%s is a secret with a default", command, name)
	c.require(!f.GetRequired() || f.GetDefault() == "", "command %q: flag --%s is required and has a default", command, name)
	c.require(f.GetEnv() == "" || variable.MatchString(f.GetEnv()), "command %q: flag --%s: %q isn't a variable's name", command, name,
		f.GetEnv())
	c.require(!credential(f.GetEnv()), "command %q: flag --%s: variable %s holds credentials, which are imgctl's", command, name,
		f.GetEnv())
	if _, err := Default(f); err != nil {
		c.require(false, "command %q: the default of %v", command, err)
	}
}

func credential(env string) bool { return len(env) > 3 && env[:3] == "OS_" }

// known reports whether the value is one that this version of the protocol names, other than
// UNSPECIFIED.
func known[E ~int32](names map[int32]string, value E) bool {
	_, ok := names[int32(value)]
	return ok && value != 0
}
