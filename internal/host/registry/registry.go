// Package registry knows the plugins that there are: which file each is, whether it is trusted
// and what it can do. What a plugin can do is asked once for each file and kept, so that help
// and completion start none.
package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/host/discover"
	"github.com/imgctl/packer-plugin-openstack/internal/host/launch"
	"github.com/imgctl/packer-plugin-openstack/internal/host/trust"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/manifest"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// DescribeTimeout is how long a plugin has to say what it can do.
const DescribeTimeout = 2 * time.Second

// together is how many plugins are asked at the same time.
const together = 8

// Features are what this host can do beyond the first release of the protocol.
var Features []string

// Plugin is a plugin with what is known of it.
type Plugin struct {
	discover.Plugin // Err says why it can't be used, for whatever reason

	SHA256   string             // "" if it could not be read
	Manifest *pluginv1.Manifest // nil if it could not be had
	Words    []string           // the first words of its commands, as far as they are known
}

// Config is where to look and what to believe.
type Config struct {
	Folders   []discover.Folder
	Judge     *trust.Judge
	CacheFile string
	Version   string // of the host
}

// Registry is all plugins.
type Registry struct {
	config  Config
	Plugins []*Plugin
}

// Load finds all plugins and what they can do. A plugin that is broken in whatever way has Err
// set and hurts no other.
func Load(ctx context.Context, config Config) *Registry {
	r := &Registry{config: config}
	c := readCache(config.CacheFile, config.Version)
	paths := map[string]bool{}
	var unknown []*Plugin
	for _, found := range discover.Find(config.Folders) {
		p := &Plugin{Plugin: found}
		r.Plugins = append(r.Plugins, p)
		paths[p.Path] = true
		if !r.recall(p, c) && p.Err == nil {
			unknown = append(unknown, p)
		}
	}
	r.describe(ctx, unknown, c)
	c.keep(paths)
	c.write(config.Version)
	r.assign()
	return r
}

// recall fills in what is known of the plugin's file; it reports whether there is nothing to ask it.
func (r *Registry) recall(p *Plugin, c *cache) bool {
	entry, locked := r.config.Judge.Lock().Entry(p.Name)
	if locked {
		p.Words = entry.Commands
	}
	if p.Err != nil {
		return true
	}
	f, k, err := check(p.Path, c)
	if err != nil {
		p.Err = err
		return true
	}
	f.Close()
	p.SHA256 = k.SHA256
	if p.Err = r.config.Judge.Check(p.Plugin, p.SHA256); p.Err != nil {
		return true
	}
	switch {
	case k.Manifest != nil:
		m, err := decode(k.Manifest)
		if err != nil {
			return false
		}
		p.Manifest = m
	case k.Failed != "" && time.Since(k.At) < retry:
		p.Err = errors.New(k.Failed)
	default:
		return false
	}
	return true
}

// check opens the file and finds its checksum: as it is known if the file is still the same, else computed.
func check(path string, c *cache) (*os.File, known, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, known{}, fault.Wrap(fault.Forbidden, "", err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, known{}, err
	}
	id, told := trust.Identify(info)
	if k, ok := c.get(path, id); ok && told {
		return f, k, nil
	}
	sum, err := trust.Sum(f)
	if err != nil {
		f.Close()
		return nil, known{}, err
	}
	k := known{Identity: id, SHA256: sum}
	if told {
		c.put(path, k)
	}
	return f, k, nil
}

// Open opens the plugin's file for a run, and makes sure that it is one that may run: the file
// that is open is the file that was checked.
func (r *Registry) Open(p *Plugin) (*os.File, error) {
	if p.Err != nil {
		return nil, p.Err
	}
	c := readCache(r.config.CacheFile, r.config.Version)
	f, k, err := check(p.Path, c)
	if err != nil {
		return nil, err
	}
	if err := discover.SafeFile(f); err != nil {
		f.Close()
		return nil, err
	}
	if err := r.config.Judge.Check(p.Plugin, k.SHA256); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (r *Registry) describe(ctx context.Context, plugins []*Plugin, c *cache) {
	type answer struct {
		m   *pluginv1.Manifest
		err error
	}
	answers := make([]answer, len(plugins))
	var g errgroup.Group
	g.SetLimit(together)
	for i, p := range plugins {
		g.Go(func() error {
			m, err := r.Describe(ctx, p)
			answers[i] = answer{m, err}
			return nil
		})
	}
	_ = g.Wait() // each answer has its own error
	for i, p := range plugins {
		p.Manifest, p.Err = answers[i].m, answers[i].err
		k := c.known[p.Path]
		k.At = time.Now()
		if p.Err != nil {
			k.Failed = p.Err.Error()
		} else if b, err := proto.Marshal(p.Manifest); err == nil {
			k.Manifest, k.Failed = b, ""
		}
		if k.SHA256 == p.SHA256 && ctx.Err() == nil {
			c.put(p.Path, k)
		}
	}
}

// Describe asks a plugin what it can do. Its answer is checked.
func (r *Registry) Describe(ctx context.Context, p *Plugin) (*pluginv1.Manifest, error) {
	f, err := os.Open(p.Path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if sum, err := trust.Sum(f); err != nil || sum != p.SHA256 {
		return nil, cmp.Or(err, fault.New(fault.Forbidden, "try again", "plugin %q changes while it is looked at", p.Name))
	}
	process, err := launch.Start(ctx, launch.Spec{Name: p.Name, Path: p.Path, File: f, Line: func(string) {}})
	if err != nil {
		return nil, err
	}
	defer process.Close()
	ctx, cancel := context.WithTimeout(ctx, DescribeTimeout)
	defer cancel()
	m, err := process.Describe(ctx, &pluginv1.DescribeRequest{HostVersion: r.config.Version, HostFeatures: Features})
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		process.Abandon()
		return nil, fault.New(fault.Internal, "", "plugin %q did not say what it can do within %s", p.Name, DescribeTimeout)
	case err != nil:
		return nil, fault.New(fault.Internal, "", "plugin %q could not say what it can do: %w", p.Name, err)
	}
	return m, acceptable(p.Name, m)
}

func acceptable(name string, m *pluginv1.Manifest) error {
	for _, feature := range m.GetRequires() {
		if !slices.Contains(Features, feature) {
			return fault.New(fault.Internal, "use a newer imgctl", "plugin %q needs %q, which this imgctl doesn't have", name, feature)
		}
	}
	if wrong := manifest.Check(m); len(wrong) > 0 {
		more := ""
		if len(wrong) > 1 {
			more = fmt.Sprintf(" (and %d more)", len(wrong)-1)
		}
		return fault.New(fault.Internal, "imgctl plugin check shows all", "plugin %q: %s%s", name, wrong[0], more)
	}
	if m.GetName() != name {
		return fault.New(fault.Internal, "name the file imgctl-"+m.GetName(), "plugin %q calls itself %q", name, m.GetName())
	}
	return nil
}

// assign gives each first word to the plugin that comes first. Another one may have commands under
// it only if both came packaged, or if the lock file says so; and never the same command.
func (r *Registry) assign() {
	owner := map[string]*Plugin{}
	taken := map[string]*Plugin{}
	for _, p := range r.Plugins {
		if p.Err != nil || p.Manifest == nil {
			continue
		}
		p.Words = FirstWords(p.Manifest)
		if p.Err = r.clash(p, owner, taken); p.Err != nil {
			continue
		}
		for _, word := range p.Words {
			if owner[word] == nil {
				owner[word] = p
			}
		}
		for _, c := range p.Manifest.GetCommands() {
			taken[manifest.Path(c)] = p
		}
	}
}

func (r *Registry) clash(p *Plugin, owner, taken map[string]*Plugin) error {
	entry, _ := r.config.Judge.Lock().Entry(p.Name)
	for _, word := range p.Words {
		o := owner[word]
		switch {
		case slices.Contains(manifest.ReservedCommands, word):
			return fault.New(fault.Forbidden, "", "plugin %q claims %q, which is imgctl's own", p.Name, word)
		case o == nil, o.Folder.Origin == discover.Packaged && p.Folder.Origin == discover.Packaged, slices.Contains(entry.Extends, word):
		default:
			return fault.New(fault.Forbidden, fmt.Sprintf("imgctl plugin trust %s --extends %s, if it may add to it", p.Name, word),
				"plugin %q claims %q, which is plugin %q's", p.Name, word, o.Name)
		}
	}
	for _, c := range p.Manifest.GetCommands() {
		if o := taken[manifest.Path(c)]; o != nil {
			return fault.New(fault.Forbidden, "remove one of them", "plugin %q claims %q, which plugin %q has", p.Name, manifest.Path(c), o.Name)
		}
	}
	return nil
}

// FirstWords are the words behind imgctl that the plugin has commands for.
func FirstWords(m *pluginv1.Manifest) []string {
	var words []string
	for _, c := range m.GetCommands() {
		words = append(words, c.GetPath()[0])
		if len(c.GetPath()) == 1 {
			words = append(words, c.GetAliases()...)
		}
	}
	slices.Sort(words)
	return slices.Compact(words)
}

// Find is the plugin of that name, nil if there is none.
func (r *Registry) Find(name string) *Plugin {
	i := slices.IndexFunc(r.Plugins, func(p *Plugin) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	return r.Plugins[i]
}

// Broken are the plugins that can't be used.
func (r *Registry) Broken() []*Plugin {
	var broken []*Plugin
	for _, p := range r.Plugins {
		if p.Err != nil {
			broken = append(broken, p)
		}
	}
	return broken
}

// Claims is a broken plugin that the word stands for, nil if there is none: that it is broken is
// then the answer to a command that seems to be missing.
func (r *Registry) Claims(word string) *Plugin {
	for _, p := range r.Broken() {
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
