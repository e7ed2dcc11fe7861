// Package trust decides whether a plugin may run. Packaged plugins are trusted by the file
// SHA256SUMS beside them, all others by the user's lock file, which `imgctl plugin trust` writes. The
// administrator's policy may forbid either. A plugin is identified by its checksum: another file of the
// same name is another plugin, except in a folder where the user builds it again and again.
package trust

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/host/discover"
)

// PolicyFile is where the administrator's policy is.
const PolicyFile = "/etc/imgctl/policy.yaml"

// SumsFile is the name of the checksums beside packaged plugins, in the form of sha256sum.
const SumsFile = "SHA256SUMS"

// Judge knows which plugins are trusted.
type Judge struct {
	lock   *Lock
	policy policy
	sums   map[string]sums // by folder
}

// NewJudge reads the user's lock file and the administrator's policy, if they exist. If one can't be read, the plugins
// that it is about don't run, because it is unknown what it forbids.
func NewJudge(lockFile, policyFile string) *Judge {
	return &Judge{lock: readLock(lockFile), policy: readPolicy(policyFile), sums: map[string]sums{}}
}

// Unreadable is why the lock file and the policy couldn't be read; nil for what was read or isn't there.
func (j *Judge) Unreadable() (lock, policy error) { return j.lock.unreadable, j.policy.broken }

// KeepsSums reports whether an earlier checksum counts for a file that looks the same. It doesn't if the
// administrator forbids unlisted plugins, because the cache belongs to the user.
func (j *Judge) KeepsSums() bool { return j.policy.broken == nil && !j.policy.Plugins.DenyUnlisted }

// Lock is the user's lock file.
func (j *Judge) Lock() *Lock { return j.lock }

// Forbids says why the administrator's policy forbids the plugin; nil if it doesn't.
func (j *Judge) Forbids(p discover.Plugin, sum string) error { return j.policy.check(p, sum) }

// Check says whether the plugin with the checksum may run: nil, or fault.Forbidden with what to do.
func (j *Judge) Check(p discover.Plugin, sum string) error {
	if p.Err != nil {
		return p.Err
	}
	if p.Folder.Origin == discover.Packaged {
		if err := j.packaged(p, sum); err != nil {
			return err
		}
		return j.policy.check(p, sum)
	}
	entry, ok := j.lock.Entry(p.Name)
	switch {
	case j.lock.unreadable != nil:
		return fault.New(fault.Forbidden, "imgctl doctor says what is wrong", "plugin %q is not trusted, because %s can't be read",
			p.Name, j.lock.path)
	case !ok:
		return fault.New(fault.Forbidden, "look at what it is, then: imgctl plugin trust "+p.Name, "plugin %q is not trusted", p.Name)
	case entry.Rebuilt != "" && p.Folder.Origin == discover.Development && filepath.Dir(p.Path) == entry.Rebuilt:
		return j.policy.check(p, sum)
	case entry.SHA256 != sum:
		return fault.New(fault.Forbidden, "if you changed it: imgctl plugin trust "+p.Name,
			"plugin %q is not the file that was trusted (sha256 %.12s…, trusted %.12s…)", p.Name, sum, entry.SHA256)
	}
	return j.policy.check(p, sum)
}

func (j *Judge) packaged(p discover.Plugin, sum string) error {
	folder := filepath.Dir(p.Path)
	known, ok := j.sums[folder]
	if !ok {
		known = readSums(filepath.Join(folder, SumsFile))
		j.sums[folder] = known
	}
	want, listed := known.of[filepath.Base(p.Path)]
	switch {
	case known.err != nil:
		return fault.New(fault.Forbidden, "install imgctl again", "plugin %q came without checksums: %w", p.Name, known.err)
	case !listed:
		return fault.New(fault.Forbidden, "install imgctl again, or move it to your own plugins with imgctl plugin install",
			"plugin %q is not among the checksums in %s", p.Name, folder)
	case want != sum:
		return fault.New(fault.Forbidden, "install imgctl again; if you changed it, imgctl plugin trust "+p.Name+" says where it may go",
			"plugin %q is not the file that came with imgctl (sha256 %.12s…, packaged %.12s…)", p.Name, sum, want)
	}
	return nil
}

// Clouds are the clouds that the plugin may ask for; all is true if that isn't limited.
func (j *Judge) Clouds(p discover.Plugin) (names []string, all bool) {
	if p.Folder.Origin == discover.Packaged {
		return nil, true
	}
	entry, ok := j.lock.Entry(p.Name)
	return entry.Clouds, ok && entry.Clouds == nil
}

// MayAsk says whether the plugin may have access to the cloud.
func (j *Judge) MayAsk(p discover.Plugin, cloud string) error {
	names, all := j.Clouds(p)
	if all || slices.Contains(names, cloud) {
		return nil
	}
	if cloud == "" {
		return fault.New(fault.Forbidden, "choose one of "+strings.Join(names, ", ")+" with --os-cloud",
			"plugin %q may not use the cloud of the environment", p.Name)
	}
	return fault.New(fault.Forbidden, fmt.Sprintf("imgctl plugin trust %s --cloud %s", p.Name,
		strings.Join(append(slices.Clone(names), cloud), ",")),
		"plugin %q may not use cloud %q", p.Name, cloud)
}

// Sum is the SHA-256 of the file, in hexadecimal; reading starts at its beginning.
func Sum(f *os.File) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, 1<<62)); err != nil {
		return "", fmt.Errorf("reading %s: %w", f.Name(), err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
