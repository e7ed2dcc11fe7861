package conformance

import (
	"errors"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/manifest"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// fromExample is the command line of the first of the command's examples that is one, as Start has
// it; false if there is none.
func fromExample(c *pluginv1.Command) (args []string, flags []*pluginv1.FlagValue, ok bool) {
	for _, e := range c.GetExamples() {
		words, err := split(e.GetCommand())
		if err != nil {
			continue
		}
		args, flags, err := parse(c, words)
		if err != nil {
			continue
		}
		if _, err := manifest.Bind(c, args, flags); err == nil {
			return args, flags, true
		}
	}
	return nil, nil, false
}

var errNoCommand = errors.New("not a command line of this command")

// split takes a line apart at blanks that aren't quoted. A line that needs a shell is refused.
func split(line string) ([]string, error) {
	var words []string
	var quote rune
	word, open := strings.Builder{}, false
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '"' || r == '\'':
			quote, open = r, true
		case strings.ContainsRune("|&;<>$`\\", r):
			return nil, errNoCommand
		case r == ' ':
			if open {
				words = append(words, word.String())
			}
			word.Reset()
			open = false
		default:
			word.WriteRune(r)
			open = true
		}
	}
	if quote != 0 {
		return nil, errNoCommand
	}
	if open {
		words = append(words, word.String())
	}
	return words, nil
}

// switches are the host's flags without a value.
var switches = []string{
	"insecure", "debug", "verbose", "v", "vv", "quiet", "q", "yes", "y", "dry-run", "fit-width", "print-empty",
	"noindent",
}

// parse reads words as the host would: its own flags are left out, those of the command get their
// values.
func parse(c *pluginv1.Command, words []string) (args []string, values []*pluginv1.FlagValue, err error) {
	if len(words) == 0 || words[0] != "imgctl" {
		return nil, nil, errNoCommand
	}
	path, given := c.GetPath(), map[string][]string{}
	for rest := words[1:]; len(rest) > 0; rest = rest[1:] {
		word := rest[0]
		switch {
		case word == "--":
			args, rest = append(args, rest[1:]...), rest[:1]
		case strings.HasPrefix(word, "-") && word != "-":
			name, value, hasValue := strings.Cut(strings.TrimLeft(word, "-"), "=")
			f := find(c, name)
			if !hasValue && !slices.Contains(switches, name) && f.GetType() != pluginv1.FlagType_FLAG_TYPE_BOOL {
				if len(rest) < 2 {
					return nil, nil, errNoCommand
				}
				value, rest = rest[1], rest[1:]
			} else if !hasValue {
				value = "true"
			}
			if f == nil && !manifest.IsReservedFlag(name) && name != "vv" {
				return nil, nil, errNoCommand
			}
			given[f.GetName()] = append(given[f.GetName()], value)
		case len(path) > 0:
			if word != path[0] {
				return nil, nil, errNoCommand
			}
			path = path[1:]
		default:
			args = append(args, word)
		}
	}
	for _, f := range c.GetFlags() {
		v, err := manifest.Default(f)
		if texts := given[f.GetName()]; len(texts) > 0 {
			v, err = manifest.Parse(f, texts)
		}
		if err != nil {
			return nil, nil, err
		}
		values = append(values, v)
	}
	return args, values, nil
}

// find is the command's flag of that name or letter; nil if it has none.
func find(c *pluginv1.Command, name string) *pluginv1.Flag {
	for _, f := range c.GetFlags() {
		if f.GetName() == name || f.GetShort() != "" && f.GetShort() == name {
			return f
		}
	}
	return nil
}
