package trust

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/host/discover"
)

// policy is what the administrator allows: checksums as "sha256:…", or plugins of a vendor as
// "name@vendor". What root has installed is the administrator's own choice and always allowed.
type policy struct {
	path    string
	Plugins struct {
		Allow        []string `yaml:"allow"`
		DenyUnlisted bool     `yaml:"deny_unlisted"`
	} `yaml:"plugins"`
}

func readPolicy(path string) (policy, error) {
	p := policy{path: path}
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return p, nil
	case err != nil:
		return p, fault.Wrap(fault.Forbidden, "", fmt.Errorf("reading the policy for plugins: %w", err))
	}
	if err := yaml.Unmarshal(text, &p); err != nil {
		return p, fault.Wrap(fault.Forbidden, "ask your administrator", fmt.Errorf("reading the policy %s: %w", path, err))
	}
	return p, nil
}

func (p policy) check(plugin discover.Plugin, vendor, sum string) error {
	allow := p.Plugins.Allow
	if !p.Plugins.DenyUnlisted || slices.Contains(allow, "sha256:"+sum) || vendor != "" && slices.Contains(allow, plugin.Name+"@"+vendor) {
		return nil
	}
	if plugin.Folder.Origin == discover.Packaged && discover.OfRoot(plugin.Path) {
		return nil
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
