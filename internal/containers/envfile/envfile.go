// Package envfile reads a deployment's heat environment files and role files, as far as the
// preparation of container images needs them.
package envfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/agext/levenshtein"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/document"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Environment is what all environment files say together; later files count over earlier ones.
type Environment struct {
	Parameters *document.Value // parameter_defaults; nil if there are none
	Resources  *document.Value // resource_registry
	Findings   []Finding
}

// Finding is something in a file that the user should look at, though it is no error.
type Finding struct {
	File         string
	Line, Column int
	Text         string
}

// topLevel are the sections that heat knows in an environment file.
var topLevel = []string{
	"parameter_defaults", "parameters", "resource_registry", "parameter_merge_strategies", "encrypted_param_names", "event_sinks",
}

// Load reads the folders' *.yaml by name, folder by folder, and then the files. A folder that isn't
// there is an error, unless optional says that it may be missing.
func Load(files, folders []string, optional string) (*Environment, error) {
	env := &Environment{}
	var all []string
	for _, folder := range folders {
		names, err := inFolder(folder)
		if errors.Is(err, fs.ErrNotExist) && folder == optional {
			continue
		}
		if err != nil {
			return nil, document.Unreadable(folder, err)
		}
		all = append(all, names...)
	}
	for _, file := range slices.Concat(all, files) {
		if file == "" {
			return nil, fault.New(fault.Usage, "", "the name of an environment file is empty")
		}
		root, err := document.Read(file)
		if err != nil {
			return nil, err
		}
		if err := env.Add(root); err != nil {
			return nil, err
		}
	}
	return env, nil
}

func inFolder(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() && strings.HasSuffix(e.Name(), ".yaml") {
			names = append(names, filepath.Join(folder, e.Name()))
		}
	}
	return names, nil
}

// Add lays one file's content over the environment.
func (e *Environment) Add(root *document.Value) error {
	if root.IsNull() {
		return nil
	}
	if root.Kind != document.Map {
		return root.Errorf("an environment file has to be a mapping, not %s", root.Kind)
	}
	e.keys(root, topLevel, "section")
	for _, s := range []struct {
		key string
		of  **document.Value
	}{{"parameter_defaults", &e.Parameters}, {"resource_registry", &e.Resources}} {
		section := root.Get(s.key)
		if section.IsNull() {
			continue
		}
		if section.Kind != document.Map {
			return section.Errorf("%s has to be a mapping, not %s", s.key, section.Kind)
		}
		e.duplicates(section)
		*s.of = document.Overlay(*s.of, section)
	}
	return nil
}

// keys warns of keys that aren't among the known ones, with the nearest of them.
func (e *Environment) keys(v *document.Value, known []string, what string) {
	e.duplicates(v)
	for _, p := range v.Pairs {
		if slices.Contains(known, p.Key) {
			continue
		}
		text := "unknown " + what + " " + p.Key
		if near := Nearest(p.Key, known); near != "" {
			text += ", did you mean " + near + "?"
		}
		e.find(v.File, p.Line, p.Column, text)
	}
}

func (e *Environment) duplicates(v *document.Value) {
	for _, p := range v.Pairs {
		if p.Duplicate {
			e.find(v.File, p.Line, p.Column, p.Key+" is given more than once; the last one counts")
		}
	}
}

func (e *Environment) find(file string, line, column int, text string) {
	e.Findings = append(e.Findings, Finding{file, line, column, text})
}

// Nearest is the known word that is spelled most like the given one, "" if none is close.
func Nearest(word string, known []string) string {
	best, distance := "", 1+max(2, len(word)/3)
	for _, k := range known {
		if d := levenshtein.Distance(strings.ToLower(word), strings.ToLower(k), nil); d < distance {
			best, distance = k, d
		}
	}
	return best
}
