// Package reference reads the names of container images: host, path, tag and digest. Its grammar is
// the distribution specification's. A first element is a host if it has a dot or a colon, or is
// localhost; else the image is Docker Hub's, and the name is kept as written.
package reference

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Reference is the name of one image. Host is empty if the name has none.
type Reference struct {
	Host   string // such as "quay.io" or "192.0.2.1:8787"
	Path   string // such as "namespace/nova-api"
	Tag    string // may be empty
	Digest string // such as "sha256:…", may be empty
}

// MaxLength is the most characters that a whole reference may have.
const MaxLength = 512

const domain = `[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?`

var (
	hosts     = regexp.MustCompile(`^(?:` + domain + `(?:\.` + domain + `)*|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?$`)
	component = regexp.MustCompile(`^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$`)
	tags      = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)
	digests   = regexp.MustCompile(`^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$`)
)

// Parse reads NAME, NAME:TAG, NAME@DIGEST or NAME:TAG@DIGEST, with docker:// before it or not.
func Parse(text string) (Reference, error) {
	if len(text) > MaxLength {
		return Reference{}, fault.New(fault.Usage, "", "image name %.40q…: longer than %d characters", text, MaxLength)
	}
	r, err := parse(strings.TrimPrefix(text, "docker://"))
	if err != nil {
		return Reference{}, fault.Wrap(fault.Usage, "", fmt.Errorf("image name %q: %w", text, err))
	}
	return r, nil
}

func parse(text string) (r Reference, err error) {
	rest, digest, hasDigest := strings.Cut(text, "@")
	if hasDigest && !ValidDigest(digest) {
		return r, fmt.Errorf("%q is no digest", digest)
	}
	r.Digest = digest
	if first, after, ok := strings.Cut(rest, "/"); ok && IsHost(first) {
		if !hosts.MatchString(first) {
			return r, fmt.Errorf("%q is no host", first)
		}
		r.Host, rest = first, after
	}
	path, tag, hasTag := strings.Cut(rest, ":")
	if hasTag && !ValidTag(tag) {
		return r, fmt.Errorf("%q is no tag", tag)
	}
	r.Path, r.Tag = path, tag
	return r, checkPath(path)
}

func checkPath(path string) error {
	if path == "" {
		return fmt.Errorf("the name is empty")
	}
	if len(path) > 255 {
		return fmt.Errorf("the path is longer than 255 characters")
	}
	for part := range strings.SplitSeq(path, "/") {
		if !component.MatchString(part) {
			return fmt.Errorf("%q is no part of a name (lower-case letters and digits, with single . _ - between)", part)
		}
	}
	return nil
}

// IsHost reports whether the first element of a name is a host rather than a namespace.
func IsHost(first string) bool { return first == "localhost" || strings.ContainsAny(first, ".:") }

// ValidTag reports whether a registry may have such a tag.
func ValidTag(tag string) bool { return tags.MatchString(tag) }

// ValidDigest reports whether text is a digest that can be checked.
func ValidDigest(text string) bool { return digests.MatchString(text) }

// ValidHost reports whether text is HOST or HOST:PORT.
func ValidHost(text string) bool { return hosts.MatchString(text) }

// String is the whole name, as written.
func (r Reference) String() string {
	s := r.Name()
	if r.Tag != "" {
		s += ":" + r.Tag
	}
	if r.Digest != "" {
		s += "@" + r.Digest
	}
	return s
}

// Name is the name without tag and digest.
func (r Reference) Name() string {
	if r.Host == "" {
		return r.Path
	}
	return r.Host + "/" + r.Path
}

// Registry is the host to ask: Docker Hub's where the name has none.
func (r Reference) Registry() string {
	if r.Host == "" {
		return "docker.io"
	}
	return r.Host
}

// Repository is the path at the registry: Docker Hub keeps single names under library/.
func (r Reference) Repository() string {
	if r.Registry() == "docker.io" && !strings.Contains(r.Path, "/") {
		return "library/" + r.Path
	}
	return r.Path
}

// Identifier is what a registry is asked for: the digest, else the tag, else latest.
func (r Reference) Identifier() string {
	switch {
	case r.Digest != "":
		return r.Digest
	case r.Tag != "":
		return r.Tag
	}
	return "latest"
}

// WithTag is the image of that tag, without a digest.
func (r Reference) WithTag(tag string) Reference {
	r.Tag, r.Digest = tag, ""
	return r
}

// WithDigest is the image of that digest, without a tag.
func (r Reference) WithDigest(digest string) Reference {
	r.Tag, r.Digest = "", digest
	return r
}

// Base is the last element of the path.
func (r Reference) Base() string { return r.Path[strings.LastIndex(r.Path, "/")+1:] }

// Destination is a registry, with a path or not, that images are copied to.
type Destination struct{ Host, Path string }

// ParseDestination reads HOST[:PORT][/PATH]; slashes at the end don't count.
func ParseDestination(text string) (Destination, error) {
	host, path, _ := strings.Cut(strings.TrimRight(strings.TrimPrefix(text, "docker://"), "/"), "/")
	if !hosts.MatchString(host) {
		return Destination{}, fault.New(fault.Usage, "", "registry %q: %q is no host", text, host)
	}
	if path != "" {
		if err := checkPath(path); err != nil {
			return Destination{}, fault.Wrap(fault.Usage, "", fmt.Errorf("registry %q: %w", text, err))
		}
	}
	return Destination{host, path}, nil
}

// String is HOST or HOST/PATH.
func (d Destination) String() string { return strings.TrimSuffix(d.Host+"/"+d.Path, "/") }

// Of is the image's name at the destination: its own path below the destination's.
func (d Destination) Of(r Reference) Reference {
	r.Host = d.Host
	if d.Path != "" {
		r.Path = d.Path + "/" + r.Path
	}
	return r
}
