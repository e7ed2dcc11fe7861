// Package discover finds plugins: executables named imgctl-NAME in a few fixed folders, never on
// $PATH and never in the working folder. What somebody else could have written there, because
// of its owner or its permissions, is found but broken.
package discover

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Prefix is what the names of plugins' files begin with.
const Prefix = "imgctl-"

// Name is what the rest of a plugin's file name looks like.
var Name = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// Origin says who installed a plugin, and so how it is trusted.
type Origin string

// The origins, in order of precedence.
const (
	Packaged    Origin = "packaged"    // came with imgctl, trusted by the checksums beside it
	Development Origin = "development" // $IMGCTL_PLUGIN_PATH, trusted by the lock file
	User        Origin = "user"        // the user's own, trusted by the lock file
)

// Folder is a folder of plugins.
type Folder struct {
	Path   string
	Origin Origin
}

// Plugin is a file that is a plugin by its name.
type Plugin struct {
	Name   string
	Path   string // absolute, symbolic links resolved
	Folder Folder
	Err    error // why it can't be used; nil if it can
}

// Folders are the folders to look in, in order of precedence. They depend on $IMGCTL_PLUGIN_PATH,
// $XDG_DATA_HOME and $HOME in the environment, and on executable, the path of the host itself.
func Folders(getenv func(string) string, executable string) []Folder {
	var folders []Folder
	if executable != "" {
		folders = append(folders, Folder{filepath.Join(filepath.Dir(filepath.Dir(executable)), "libexec/imgctl/plugins"), Packaged})
	}
	folders = append(folders, Folder{"/usr/libexec/imgctl/plugins", Packaged})
	for _, path := range filepath.SplitList(getenv("IMGCTL_PLUGIN_PATH")) {
		if filepath.IsAbs(path) {
			folders = append(folders, Folder{filepath.Clean(path), Development})
		}
	}
	if own := UserFolder(getenv); own != "" {
		folders = append(folders, Folder{own, User})
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(folders, func(f Folder) bool {
		again := seen[f.Path]
		seen[f.Path] = true
		return again
	})
}

// UserFolder is where `imgctl plugin install` puts plugins; "" without a home.
func UserFolder(getenv func(string) string) string {
	data := getenv("XDG_DATA_HOME")
	if !filepath.IsAbs(data) {
		home := getenv("HOME")
		if !filepath.IsAbs(home) {
			return ""
		}
		data = filepath.Join(home, ".local/share")
	}
	return filepath.Join(data, "imgctl/plugins")
}

// Find lists the plugins of the folders in order, including broken ones. A plugin with the same name as one
// in an earlier folder is broken: nothing is shadowed.
func Find(folders []Folder) []Plugin {
	var found []Plugin
	first := map[string]string{}
	for _, folder := range folders {
		for _, p := range in(folder) {
			if path, taken := first[p.Name]; taken && p.Err == nil {
				p.Err = fault.New(fault.Forbidden, "remove one of them", "it has the name of %s", path)
			} else if !taken {
				first[p.Name] = p.Path
			}
			found = append(found, p)
		}
	}
	return found
}

func in(folder Folder) []Plugin {
	entries, err := os.ReadDir(folder.Path)
	if err != nil {
		return nil // a folder that doesn't exist has no plugins
	}
	unsafe := safeFolder(folder.Path)
	var found []Plugin
	for _, e := range entries {
		name, ok := strings.CutPrefix(e.Name(), Prefix)
		if !ok || !Name.MatchString(name) {
			continue
		}
		p := Plugin{Name: name, Path: filepath.Join(folder.Path, e.Name()), Folder: folder, Err: unsafe}
		if p.Err == nil {
			p.Path, p.Err = resolve(folder.Path, p.Path)
		}
		found = append(found, p)
	}
	return found
}

// resolve follows symbolic links inside the folder and checks their target.
func resolve(folder, path string) (string, error) {
	root, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return path, broken("resolving the folder: %w", err)
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return path, broken("resolving the link: %w", err)
	}
	if filepath.Dir(target) != root {
		return path, fault.New(fault.Forbidden, "copy the file there, or use imgctl plugin install",
			"it is a link out of its folder, to %s", target)
	}
	info, err := os.Lstat(target)
	if err != nil {
		return path, broken("%w", err)
	}
	return target, safeProgram(info)
}

func safeProgram(info fs.FileInfo) error {
	if info.Mode().IsRegular() && info.Mode().Perm()&0o111 == 0 {
		return fault.New(fault.Forbidden, "chmod +x it", "it is not executable")
	}
	return safeFile(info)
}

// SafeFile checks that the open file is a regular one, of the user's or root's, which nobody else may write.
func SafeFile(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return safeFile(info)
}

func safeFile(info fs.FileInfo) error {
	switch {
	case !info.Mode().IsRegular():
		return broken("it is not a regular file")
	case info.Mode().Perm()&0o022 != 0:
		return fault.New(fault.Forbidden, "chmod go-w it", "others may write it (mode %s)", info.Mode().Perm())
	}
	return owned(info)
}

// SafeFolder checks that the folder is the user's or root's, and that nobody else may write it.
func SafeFolder(path string) error { return safeFolder(path) }

func safeFolder(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return broken("%w", err)
	}
	if info.Mode().Perm()&0o022 != 0 {
		return fault.New(fault.Forbidden, "chmod go-w "+path, "others may write its folder (mode %s)", info.Mode().Perm())
	}
	if err := owned(info); err != nil {
		return fmt.Errorf("its folder: %w", err)
	}
	return nil
}

func broken(format string, args ...any) error {
	return fault.New(fault.Forbidden, "", format, args...)
}

// At checks the file and its folder as Find does, and follows links.
func At(path string) (string, error) {
	if err := safeFolder(filepath.Dir(path)); err != nil {
		return path, err
	}
	return resolve(filepath.Dir(path), path)
}
