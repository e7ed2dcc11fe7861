package cloudsyaml

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// siteFolder is where a machine's files are. Tests have another.
var siteFolder = "/etc/openstack"

// maxSize is far above what any clouds.yaml has.
const maxSize = 4 << 20

// suffixes are what the files' names end in, the first one that is there counts.
var suffixes = []string{".yaml", ".yml", ".json"}

// folders are where the files are looked for, each on its own.
func folders() []string {
	found := []string{"."}
	if config := os.Getenv("XDG_CONFIG_HOME"); config != "" {
		found = append(found, filepath.Join(config, "openstack"))
	}
	if home := home(); home != "" {
		found = append(found, filepath.Join(home, ".config", "openstack"))
	}
	return append(found, "/etc/xdg/openstack", siteFolder)
}

// home is the user's home; in a snap, HOME is another folder, which isn't meant here.
func home() string {
	if home := os.Getenv("SNAP_REAL_HOME"); home != "" {
		return home
	}
	if home, err := os.UserHomeDir(); err == nil {
		return home
	}
	if u, err := user.Current(); err == nil {
		return u.HomeDir
	}
	return ""
}

// file is one that was read.
type file struct {
	path string
	tree tree
}

// load reads the first file of the name that is there and may be read. The one that the variable
// names has to be.
func (c *Config) load(name, variable string) (file, error) {
	if path := os.Getenv(variable); path != "" {
		f, err := read(path)
		if err != nil {
			return f, fault.New(fault.Usage, "name a file that can be read, or unset "+variable, "%s: reading %s: %w", variable, path,
				cause(err))
		}
		return f, nil
	}
	search := folders()
	if beside := os.Getenv("OS_CLIENT_CONFIG_FILE"); beside != "" && name == "secure" {
		search = slices.Insert(search, 0, filepath.Dir(beside))
	}
	for _, folder := range search {
		for _, suffix := range suffixes {
			path := filepath.Join(folder, name+suffix)
			f, err := read(path)
			switch {
			case err == nil:
				return f, nil
			case errors.Is(err, fs.ErrPermission):
				c.Unreadable = append(c.Unreadable, path)
			case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) && !errors.Is(err, syscall.EISDIR):
				return f, fault.New(fault.Usage, "", "reading %s: %w", path, cause(err))
			}
		}
	}
	return file{}, nil
}

func read(path string) (file, error) {
	f, err := os.Open(path)
	if err != nil {
		return file{}, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return file{}, err
	}
	if len(text) > maxSize {
		return file{}, fmt.Errorf("it is larger than %d MiB", maxSize>>20)
	}
	parsed, err := parse(text, strings.HasSuffix(path, ".json"))
	return file{path, parsed}, err
}

// section is one of the file's top-level keys, whose values are entries.
func (f file) section(key string) (tree, error) {
	switch section := f.tree[key].(type) {
	case nil:
		return tree{}, nil
	case tree:
		return section, nil
	}
	return nil, fault.New(fault.Usage, "", "reading %s: %s has no entries, but a single value", f.path, key)
}

// cause is an error without the path, which the message has already.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// Locations are all the paths where clouds.yaml may be, in their order.
func Locations() []string {
	var all []string
	for _, folder := range folders() {
		for _, suffix := range suffixes {
			all = append(all, filepath.Join(folder, "clouds"+suffix))
		}
	}
	return slices.Compact(all)
}

// Paths are all the paths where a file may be that Read reads: clouds.yaml, and those with secrets and vendors.
func Paths() []string {
	var all []string
	for _, variable := range []string{"OS_CLIENT_CONFIG_FILE", "OS_CLIENT_SECURE_FILE", "OS_CLIENT_VENDOR_FILE"} {
		if path := os.Getenv(variable); path != "" {
			all = append(all, path)
		}
	}
	for _, folder := range folders() {
		for _, name := range []string{"clouds", "secure", "clouds-public"} {
			for _, suffix := range suffixes {
				all = append(all, filepath.Join(folder, name+suffix))
			}
		}
	}
	return all
}
