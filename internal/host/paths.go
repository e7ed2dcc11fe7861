package host

import (
	"os"
	"path/filepath"

	"github.com/imgctl/packer-plugin-openstack/internal/host/inventory"
)

// paths are the user's folders; each is "" if there is none.
type paths struct{ config, cache string }

func userPaths() paths {
	of := func(variable, fallback string) string {
		if dir := os.Getenv(variable); filepath.IsAbs(dir) {
			return filepath.Join(dir, "imgctl")
		}
		if home := os.Getenv("HOME"); filepath.IsAbs(home) {
			return filepath.Join(home, fallback, "imgctl")
		}
		return ""
	}
	return paths{config: of("XDG_CONFIG_HOME", ".config"), cache: of("XDG_CACHE_HOME", ".cache")}
}

func (p paths) lock() string     { return below(p.config, "plugins.lock.yaml") }
func (p paths) settings() string { return below(p.config, "config.yaml") }
func (p paths) key() string      { return below(p.config, "cache.key") }
func (p paths) manifest() string { return below(p.cache, inventory.CacheFile) }
func (p paths) answers() string  { return below(p.cache, "complete") }

func below(folder, name string) string {
	if folder == "" {
		return ""
	}
	return filepath.Join(folder, name)
}
