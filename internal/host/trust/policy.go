package trust

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/host/discover"
)

// policy is what the administrator allows: checksums as "sha256:…". A plugin's own statements, such as its
// vendor, allow nothing. Plugins installed by root are the administrator's choice and always allowed.
type policy struct {
	path    string `yaml:"-"`
	broken  error  `yaml:"-"` // why it is unknown what it forbids
	Plugins struct {
		Allow        []string `yaml:"allow"`
		DenyUnlisted bool     `yaml:"deny_unlisted"`
	} `yaml:"plugins"`
}

func readPolicy(path string) policy {
	p, err := parsePolicy(path)
	return policy{path: path, broken: err, Plugins: p.Plugins}
}

func parsePolicy(path string) (p policy, err error) {
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return p, nil
	case err != nil:
		return p, fault.Wrap(fault.Forbidden, "", fmt.Errorf("reading the policy for plugins: %w", err))
	}
	if err := strict(text, &p); err != nil {
		return p, fault.Wrap(fault.Forbidden, "ask your administrator", fmt.Errorf("reading the policy %s: %w", path, err))
	}
	for _, allowed := range p.Plugins.Allow {
		if !listed.MatchString(allowed) {
			return p, fault.New(fault.Forbidden, "ask your administrator", "the policy %s allows %q, which is not sha256: and a checksum",
				path, allowed)
		}
	}
	return p, nil
}

// listed is how the policy allows a file.
var listed = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// strict reads YAML and refuses unknown keys: a misspelt one would forbid nothing.
func strict(text []byte, into any) error {
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
		return errors.New("there is more than one document")
	}
	return nil
}

func (p policy) check(plugin discover.Plugin, sum string) error {
	if p.broken == nil && (!p.Plugins.DenyUnlisted || slices.Contains(p.Plugins.Allow, "sha256:"+sum)) {
		return nil
	}
	if plugin.Folder.Origin == discover.Packaged && discover.OfRoot(plugin.Path) {
		return nil
	}
	if p.broken != nil {
		return p.broken
	}
	return fault.New(fault.Forbidden, "ask your administrator", "plugin %q is not allowed by %s", plugin.Name, p.path)
}

// sums are the checksums of a folder by file name.
type sums struct {
	of  map[string]string
	err error
}

var sumLine = regexp.MustCompile(`^([0-9a-f]{64}) [ *](\S+)$`)

func readSums(path string) sums {
	f, err := os.Open(path)
	if err != nil {
		return sums{err: err}
	}
	defer f.Close()
	if err := discover.SafeFile(f); err != nil {
		return sums{err: fmt.Errorf("%s: %w", path, err)}
	}
	s := sums{of: map[string]string{}}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if m := sumLine.FindStringSubmatch(strings.TrimRight(lines.Text(), "\r")); m != nil {
			s.of[m[2]] = m[1]
		}
	}
	s.err = lines.Err()
	return s
}
