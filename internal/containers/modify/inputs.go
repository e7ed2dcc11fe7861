package modify

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
)

// digest is that of all that the change puts into an image, whatever the image.
func (c *recipe) digest() (string, error) {
	sum := sha256.New()
	vars, err := json.Marshal(c.vars)
	if err != nil {
		return "", fmt.Errorf("modify_vars: %w", err)
	}
	fmt.Fprintf(sum, "%q %q %s\n", c.role, c.command, vars)
	if c.command != nil {
		return hex.EncodeToString(sum.Sum(nil)), nil
	}
	if c.folder != "" {
		ignore, err := ignored(c.folder)
		if err != nil {
			return "", prefixed("modify_dir_path", err)
		}
		if err := digestFolder(sum, c.folder, ignore); err != nil {
			return "", prefixed("modify_dir_path", err)
		}
	}
	if c.rpms != "" {
		if err := digestFolder(sum, c.rpms, onlyRPMs); err != nil {
			return "", prefixed("rpms_path", err)
		}
	}
	for _, folder := range append([]string{c.repos, c.wheels}, c.folders...) {
		if folder == "" {
			continue
		}
		if err := digestFolder(sum, folder, everything); err != nil {
			return "", prefixed("modify_vars", err)
		}
	}
	for _, s := range c.sources {
		fmt.Fprintf(sum, "%q %q %s\n", s.Project, s.Refspec, s.commit)
	}
	if c.compare {
		fmt.Fprintf(sum, "%q\n", c.host)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// onlyRPMs leaves out what the role doesn't install.
func onlyRPMs(name string) (bool, error) {
	return name != "." && (path.Dir(name) != "." || path.Ext(name) != ".rpm"), nil
}

// fingerprint is a digest of the image that is changed and of the change.
func (c *recipe) fingerprint(base, appendTag string) (string, error) {
	inputs, err := c.inputs()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%q\n%s\n", base, appendTag, inputs))
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}

// isDir reports whether there is such a folder.
func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().Type() == fs.ModeDir
}
