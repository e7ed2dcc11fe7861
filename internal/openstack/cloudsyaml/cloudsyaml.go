// Package cloudsyaml reads clouds.yaml, secure.yaml, clouds-public.yaml and the OS_* variables the
// way openstacksdk does, so that an entry means the same to both. It sends no requests.
//
// A test holds it to Debian's python3-openstacksdk; the differences are deliberate: a file that
// OS_CLIENT_CONFIG_FILE names must be readable, and a secure.yaml beside it counts first; a scalar keeps the text it is written with
// (`password: 0123` is "0123"); a region of a vendor's profile needn't be in the profile's list; a
// profile isn't fetched from the network.
package cloudsyaml

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Config is the content of the files and the environment.
type Config struct {
	File       string   // the clouds.yaml that was read; "" if there is none
	Unreadable []string // files that would have come first but may not be read

	clouds      tree
	vendors     tree
	environment tree   // nil if the OS_* variables make no cloud
	envName     string // what the cloud of the variables is called
}

// Read reads the files that there are. None at all is no error; one that is broken, or that a
// variable names and that can't be read, is fault.Usage.
func Read() (*Config, error) {
	c := &Config{envName: cmp.Or(os.Getenv("OS_CLOUD_NAME"), "envvars"), environment: environment(os.Environ())}
	file, err := c.load("clouds", "OS_CLIENT_CONFIG_FILE")
	if err != nil {
		return nil, err
	}
	secure, err := c.load("secure", "OS_CLIENT_SECURE_FILE")
	if err != nil {
		return nil, err
	}
	vendor, err := c.load("clouds-public", "OS_CLIENT_VENDOR_FILE")
	if err != nil {
		return nil, err
	}
	c.File = file.path
	if c.clouds, err = file.section("clouds"); err != nil {
		return nil, err
	}
	secrets, err := secure.section("clouds")
	if err != nil {
		return nil, err
	}
	c.clouds = merged(c.clouds, secrets)
	if c.vendors, err = vendor.section("public-clouds"); err != nil {
		return nil, err
	}
	if _, taken := c.clouds[c.envName]; taken && c.environment != nil && os.Getenv("OS_CLOUD_NAME") != "" {
		return nil, fault.New(fault.Usage, "give one of them another name",
			"OS_CLOUD_NAME names the cloud of the OS_* variables %q, as an entry of %s is called", c.envName, c.File)
	}
	return c, nil
}

// Names are the entries of the files, sorted.
func (c *Config) Names() []string { return slices.Sorted(maps.Keys(c.clouds)) }

// Default is the cloud that is meant if none is named: that of OS_CLOUD, that of the OS_*
// variables, or the only entry that there is; "" if that doesn't say.
func (c *Config) Default() string {
	switch names := c.Names(); {
	case os.Getenv("OS_CLOUD") != "":
		return os.Getenv("OS_CLOUD")
	case c.environment != nil:
		return c.envName
	case len(names) == 1:
		return names[0]
	}
	return ""
}

// FromEnvironment reports whether the name is that of the cloud that the OS_* variables make.
func (c *Config) FromEnvironment(name string) bool { return c.environment != nil && name == c.envName }

// Entry is the cloud of that name, with the region chosen: the wanted one, else the entry's first.
// "" is what the OS_* variables alone say, which may be nothing. A name that isn't there is a
// NoEntry.
func (c *Config) Entry(name, region string, role Role) (*Entry, error) {
	own, ok := c.clouds[name].(tree)
	fromFile := false
	switch {
	case name == "" || c.FromEnvironment(name):
		own = c.environment
	case !has(c.clouds, name):
		return nil, c.noEntry(name)
	case c.clouds[name] != nil && !ok:
		return nil, fault.New(fault.Usage, "", "reading %s: entry %q has no keys, but a single value", c.File, name)
	default:
		fromFile = true
	}
	own = normalized(own)
	if role == Default {
		region = cmp.Or(region, os.Getenv("OS_REGION_NAME"), os.Getenv("SDK_REGION"))
	}
	if fromFile {
		own = c.withVariables(own, role)
	}
	e, err := c.resolve(name, own, region)
	if err != nil {
		return nil, fault.Wrap(fault.Usage, "", err)
	}
	return e, nil
}

// NoEntry says that there is no entry of the name.
type NoEntry struct {
	Name       string
	File       string   // that was read; "" if there is none
	Searched   []string // folders, where there is no file
	Names      []string // of the entries that there are
	Unreadable []string // files that may have it but can't be read
}

func (e *NoEntry) Error() string {
	text := "no clouds.yaml in " + strings.Join(e.Searched, ", ")
	if e.File != "" {
		text = fmt.Sprintf("no entry %q in %s (entries there: %s)", e.Name, e.File, strings.Join(e.Names, ", "))
	}
	if len(e.Unreadable) > 0 {
		text += ", and " + strings.Join(e.Unreadable, ", ") + " can't be read"
	}
	return text
}

func (c *Config) noEntry(name string) error {
	return &NoEntry{Name: name, File: c.File, Searched: folders(), Names: c.Names(), Unreadable: c.Unreadable}
}
