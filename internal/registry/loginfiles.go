package registry

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"

	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/configfile"
	"github.com/docker/cli/cli/config/types"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// LoginFiles are the files in which podman and docker keep logins. The first one that has a login counts. They are
// read when a registry asks for a login.
type LoginFiles struct {
	// Named has to be there and is asked first; empty is none.
	Named string
	// Usual are asked in order, as far as they are there.
	Usual []string
	// Environment is that of credential helpers: NAME=VALUE. nil is this process's.
	Environment []string

	mu     sync.Mutex
	helped map[string]types.AuthConfig // by helper and registry
}

const maxLoginFile = 1 << 20

// login is the login for a repository of a registry: of the repository, of a namespace above it, or of the registry.
// Without any, it is empty.
func (f *LoginFiles) login(ctx context.Context, registry, repository string) (types.AuthConfig, error) {
	for n, path := range append([]string{f.Named}, f.Usual...) {
		if path == "" {
			continue
		}
		c, err := readLogins(path)
		if errors.Is(err, fs.ErrNotExist) && n > 0 {
			continue
		}
		var found types.AuthConfig
		if err == nil {
			found, err = f.in(ctx, c, registry, repository)
		}
		if err != nil {
			return found, fault.Wrap(fault.Usage, "check that file, which podman or docker writes at its login",
				fmt.Errorf("finding the login for registry %s: %s: %w", registry, path, err))
		}
		if known(found) {
			return found, nil
		}
	}
	return types.AuthConfig{}, nil
}

// readLogins reads a file. A pipe is refused: nobody may ever write to it, and it can be read only once.
func readLogins(path string) (*configfile.ConfigFile, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, withoutPath(err)
	case info.IsDir():
		return nil, errors.New("a folder")
	case info.Mode()&(fs.ModeNamedPipe|fs.ModeSocket) != 0:
		return nil, errors.New("not a regular file")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, withoutPath(err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxLoginFile+1))
	switch {
	case err != nil:
		return nil, withoutPath(err)
	case len(text) > maxLoginFile:
		return nil, fmt.Errorf("larger than %d MiB", maxLoginFile>>20)
	case len(bytes.TrimSpace(text)) == 0:
		return &configfile.ConfigFile{}, nil
	}
	c, err := config.LoadFromReader(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("its logins can't be read: %w", err)
	}
	return c, nil
}

func withoutPath(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	return err
}

// in is the login that one file has.
func (f *LoginFiles) in(ctx context.Context, c *configfile.ConfigFile, registry, repository string) (types.AuthConfig, error) {
	for path := strings.TrimSuffix(registry+"/"+repository, "/"); path != registry; path = path[:strings.LastIndex(path, "/")] {
		if found := c.AuthConfigs[path]; known(found) {
			return found, nil
		}
	}
	names := []string{registry}
	if registry == "docker.io" {
		names = append(names, "https://index.docker.io/v1/")
	}
	for _, name := range names {
		if helper := cmp.Or(c.CredentialHelpers[name], c.CredentialsStore); helper != "" {
			found, err := f.help(ctx, helper, name)
			if err != nil || known(found) {
				return found, err
			}
			continue
		}
		for key, found := range c.AuthConfigs {
			if (key == name || hostOf(key) == name) && known(found) {
				return found, nil
			}
		}
	}
	return types.AuthConfig{}, nil
}

// hostOf is the registry that a URL names, as older files do; empty for a key that is no URL.
func hostOf(key string) string {
	_, rest, isURL := strings.Cut(key, "://")
	if !isURL {
		return ""
	}
	host, _, _ := strings.Cut(rest, "/")
	return host
}

func known(a types.AuthConfig) bool {
	return a.Username != "" || a.Password != "" || a.IdentityToken != "" || a.RegistryToken != ""
}
