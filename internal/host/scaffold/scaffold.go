// Package scaffold writes new plugins: each builds, and keeps the rules of the protocol.
package scaffold

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/node"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/released"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/python"
)

// The prefix has files embedded whose names begin with an underscore.
//
//go:embed all:go all:node all:python
var templates embed.FS

// Languages that there are plugins in.
var Languages = []string{"go", "python", "node"}

// Options of a new plugin.
type Options struct {
	Name, Language string
	Vendor         string // a domain, such as example.org
	SDK            string // folder of the SDK's sources; "" for the newest release
}

// Write writes a plugin into a new folder, and returns the paths of its files in it. If the folder is there already,
// nothing is written.
func Write(folder string, o Options) ([]string, error) {
	files, err := files(o)
	if err != nil {
		return nil, err
	}
	if err := os.Mkdir(folder, 0o755); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return nil, fault.New(fault.Conflict, "choose another folder", "%s is there already", folder)
		}
		return nil, err
	}
	names := slices.Sorted(maps.Keys(files))
	for _, name := range names {
		at := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(at, files[name], 0o644); err != nil {
			return nil, err
		}
	}
	return names, nil
}

// files are the plugin's files by path.
func files(o Options) (map[string][]byte, error) {
	entries, err := templates.ReadDir(o.Language)
	if err != nil {
		return nil, fmt.Errorf("language %q: %w", o.Language, err)
	}
	all := map[string][]byte{}
	for _, e := range entries {
		t, err := template.ParseFS(templates, path.Join(o.Language, e.Name()))
		if err != nil {
			return nil, err
		}
		var text bytes.Buffer
		if err := t.Execute(&text, o); err != nil {
			return nil, err
		}
		name := strings.TrimSuffix(e.Name(), ".tmpl")
		if strings.HasSuffix(name, ".py") {
			name = "plugin/" + name
		}
		all[name] = text.Bytes()
	}
	switch o.Language {
	case "python":
		all["plugin/imgctl_plugin.py"] = python.Module
		all["plugin/imgctl-plugin-v1.json"] = released.V1
	case "node":
		all["imgctl-plugin.js"] = node.Module
		all["imgctl-plugin-v1.json"] = released.V1
	}
	return all, nil
}
