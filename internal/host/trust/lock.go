package trust

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/host/discover"
	"github.com/imgctl/packer-plugin-openstack/internal/wholefile"
)

// lockVersion is the format of the lock file.
const lockVersion = 1

// Entry is one plugin that the user trusts.
type Entry struct {
	Name     string   `yaml:"name"`
	Version  string   `yaml:"version"`
	Vendor   string   `yaml:"vendor,omitempty"`
	Source   string   `yaml:"source"` // the file it was installed from or trusted at
	Protocol int      `yaml:"protocol"`
	SHA256   string   `yaml:"sha256"`
	Commands []string `yaml:"commands,omitempty"` // first words, so that a changed file is still known by them
	Clouds   []string `yaml:"clouds,omitempty"`   // that it may use; none means all
	Extends  []string `yaml:"extends,omitempty"`  // first words of others under which it may have commands
	// Rebuilt is a folder of the origin Development in which any file of the name is trusted; "" is none.
	Rebuilt string `yaml:"rebuilt_in,omitempty"`
}

// Lock is the user's lock file.
type Lock struct {
	path       string
	entries    []Entry
	unreadable error // nil if it was read or isn't there; else nobody is trusted by it, and it isn't overwritten
}

type lockFile struct {
	Version int     `yaml:"version"`
	Plugins []Entry `yaml:"plugins"`
}

func readLock(path string) *Lock {
	l := &Lock{path: path}
	if path != "" {
		l.entries, l.unreadable = readEntries(path)
	}
	return l
}

// readEntries are the entries of the file; none if it isn't there.
func readEntries(path string) ([]Entry, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fault.Wrap(fault.Forbidden, "", fmt.Errorf("reading which plugins are trusted: %w", err))
	}
	defer f.Close()
	if err := discover.SafeFile(f); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, fault.Wrap(fault.Forbidden, "", fmt.Errorf("reading which plugins are trusted: %w", err))
	}
	var file lockFile
	if err := strict(text, &file); err != nil {
		return nil, fault.Wrap(fault.Forbidden, "fix it, or remove it and run imgctl plugin trust for each of your plugins",
			fmt.Errorf("reading %s: %w", path, err))
	}
	if file.Version != lockVersion {
		return nil, fault.New(fault.Forbidden, "use the imgctl that wrote it", "%s: version %d is not known", path, file.Version)
	}
	return file.Plugins, nil
}

// Entry is the plugin's, if it is trusted in some form.
func (l *Lock) Entry(name string) (Entry, bool) {
	i := slices.IndexFunc(l.entries, func(e Entry) bool { return e.Name == name })
	if i < 0 {
		return Entry{}, false
	}
	return l.entries[i], true
}

// Put adds the entry or replaces the one of the same name, and writes the file.
func (l *Lock) Put(e Entry) error {
	next := slices.DeleteFunc(slices.Clone(l.entries), func(old Entry) bool { return old.Name == e.Name })
	return l.write(append(next, e))
}

// Remove removes the plugin's entry, and writes the file.
func (l *Lock) Remove(name string) error {
	return l.write(slices.DeleteFunc(slices.Clone(l.entries), func(e Entry) bool { return e.Name == name }))
}

func (l *Lock) write(entries []Entry) error {
	if l.path == "" {
		return fault.New(fault.Usage, "set HOME or XDG_CONFIG_HOME", "there is no place for the lock file")
	}
	if l.unreadable != nil {
		return l.unreadable
	}
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	text, err := yaml.Marshal(lockFile{Version: lockVersion, Plugins: entries})
	if err != nil {
		return err
	}
	err = os.MkdirAll(filepath.Dir(l.path), 0o700)
	if err == nil {
		err = wholefile.Replace(l.path, 0o600, text)
	}
	if err != nil {
		return fmt.Errorf("writing which plugins are trusted: %w", err)
	}
	l.entries = entries
	return nil
}
