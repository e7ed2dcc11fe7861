package cloud

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2/openstack/config/clouds"
	"go.yaml.in/yaml/v3"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// cloudsFile finds clouds.yaml where OpenStack's own client looks for it.
func cloudsFile() (string, error) {
	if path := os.Getenv("OS_CLIENT_CONFIG_FILE"); path != "" {
		if _, err := os.Stat(path); err != nil {
			return "", fault.New(fault.Usage, "", "OS_CLIENT_CONFIG_FILE: %w", err)
		}
		return path, nil
	}
	folders := []string{"."}
	if config := os.Getenv("XDG_CONFIG_HOME"); config != "" {
		folders = append(folders, filepath.Join(config, "openstack"))
	} else if home, err := os.UserHomeDir(); err == nil {
		folders = append(folders, filepath.Join(home, ".config", "openstack"))
	}
	folders = append(folders, "/etc/openstack")
	for _, folder := range folders {
		path := filepath.Join(folder, "clouds.yaml")
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fault.New(fault.Usage, fault.Advise("write one, or give %s and credentials as options or OS_* variables", fault.Option("identity_endpoint")),
		"there is no clouds.yaml in %s", strings.Join(folders, ", "))
}

// entry reads the entry and what secure.yaml beside it adds, as options for the parser.
func entry(name string) ([]clouds.ParseOption, error) {
	path, err := cloudsFile()
	if err != nil {
		return nil, fmt.Errorf("cloud %q: %w", name, err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.Wrap(fault.Usage, "", fmt.Errorf("reading the clouds: %w", err))
	}
	if text, err = completed(text, path, name); err != nil {
		return nil, err
	}
	opts := []clouds.ParseOption{clouds.WithCloudName(name), clouds.WithCloudsYAML(bytes.NewReader(text))}

	secure, err := os.ReadFile(filepath.Join(filepath.Dir(path), "secure.yaml"))
	switch {
	case err == nil:
		opts = append(opts, clouds.WithSecureYAML(bytes.NewReader(secure)))
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fault.Wrap(fault.Usage, "", fmt.Errorf("reading the secrets of cloud %q: %w", name, err))
	}
	return opts, nil
}

// completed checks that the file has the entry, and gives the entry an auth section where it has
// none, which the parser takes for granted: all of it may be in secure.yaml.
func completed(text []byte, path, name string) ([]byte, error) {
	var file struct {
		Clouds map[string]map[string]any `yaml:"clouds"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, fault.Wrap(fault.Usage, "", fmt.Errorf("reading %s: %w", path, err))
	}
	found, ok := file.Clouds[name]
	if !ok {
		names := strings.Join(slices.Sorted(maps.Keys(file.Clouds)), ", ")
		return nil, fault.Bad("cloud", fault.Advise("choose one of them with %s or OS_CLOUD", fault.Option("cloud")),
			"no entry %q in %s (entries there: %s)", name, path, names)
	}
	if found["auth"] != nil {
		return text, nil
	}
	only := map[string]any{"auth": map[string]any{}}
	for key, value := range found {
		if key != "auth" {
			only[key] = value
		}
	}
	return yaml.Marshal(map[string]any{"clouds": map[string]any{name: only}})
}

// Names are the entries of clouds.yaml, sorted; none without the file. Nobody is asked.
func Names() ([]string, error) {
	path, err := cloudsFile()
	if err != nil {
		return nil, nil //nolint:nilerr // there is none, which is fine
	}
	file, err := readEntries(path)
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(file.Clouds)), nil
}

type cloudEntries struct {
	Clouds map[string]struct {
		CACert string `yaml:"cacert"`
	} `yaml:"clouds"`
}

func readEntries(path string) (cloudEntries, error) {
	var file cloudEntries
	text, err := os.ReadFile(path)
	if err == nil {
		err = yaml.Unmarshal(text, &file)
	}
	if err != nil {
		return file, fault.Wrap(fault.Usage, "", fmt.Errorf("reading %s: %w", path, err))
	}
	return file, nil
}

// entryCACert is the file of authorities that the entry names.
func entryCACert(cloud string) string {
	path, err := cloudsFile()
	if err != nil || cloud == "" {
		return ""
	}
	file, err := readEntries(path)
	if err != nil {
		return ""
	}
	return file.Clouds[cloud].CACert
}
