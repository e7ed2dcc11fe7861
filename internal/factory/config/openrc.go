package config

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
)

var (
	assignment = regexp.MustCompile(`^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$`)
	reference  = regexp.MustCompile(`\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))`)
)

// OpenRC reads the OS_* variables that a shell script with credentials sets, as packuilon's packer-auth.sh and
// admin-auth.sh do. The script isn't run: lines that set no such variable are passed over, and one whose value only a
// shell could tell is an error. Errors never have a value in them.
func OpenRC(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, foreignfile.Unreadable(path, err)
	}
	if len(text) > maxSize {
		return nil, fault.New(fault.Usage, "", "reading %s: it is larger than %d MiB", path, maxSize>>20)
	}
	set := map[string]string{}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		m := assignment.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil || !strings.HasPrefix(m[1], "OS_") {
			continue
		}
		value, ok := shellWord(m[2], set)
		if !ok {
			return nil, fault.New(fault.Usage, "write the value as it is, in single quotes",
				"reading %s:%d: the value of %s needs a shell", path, number, m[1])
		}
		if set[m[1]] = value; value == "" {
			delete(set, m[1])
		}
	}
	if set["OS_AUTH_URL"] == "" {
		return nil, fault.New(fault.Usage, "", "reading %s: it doesn't set OS_AUTH_URL", path)
	}
	return set, nil
}

// shellWord is the value of an assignment.
func shellWord(text string, known map[string]string) (value string, ok bool) {
	var rest string
	expand := true
	switch {
	case strings.HasPrefix(text, "'"):
		value, rest, ok = strings.Cut(text[1:], "'")
		expand = false
	case strings.HasPrefix(text, `"`):
		value, rest, ok = strings.Cut(text[1:], `"`)
	default:
		value, rest, _ = strings.Cut(strings.ReplaceAll(text, "\t", " "), " ")
		value, ok = strings.TrimSuffix(value, ";"), !strings.ContainsAny(value, `'"`)
	}
	rest = strings.TrimLeft(strings.TrimSpace(rest), ";")
	if !ok || rest != "" && !strings.HasPrefix(strings.TrimSpace(rest), "#") || expand && strings.ContainsAny(value, "`\\") {
		return "", false
	}
	if !expand {
		return value, true
	}
	value = reference.ReplaceAllStringFunc(value, func(ref string) string {
		found, is := known[strings.Trim(ref, "${}")]
		ok = ok && is
		return strings.ReplaceAll(found, "$", "\x00")
	})
	if strings.Contains(value, "$") {
		return "", false
	}
	return strings.ReplaceAll(value, "\x00", "$"), ok
}

// secretKeys are those of credentials whose values nobody else is to see.
var secretKeys = regexp.MustCompile(`(?i)(^|_)(password|secret|token|passcode)$`)

// Secrets are the secret values among variables.
func Secrets(variables map[string]string) (all []string) {
	for name, value := range variables {
		if secretKeys.MatchString(name) && value != "" {
			all = append(all, value)
		}
	}
	return all
}

// CloudSecrets are the secrets of a clouds.yaml, which has to have the entry.
func CloudSecrets(path, entry string) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, foreignfile.Unreadable(path, err)
	}
	if len(text) > maxSize {
		return nil, fault.New(fault.Usage, "", "reading %s: it is larger than %d MiB", path, maxSize>>20)
	}
	var all []string
	var root yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader(text)).Decode(&root); err != nil {
		return nil, fault.New(fault.Usage, "", "reading %s: it is no YAML", path) // the error may have a secret in it
	}
	var file struct {
		Clouds map[string]yaml.Node `yaml:"clouds"`
	}
	if err := root.Decode(&file); err != nil {
		return nil, fault.New(fault.Usage, "", "reading %s: it isn't like a clouds.yaml", path)
	}
	if _, ok := file.Clouds[entry]; !ok {
		near := ""
		if n := foreignfile.Nearest(entry, slices.Sorted(maps.Keys(file.Clouds))); n != "" {
			near = fmt.Sprintf("; did you mean %s?", n)
		}
		return nil, fault.New(fault.Usage, "", "reading %s: it has no cloud %q%s", path, entry, near)
	}
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			if value := n.Content[i+1]; secretKeys.MatchString(n.Content[i].Value) && value.Kind == yaml.ScalarNode && value.Value != "" {
				all = append(all, value.Value)
			}
		}
		for _, child := range n.Content { // an alias has none: what it stands for is elsewhere in the file
			walk(child)
		}
	}
	walk(&root)
	return all, nil
}

// Exposed tells whether others than a file's owner and group can read it.
func Exposed(path string) error {
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm()&0o004 != 0 {
		return fmt.Errorf("%s has credentials, and everybody can read it", path)
	}
	return nil
}
