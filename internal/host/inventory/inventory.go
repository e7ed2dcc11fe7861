// Package inventory lists the installed plugins: the file of each, whether it is trusted, and its
// manifest. Manifests are read once for each file and cached, so that help and completion start no
// plugin.
package inventory

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/host/discover"
	"github.com/imgctl/packer-plugin-openstack/internal/host/trust"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// DescribeTimeout is how long a plugin may take to return its manifest.
const DescribeTimeout = 5 * time.Second

// Features are what this host can do beyond the first release of the protocol.
var Features []string

// Plugin is a plugin and what is known about it.
type Plugin struct {
	discover.Plugin // Err says why it can't be used, for whatever reason

	SHA256   string             // "" if it could not be read
	Manifest *pluginv1.Manifest // nil if it is unavailable
	Words    []string           // the first words of its commands, as far as they are known
}

// Config says where to look and what to trust.
type Config struct {
	Folders   []discover.Folder
	Judge     *trust.Judge
	CacheFile string
	KeyFile   string   // what the cache is sealed with; "" to keep no checksums
	Version   string   // of the host
	Wanted    []string // names of plugins to ask again even if they failed recently
}

// Inventory is all plugins.
type Inventory struct {
	config  Config
	cache   *cache
	Plugins []*Plugin
	owner   map[string]*Plugin // by first word
	taken   map[string]*Plugin // by the spellings of their commands
}

// Load finds all plugins and their manifests. A plugin that is broken in any way has Err set and doesn't
// affect the others.
func Load(ctx context.Context, config Config) *Inventory {
	c := readCache(config.CacheFile, config.KeyFile, config.Version)
	inv := &Inventory{config: config, cache: c}
	paths := map[string]bool{}
	var unknown []*Plugin
	for _, found := range discover.Find(config.Folders) {
		p := &Plugin{Plugin: found}
		inv.Plugins = append(inv.Plugins, p)
		paths[p.Path] = true
		if !inv.recall(p, c) && p.Err == nil {
			unknown = append(unknown, p)
		}
	}
	inv.describe(ctx, unknown, c)
	c.keep(paths)
	c.write(config.Version)
	inv.assign()
	return inv
}

// recall fills in what is known about the plugin's file; it reports whether the plugin needn't be asked.
func (inv *Inventory) recall(p *Plugin, c *cache) bool {
	entry, locked := inv.config.Judge.Lock().Entry(p.Name)
	if locked {
		p.Words = entry.Commands
	} else if m, err := decode(c.known[p.Path].Manifest); err == nil {
		p.Words = FirstWords(m) // as they were: only a message goes by them
	}
	if p.Err != nil {
		return true
	}
	f, k, err := inv.open(p.Path, c)
	if err != nil {
		p.Err = err
		return true
	}
	f.Close()
	p.SHA256 = k.SHA256
	if p.Err = inv.config.Judge.Check(p.Plugin, p.SHA256); p.Err != nil {
		return true
	}
	switch {
	case k.Manifest != nil:
		m, err := decode(k.Manifest)
		if err != nil {
			return false
		}
		p.Manifest = m
	case k.Failed != "" && time.Since(k.At) < retry && !slices.Contains(inv.config.Wanted, p.Name):
		p.Err = errors.New(k.Failed)
	default:
		return false
	}
	return true
}

// File is a plugin's open file with what is known of it.
type File struct {
	*os.File
	SHA256   string
	identity trust.Identity
	told     bool // the identity is known
}

// Started is called when the file's process runs, so that nobody can write the file any more. It reports
// whether the file is unchanged since its checksum was taken, and releases those who wait.
func (f *File) Started() bool {
	defer trust.Release(f.File)
	info, err := f.Stat()
	if err != nil {
		return false
	}
	id, told := trust.Identify(info)
	return told == f.told && id == f.identity
}

// open opens the file and finds its checksum: as it is known if the file is still the same, else computed.
func (inv *Inventory) open(path string, c *cache) (*File, known, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, known{}, fault.Wrap(fault.Forbidden, "", err)
	}
	// Nobody may write it while it is read and until it runs, where the file system can see to that.
	trust.Lease(file)
	f := &File{File: file}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, known{}, err
	}
	f.identity, f.told = trust.Identify(info)
	k, ok := c.get(path, f.identity)
	if ok && f.told && c.sealed && inv.config.Judge.KeepsSums() {
		f.SHA256 = k.SHA256
		return f, k, nil
	}
	if f.SHA256, err = trust.Sum(file); err != nil {
		f.Close()
		return nil, known{}, err
	}
	if ok && k.SHA256 == f.SHA256 {
		return f, k, nil
	}
	k = known{Identity: f.identity, SHA256: f.SHA256}
	if f.told {
		c.put(path, k)
	}
	return f, k, nil
}

// Open opens the plugin's file for a run, and makes sure that it may run: the open file is the one that was
// checked.
func (inv *Inventory) Open(p *Plugin) (*File, error) {
	if p.Err != nil {
		return nil, p.Err
	}
	f, _, err := inv.open(p.Path, inv.cache)
	if err != nil {
		return nil, err
	}
	if err := discover.SafeFile(f.File); err != nil {
		f.Close()
		return nil, err
	}
	if err := inv.config.Judge.Check(p.Plugin, f.SHA256); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Find is the plugin of that name, nil if there is none.
func (inv *Inventory) Find(name string) *Plugin {
	i := slices.IndexFunc(inv.Plugins, func(p *Plugin) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	return inv.Plugins[i]
}

// Broken are the plugins that can't be used.
func (inv *Inventory) Broken() []*Plugin {
	var broken []*Plugin
	for _, p := range inv.Plugins {
		if p.Err != nil {
			broken = append(broken, p)
		}
	}
	return broken
}

// Claims is the broken plugin that owns the word, nil if there is none: it explains why a command seems to be
// missing.
func (inv *Inventory) Claims(word string) *Plugin {
	for _, p := range inv.Broken() {
		if p.Name == word || slices.Contains(p.Words, word) {
			return p
		}
	}
	return nil
}

// Reason is why the plugin can't be used, in one line.
func (p *Plugin) Reason() string {
	return strings.Join(strings.Fields(p.Err.Error()), " ")
}
