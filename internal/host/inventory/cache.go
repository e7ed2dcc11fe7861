package inventory

import (
	"crypto/hmac"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/imgctl/packer-plugin-openstack/internal/host/discover"
	"github.com/imgctl/packer-plugin-openstack/internal/host/trust"
	"github.com/imgctl/packer-plugin-openstack/internal/wholefile"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// CacheFile is the name of the file in the cache folder. It grants no trust: a checksum in it counts
// only if the cache is sealed with the user's key, which lies beside the lock file, and never where the
// administrator has a policy.
const CacheFile = "manifest-v1.json"

// retry is when a plugin that could not describe itself is asked again, even if it isn't needed.
const retry = time.Minute

// mostCache is the maximum size of a cache.
const mostCache = 64 << 20

// cache is what is known of files, by path.
type cache struct {
	path    string
	keyFile string
	sealed  bool // its writer had the user's key
	known   map[string]known
	changed bool
}

type cacheFile struct {
	Host    string          `json:"host"` // version
	Plugins json.RawMessage `json:"plugins"`
	Seal    []byte          `json:"seal,omitempty"` // of host and plugins
}

// known is what is known of a file.
type known struct {
	Identity trust.Identity `json:"identity"`
	SHA256   string         `json:"sha256"`
	Manifest []byte         `json:"manifest,omitempty"` // a pluginv1.Manifest; in this form it is read ten times as fast as in JSON
	Failed   string         `json:"failed,omitempty"`   // why there is none
	At       time.Time      `json:"at"`
}

// readCache reads the cache. A cache that can't be read, that was written by another version or without the
// key, or that others could have written, counts as empty.
func readCache(path, keyFile, version string) *cache {
	c := &cache{path: path, keyFile: keyFile, known: map[string]known{}}
	f, err := os.Open(path)
	if err != nil {
		return c
	}
	defer f.Close()
	if discover.SafeFile(f) != nil || discover.SafeFolder(filepath.Dir(path)) != nil {
		return c
	}
	text, err := io.ReadAll(io.LimitReader(f, mostCache))
	if err != nil {
		return c
	}
	var file cacheFile
	if json.Unmarshal(text, &file) != nil || file.Host != version {
		return c
	}
	key, err := readKey(keyFile)
	if err == nil {
		if !hmac.Equal(file.seal(key), file.Seal) {
			return c
		}
		c.sealed = true
	}
	plugins := map[string]known{}
	if json.Unmarshal(file.Plugins, &plugins) == nil && plugins != nil {
		c.known = plugins
	}
	return c
}

// get is what is known of the file, if it is still the same.
func (c *cache) get(path string, id trust.Identity) (known, bool) {
	k, ok := c.known[path]
	if !ok || k.Identity != id {
		return known{}, false
	}
	return k, true
}

func (c *cache) put(path string, k known) {
	c.known[path] = k
	c.changed = true
}

// keep removes all files but these.
func (c *cache) keep(paths map[string]bool) {
	for path := range c.known {
		if !paths[path] {
			delete(c.known, path)
			c.changed = true
		}
	}
}

// write saves changes. If it fails, the next run is only slower.
func (c *cache) write(version string) {
	if !c.changed || c.path == "" {
		return
	}
	plugins, err := json.Marshal(c.known)
	if err != nil {
		return
	}
	file := cacheFile{Host: version, Plugins: plugins}
	if key, err := makeKey(c.keyFile); err == nil {
		file.Seal = file.seal(key)
	}
	text, err := json.Marshal(file)
	if err != nil {
		return
	}
	_ = wholefile.Keep(c.path, text) // the next run makes it again
}

func decode(b []byte) (*pluginv1.Manifest, error) {
	m := &pluginv1.Manifest{}
	return m, proto.Unmarshal(b, m)
}
