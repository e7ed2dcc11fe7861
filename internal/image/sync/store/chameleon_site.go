package store

import (
	"cmp"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
)

// ChameleonSite is what the site.yaml of Chameleon's image tools says about the store.
type ChameleonSite struct {
	Container string // image_container
	Field     string // image_metadata_field
	Type      string // image_type: qcow2 or raw
	Scope     string
	Store     string // object_store_url
	Cloud     string // image_store_cloud
}

// ReadChameleonSite reads a site.yaml, of either generation of the tools. What it says about signing in
// and about retention is for others.
func ReadChameleonSite(text []byte) (*ChameleonSite, error) {
	top, err := foreignfile.Parse(text, "object_store_url: https://…")
	if err != nil {
		return nil, err
	}
	s := &ChameleonSite{}
	known := map[string]*string{
		"image_container": &s.Container, "image_metadata_field": &s.Field, "image_type": &s.Type, "scope": &s.Scope,
		"object_store_url": &s.Store, "image_store_cloud": &s.Cloud,
	}
	err = top.Pairs(func(key string, _, value *foreignfile.Node) error {
		if into := known[key]; into != nil {
			return foreignfile.Text(into)(value)
		}
		return nil // the tools have many more keys, and so do sites
	})
	if err != nil {
		return nil, err
	}
	s.Container = cmp.Or(s.Container, "chameleon-supported-images")
	s.Field, s.Type, s.Scope = cmp.Or(s.Field, "chameleon-supported"), cmp.Or(s.Type, "qcow2"), cmp.Or(s.Scope, "prod")
	switch {
	case s.Store == "":
		return nil, fault.Bad("object_store_url", "name the store's address", "it is missing")
	case s.Type != "qcow2" && s.Type != "raw":
		return nil, fault.Bad("image_type", "", "%q is neither qcow2 nor raw", s.Type)
	}
	return s, nil
}

// Supports is a supports.yaml: which images there are, and their production names.
type Supports struct {
	Distros  map[string]map[string]release // by distro and release
	Suffixes map[string]string             // by variant
}

type release struct {
	name     string
	variants []string
}

// ReadSupports reads a supports.yaml.
func ReadSupports(text []byte) (*Supports, error) {
	top, err := foreignfile.Parse(text, "supported_distros: {}")
	if err != nil {
		return nil, err
	}
	s := &Supports{Distros: map[string]map[string]release{}, Suffixes: map[string]string{}}
	err = each(top, map[string]foreignfile.Reader{
		"supported_distros":  s.distros,
		"supported_variants": s.variants,
	})
	return s, err
}

// each reads the values of some keys, and leaves out the others.
func each(n *foreignfile.Node, readers map[string]foreignfile.Reader) error {
	return n.Pairs(func(key string, _, value *foreignfile.Node) error {
		if read := readers[key]; read != nil {
			return read(value)
		}
		return nil
	})
}

func (s *Supports) distros(n *foreignfile.Node) error {
	return n.Pairs(func(distro string, _, value *foreignfile.Node) error {
		s.Distros[distro] = map[string]release{}
		return each(value, map[string]foreignfile.Reader{"releases": func(n *foreignfile.Node) error {
			return n.Pairs(func(name string, _, value *foreignfile.Node) error {
				var r release
				err := each(value, map[string]foreignfile.Reader{
					"prod_name": foreignfile.Text(&r.name), "variants": foreignfile.Texts(&r.variants),
				})
				s.Distros[distro][name] = r
				return err
			})
		}})
	})
}

func (s *Supports) variants(n *foreignfile.Node) error {
	return n.Pairs(func(name string, _, value *foreignfile.Node) error {
		return each(value, map[string]foreignfile.Reader{"prod_name_suffix": func(n *foreignfile.Node) error {
			var suffix string
			if err := foreignfile.Text(&suffix)(n); err != nil {
				return nil //nolint:nilerr // the base variant has an empty one
			}
			s.Suffixes[name] = suffix
			return nil
		}})
	})
}

// production is the name that an image is current under; "" if it isn't supported.
func (s *Supports) production(distro, version, variant, ipa string) string {
	r, found := s.Distros[distro][version]
	if !found || r.name == "" || !slices.Contains(r.variants, variant) {
		return ""
	}
	name := r.name
	if suffix := s.Suffixes[variant]; suffix != "" {
		name += "-" + suffix
	}
	if ipa != "" && ipa != "na" {
		name += "." + ipa
	}
	return name
}
