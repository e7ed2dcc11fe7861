package profile

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Profile is the content of an Aquilon profile: the host that images are built for.
type Profile struct {
	// Source is the file or URL that the profile came from.
	Source string
	// Personality, OS, OSVersion and Arch are always there, such as web, sl, 7x and x86_64.
	Personality, OS, OSVersion, Arch string
	// Archetype and Hostname are "" if the profile doesn't have them.
	Archetype, Hostname string
	// Domain or Sandbox (as owner/name) is the branch that the profile was compiled from.
	Domain, Sandbox string
	// Digest is the SHA-256, hexadecimal, of the profile without its white space and order.
	Digest string
}

// ParseProfile reads a profile's JSON. One fault.Usage lists everything that is missing.
func ParseProfile(source string, text []byte) (*Profile, error) {
	d, err := ParseDocument(source, text)
	if err != nil {
		return nil, err
	}
	return d.Profile()
}

// Profile is the document as a profile, as ParseProfile reads it.
func (d *Document) Profile() (p *Profile, err error) {
	p = &Profile{Source: d.Source}
	var missing []string
	for _, field := range []struct {
		path     string
		into     *string
		optional bool
	}{
		{"system.personality.name", &p.Personality, false},
		{"system.os.distribution.name", &p.OS, false},
		{"system.os.version.name", &p.OSVersion, false},
		{"system.os.architecture", &p.Arch, false},
		{"system.archetype.name", &p.Archetype, true},
		{"system.network.hostname", &p.Hostname, true},
	} {
		if *field.into, err = d.lookup(field.path); err != nil {
			return nil, err
		}
		if *field.into == "" && !field.optional {
			missing = append(missing, field.path)
		}
	}
	if len(missing) > 0 {
		return nil, fault.New(fault.Usage, "check that this is a host's profile", "reading %s: it has no %s", d.Source,
			strings.Join(missing, ", "))
	}
	if err := p.branch(d); err != nil {
		return nil, err
	}
	p.Digest, err = d.Digest(nil)
	return p, err
}

// Digest is the SHA-256, hexadecimal, of the document without its white space, the order of its keys, and the
// values that skip is true for; it is nil to skip none. The path of a value are the keys and indexes that lead to it.
func (d *Document) Digest(skip func(path []string) bool) (string, error) {
	canonical, err := json.Marshal(d.Root.plain(nil, skip))
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", d.Source, err)
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:]), nil
}

// branch reads where the profile was compiled.
func (p *Profile) branch(d *Document) error {
	name, err := d.lookup("metadata.template.branch.name")
	if err != nil || name == "" {
		return err
	}
	kind, err := d.lookup("metadata.template.branch.type")
	if err != nil {
		return err
	}
	author, err := d.lookup("metadata.template.branch.author")
	if err != nil {
		return err
	}
	switch {
	case kind == "sandbox" && author != "":
		p.Sandbox = author + "/" + name
	case kind == "sandbox":
		p.Sandbox = name
	default:
		p.Domain = name
	}
	return nil
}

// lookup is the string at a path of keys, "" if there is none.
func (d *Document) lookup(path string) (string, error) {
	at := d.Root
	for i, key := range strings.Split(path, ".") {
		if at.Kind != Object {
			return "", d.Errorf(at.offset, "%s: expected an object, this is %s", parent(path, i), at.Kind)
		}
		next, ok := at.Get(key)
		if !ok || next.Kind == "null" {
			return "", nil
		}
		at = next
	}
	s, ok := at.Scalar.(string)
	if !ok {
		return "", d.Errorf(at.offset, "%s: expected a string, this is %s", path, at.Kind)
	}
	return strings.TrimSpace(s), nil
}

// parent names the first n keys of a path.
func parent(path string, n int) string {
	if n == 0 {
		return "the profile"
	}
	return strings.Join(strings.Split(path, ".")[:n], ".")
}
