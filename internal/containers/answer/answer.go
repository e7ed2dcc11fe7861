// Package answer writes which images a deployment uses for the programs that deploy it: as heat
// parameters, as kolla-ansible's variables, or as JSON.
package answer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/decide"
)

// Formats are the names of the formats.
var Formats = []string{"heat", "kolla", "json"}

// Write gives the result in the format.
func Write(format string, r *decide.Result) ([]byte, error) {
	switch format {
	case "heat":
		return document(map[string]any{"parameter_defaults": Heat(r)})
	case "kolla":
		return document(Kolla(r))
	case "json":
		return indented(r)
	}
	return nil, fmt.Errorf("no format %q", format)
}

// Heat is parameter_defaults: a value for each parameter, and for each role with a list of its own
// a value ROLEParameters.
func Heat(r *decide.Result) map[string]any {
	all := map[string]any{}
	for name, p := range r.Params {
		all[name] = p.Value
	}
	insecure := slices.Clone(r.Insecure)
	for role, one := range r.Roles {
		all[role+"Parameters"] = Heat(&decide.Result{Params: one.Params})
		insecure = append(insecure, one.Insecure...)
	}
	if slices.Sort(insecure); len(insecure) > 0 {
		all["DockerInsecureRegistryAddress"] = slices.Compact(insecure)
	}
	return all
}

// Kolla is NAME_image_full for each image, such as nova_api_image_full. Of two images with one
// name, the later counts, as for parameters.
func Kolla(r *decide.Result) map[string]any {
	all := map[string]any{}
	for _, image := range r.Images {
		all[variable(image)+"_image_full"] = image.Final.String()
	}
	return all
}

// variable is the image's name without prefix and suffix, in kolla's spelling.
func variable(image *decide.Image) string {
	return strings.NewReplacer("-", "_", ".", "_").Replace(image.Short())
}

// jsonImage is one image in JSON.
type jsonImage struct {
	Image     string   `json:"image"`
	Source    string   `json:"source"`
	Target    string   `json:"target,omitempty"`
	Entry     string   `json:"entry"`
	Params    []string `json:"params"`
	Services  []string `json:"services"`
	Filter    string   `json:"filter"`
	Tag       string   `json:"tag"`
	MultiArch bool     `json:"multi_arch,omitempty"`
	Modify    string   `json:"modify_role,omitempty"`
}

func indented(r *decide.Result) ([]byte, error) {
	images := []jsonImage{}
	for _, i := range r.All() {
		one := jsonImage{
			Image: i.Final.String(), Source: i.Source.String(), Entry: i.Entry, Params: i.Listed.Params, Services: i.Listed.Services,
			Filter: i.FilterWhy, Tag: i.TagWhy, MultiArch: i.MultiArch,
		}
		if i.Pushed {
			one.Target = i.Target.String()
		}
		if i.Modify != nil {
			one.Modify = i.Modify.Role
		}
		images = append(images, one)
	}
	text, err := json.MarshalIndent(map[string]any{"parameter_defaults": Heat(r), "images": images}, "", "  ")
	return append(text, '\n'), err
}

// document is YAML with sorted keys.
func document(v map[string]any) ([]byte, error) {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), e.Close()
}

// Defaults is the environment that prepares a release's images as they come: what to begin with.
type Defaults struct {
	Release                    string
	TagFromLabel               string
	Set                        map[string]any
	LocalPush, RegistryLogin   bool
	GeneratedBy, GeneratedWhen string
}

// Environment writes the defaults as an environment file, with comments.
func (d Defaults) Environment() ([]byte, error) {
	entry := map[string]any{"tag_from_label": d.TagFromLabel, "set": d.Set}
	if d.LocalPush {
		entry["push_destination"] = true
	}
	parameters := map[string]any{"ContainerImagePrepare": []any{entry}}
	if d.RegistryLogin {
		parameters["ContainerImageRegistryLogin"] = true
	}
	text, err := document(map[string]any{"parameter_defaults": parameters})
	head := fmt.Sprintf("# Generated with the following on %s\n#\n#   %s\n#\n# Container images of release "+
		"%s.\n", d.GeneratedWhen, d.GeneratedBy, d.Release)
	if !d.LocalPush {
		head += "# Add push_destination: HOST:PORT to an entry to copy its images to a registry of your own;\n# true is the " +
			"undercloud's.\n"
	}
	head += "# A tag in set counts over tag_from_label, unless the label policy is legacy.\n\n"
	return append([]byte(head), text...), err
}
