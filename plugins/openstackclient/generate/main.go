// Command generate writes what plugins/openstackclient knows of imgctl's commands: their manifests,
// as the plugins print them.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"

	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

//go:generate go run .

func main() {
	if err := generate("../..", "../imgctl_openstack/commands.json"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// generate asks all plugins below a folder, and writes their commands to a file.
func generate(plugins, file string) error {
	mains, err := filepath.Glob(filepath.Join(plugins, "*", "main.go"))
	if err != nil {
		return err
	}
	commands := []command{}
	for _, m := range mains {
		manifest, err := ask(filepath.Dir(m))
		if err != nil {
			return err
		}
		for _, c := range manifest.GetCommands() {
			if !c.GetHidden() {
				commands = append(commands, describe(c))
			}
		}
	}
	slices.SortFunc(commands, func(a, b command) int { return slices.Compare(a.Path, b.Path) })
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(commands); err != nil {
		return err
	}
	return os.WriteFile(file, text.Bytes(), 0o644) // #nosec G306 -- a file of the source tree
}

func ask(folder string) (*pluginv1.Manifest, error) {
	cmd := exec.Command("go", "run", ".", "-manifest") //nolint:noctx // it is as short as it is
	cmd.Dir, cmd.Stderr = folder, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("asking the plugin in %s for its manifest: %w", folder, err)
	}
	var m pluginv1.Manifest
	if err := protojson.Unmarshal(out, &m); err != nil {
		return nil, fmt.Errorf("reading the manifest of the plugin in %s: %w", folder, err)
	}
	return &m, nil
}

// command is what a command of OpenStackClient is made from.
type command struct {
	Path    []string `json:"path"`
	Kind    string   `json:"kind"`
	Short   string   `json:"short"`
	Long    string   `json:"long,omitempty"`
	Danger  string   `json:"danger,omitempty"`
	Args    []arg    `json:"args,omitempty"`
	Flags   []flag   `json:"flags,omitempty"`
	Columns []column `json:"columns,omitempty"`
}

type arg struct {
	Name string `json:"name"`
	Help string `json:"help"`
	Min  int32  `json:"min"`
	Max  int32  `json:"max"`
}

type flag struct {
	Name      string   `json:"name"`
	Short     string   `json:"short,omitempty"`
	Type      string   `json:"type"`
	ValueName string   `json:"value_name,omitempty"`
	Help      string   `json:"help"`
	Default   string   `json:"default,omitempty"`
	Values    []string `json:"values,omitempty"`
	Required  bool     `json:"required,omitempty"`
	Hidden    bool     `json:"hidden,omitempty"`
}

type column struct {
	Title  string `json:"title"`
	Hidden bool   `json:"hidden,omitempty"`
}

func describe(c *pluginv1.Command) command {
	d := command{
		Path: c.GetPath(), Kind: strings.TrimPrefix(c.GetKind().String(), "COMMAND_KIND_"), Short: c.GetShort(), Long: c.GetLong(),
	}
	if danger := c.GetDanger(); danger == pluginv1.Danger_DANGER_CHANGES || danger == pluginv1.Danger_DANGER_DESTROYS {
		d.Danger = strings.TrimPrefix(danger.String(), "DANGER_")
	}
	for _, a := range c.GetArgs() {
		d.Args = append(d.Args, arg{a.GetName(), a.GetHelp(), a.GetMin(), a.GetMax()})
	}
	for _, f := range c.GetFlags() {
		d.Flags = append(d.Flags, flag{
			f.GetName(), f.GetShort(), strings.TrimPrefix(f.GetType().String(), "FLAG_TYPE_"), f.GetValueName(),
			f.GetHelp(), f.GetDefault(), f.GetValues(), f.GetRequired(), f.GetHidden(),
		})
	}
	for _, c := range c.GetColumns() {
		d.Columns = append(d.Columns, column{c.GetTitle(), c.GetHidden()})
	}
	return d
}
