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

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
)

// Environment is what all environment files say together; later files count over earlier ones.
type Environment struct {
	Parameters *foreignfile.Value // parameter_defaults; nil if there are none
	Resources  *foreignfile.Value // resource_registry
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

// parameters are those that the preparation of images reads.
var parameters = []string{
	"ContainerImagePrepare", "ContainerImageRegistryCredentials", "ContainerImageRegistryLogin", "DockerInsecureRegistryAddress",
	"DockerRegistryMirror", "LocalContainerRegistry", "AdditionalArchitectures", "NeutronMechanismDrivers",
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
			return nil, foreignfile.Unreadable(folder, err)
		}
		all = append(all, names...)
	}
	for _, file := range slices.Concat(all, files) {
		if file == "" {
			return nil, fault.New(fault.Usage, "", "the name of an environment file is empty")
		}
		root, err := foreignfile.ReadTree(file)
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
func (e *Environment) Add(root *foreignfile.Value) error {
	if root.IsNull() {
		return nil
	}
	if root.Kind != foreignfile.Map {
		return root.Errorf("an environment file has to be a mapping, not %s", root.Kind)
	}
	e.keys(root, topLevel, "section")
	for _, s := range []struct {
		key string
		of  **foreignfile.Value
	}{{"parameter_defaults", &e.Parameters}, {"resource_registry", &e.Resources}} {
		section := root.Get(s.key)
		if section.IsNull() {
			continue
		}
		if section.Kind != foreignfile.Map {
			return section.Errorf("%s has to be a mapping, not %s", s.key, section.Kind)
		}
		e.duplicates(section)
		if s.of == &e.Parameters {
			e.misspelled(section, parameters)
		}
		*s.of = foreignfile.Overlay(*s.of, section)
	}
	return nil
}

// keys warns of keys that aren't among the known ones, with the nearest of them.
func (e *Environment) keys(v *foreignfile.Value, known []string, what string) {
	e.duplicates(v)
	for _, p := range v.Pairs {
		if slices.Contains(known, p.Key) {
			continue
		}
		text := "unknown " + what + " " + p.Key
		if near := foreignfile.Nearest(p.Key, known); near != "" {
			text += ", did you mean " + near + "?"
		}
		e.find(v.File, p.Line, p.Column, text)
	}
}

// misspelled warns of keys that are no known ones, but nearly; there are others that are none of our business.
func (e *Environment) misspelled(v *foreignfile.Value, known []string) {
	for _, p := range v.Pairs {
		near := foreignfile.Nearest(p.Key, known)
		if near == "" || slices.Contains(known, p.Key) || levenshtein.Distance(p.Key, near, nil) > 2 {
			continue
		}
		e.find(v.File, p.Line, p.Column, p.Key+" isn't read; did you mean "+near+"?")
	}
}

func (e *Environment) duplicates(v *foreignfile.Value) {
	for _, p := range v.Pairs {
		if p.Duplicate {
			e.find(v.File, p.Line, p.Column, p.Key+" is given more than once; the last one counts")
		}
	}
}

func (e *Environment) find(file string, line, column int, text string) {
	e.Findings = append(e.Findings, Finding{file, line, column, text})
}
