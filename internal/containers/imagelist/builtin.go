package imagelist

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

//go:embed data/*.yaml
var data embed.FS

// Latest is the release that counts if none is named.
const Latest = "master"

// Releases are the names of the releases whose images we know.
func Releases() []string {
	files, err := fs.Glob(data, "data/*.yaml")
	if err != nil {
		panic(err) // of a constant pattern
	}
	for i, name := range files {
		files[i] = strings.TrimSuffix(strings.TrimPrefix(name, "data/"), ".yaml")
	}
	return files
}

// Release is our list of one release's images.
type Release struct {
	Name         string            `yaml:"-"`
	TagFromLabel string            `yaml:"tag_from_label"`
	Values       map[string]string `yaml:"defaults"`
	Images       []definition      `yaml:"images"`
}

// definition is one image in our own form. Its name is that of an OpenStack image unless Name is
// given; services have OS::TripleO::Services:: before them unless they have colons of their own.
type definition struct {
	Image           string   `yaml:"image"`
	Name            string   `yaml:"name"`
	Source          string   `yaml:"source"`
	When            string   `yaml:"when"`
	Params          []string `yaml:"params"`
	Services        []string `yaml:"services"`
	ServicesWithOVN []string `yaml:"services_with_ovn"`
}

// ByName is our list of the release.
func ByName(release string) (*Release, error) {
	if !slices.Contains(Releases(), release) {
		return nil, fault.New(fault.NotFound, "", "no list of images for release %q; there are %s, and templates of your own",
			release, strings.Join(Releases(), ", "))
	}
	text, err := data.ReadFile("data/" + release + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("reading the images of %s: %w", release, err)
	}
	r := &Release{Name: release}
	if err := yaml.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("reading the images of %s: %w", release, err)
	}
	return r, nil
}

// Defaults are the release's variables.
func (r *Release) Defaults() Variables {
	v := Variables{}
	for name, value := range r.Values {
		if b, err := strconv.ParseBool(value); err == nil {
			v[name] = b
			continue
		}
		v[name] = value
	}
	return v
}

// Render gives the release's images with the variables.
func (r *Release) Render(_ context.Context, v Variables) ([]Image, error) {
	var images []Image
	for _, d := range r.Images {
		if !conditions[d.When](v) {
			continue
		}
		name := d.Name
		if name == "" {
			name = "{namespace}/{name_prefix}" + d.Image + "{name_suffix}:{tag}"
		}
		source := d.Source
		if source == "" {
			source = "tripleo"
		}
		services := d.Services
		if v["neutron_driver"] == "ovn" {
			services = slices.Concat(services, d.ServicesWithOVN)
		}
		images = append(images, Image{Name: fill(name, v), Source: source, Params: d.Params, Services: whole(services)})
	}
	return images, nil
}

// conditions say when an image belongs to a deployment.
var conditions = map[string]func(Variables) bool{
	"":         func(Variables) bool { return true },
	"ovn":      func(v Variables) bool { return v["neutron_driver"] == "ovn" },
	"odl":      func(v Variables) bool { return v["neutron_driver"] == "odl" },
	"other":    func(v Variables) bool { return v["neutron_driver"] != "ovn" && v["neutron_driver"] != "odl" },
	"not-rhel": func(v Variables) bool { return !Truthy(v["rhel_containers"]) },
	"ceph":     func(v Variables) bool { on, given := v["ceph_images"]; return !given || Truthy(on) },
	"ceph3":    func(v Variables) bool { _, given := v["ceph3_namespace"]; return given },
	"stein":    func(v Variables) bool { _, given := v["namespace_stein"]; return given },
}

var variable = regexp.MustCompile(`\{(\w+)\}`)

// fill puts the variables into a name; what isn't given is empty, as in a template.
func fill(name string, v Variables) string {
	return variable.ReplaceAllStringFunc(name, func(s string) string { return text(v[s[1:len(s)-1]]) })
}

func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case bool:
		return map[bool]string{true: "True", false: "False"}[v]
	}
	return fmt.Sprint(v)
}

// Truthy is Python's idea of truth for a variable.
func Truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case int64:
		return v != 0
	}
	return true
}

func whole(services []string) []string {
	const prefix = "OS::TripleO::Services::"
	all := make([]string, len(services))
	for i, s := range services {
		all[i] = s
		if !strings.Contains(s, "::") {
			all[i] = prefix + s
		}
	}
	return all
}
