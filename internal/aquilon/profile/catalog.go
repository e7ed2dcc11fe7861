// Package profile turns an Aquilon profile into a recipe: the image's name, the source image, the
// metadata that tells Aquilon a server's personality, and the Packer templates. It reads packuilon's
// template map and source images unchanged.
package profile

import (
	"maps"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// The ways an image gets its name.
const (
	// ByPersonality names the image "sl7x-x86_64 web", and looks its templates up under
	// "web-sl7x-x86_64".
	ByPersonality = "personality"
	// ByHostname takes the profile's host name for both.
	ByHostname = "hostname"
)

// NameStyles are all ways an image gets its name, the default first.
var NameStyles = []string{ByPersonality, ByHostname}

// Options say how a recipe is made.
type Options struct {
	// NameStyle is one of NameStyles, "" for the default.
	NameStyle string
	// Metadata is set in the recipe's metadata; an empty value takes a key out of it.
	Metadata map[string]string
	// SourceNames takes names of images in the source images, beside ids.
	SourceNames bool
}

// Recipe is what is built from one profile.
type Recipe struct {
	// Name is the image's name.
	Name string
	// Key is the image's key in the template map.
	Key string
	// SourceImage is the id of the image that the build starts from, "" without source images. With
	// Options.SourceNames, it may be a name.
	SourceImage string
	// Templates are the Packer templates to build, nil without a template map.
	Templates []string
	// Metadata is the server's metadata, which Aquilon reads.
	Metadata map[string]string
}

// Resolve finds what to build for a profile. Without a template map the recipe has no templates, and
// without source images no source image. A missing entry is fault.NotFound, with the closest keys.
func Resolve(p *Profile, templates *TemplateMap, sources *SourceImages, o Options) (*Recipe, error) {
	name, key, err := p.names(o.NameStyle)
	if err == nil {
		err = p.usable(name)
	}
	if err != nil {
		return nil, err
	}
	r := &Recipe{Name: name, Key: key, Metadata: p.metadata(o.Metadata)}
	if sources != nil {
		if r.SourceImage, err = sources.entry(p, key); err != nil {
			return nil, err
		}
		switch {
		case isID(r.SourceImage):
		case !o.SourceNames || r.SourceImage == "":
			return nil, fault.New(fault.Usage, "use an image id", "finding the source image of %q in %s: %q is not an image id",
				p.OS+p.release(), sources.source, r.SourceImage)
		case r.SourceImage == name:
			return nil, fault.New(fault.Usage, fault.Advise("add an entry %q with another image", key),
				"finding the source image of %q in %s: it can't start from itself", name, sources.source)
		}
	}
	if templates != nil {
		if r.Templates, err = templates.For(key); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// maxName leaves room for what is put around an image's name, which has at most 255 characters.
const maxName = 220

// usable refuses a name that images can't have, or that people can't read.
func (p *Profile) usable(name string) error {
	switch n := utf8.RuneCountInString(name); {
	case n > maxName:
		return fault.New(fault.Usage, "", "naming the image of %s: the name has %d characters, more than %d", p.Source, n, maxName)
	case strings.ContainsFunc(name, unicode.IsControl) || !utf8.ValidString(name):
		return fault.New(fault.Usage, "", "naming the image of %s: the name %q has control characters", p.Source, name)
	}
	return nil
}

func (p *Profile) names(style string) (name, key string, err error) {
	system := p.OS + p.release()
	switch style {
	case "", ByPersonality:
		return system + " " + p.Personality, p.Personality + "-" + system, nil
	case ByHostname:
		if p.Hostname == "" {
			return "", "", fault.New(fault.Usage, fault.Advise("use %s, or a profile that has one", fault.Set("name_style", ByPersonality)),
				"naming the image of %s: it has no system.network.hostname", p.Source)
		}
		return p.Hostname, p.Hostname, nil
	}
	return "", "", fault.Bad("name_style", "choose one of "+ByPersonality+", "+ByHostname, "%q is unknown", style)
}

// release is Aquilon's version of the operating system with the architecture behind it.
func (p *Profile) release() string { return p.OSVersion + "-" + p.Arch }

// The keys of the metadata that Aquilon's hook reads from a server.
const (
	KeyPersonality = "AQ_PERSONALITY"
	KeyArchetype   = "AQ_ARCHETYPE"
	KeyOS          = "AQ_OS"
	KeyOSVersion   = "AQ_OSVERSION"
	KeyDomain      = "AQ_DOMAIN"
	KeySandbox     = "AQ_SANDBOX"
)

func (p *Profile) metadata(more map[string]string) map[string]string {
	all := map[string]string{
		KeyPersonality: p.Personality, KeyOS: p.OS, KeyOSVersion: p.release(),
		KeyArchetype: p.Archetype, KeyDomain: p.Domain, KeySandbox: p.Sandbox,
	}
	maps.Copy(all, more)
	maps.DeleteFunc(all, func(_, value string) bool { return value == "" })
	return all
}
