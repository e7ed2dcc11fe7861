// Package doctor examines what a run of imgctl depends on: files, clouds and what the credentials may, plugins,
// folders and the terminal. It changes nothing, and what it finds has no secrets in it.
package doctor

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/host/console"
	"github.com/imgctl/packer-plugin-openstack/internal/host/inventory"
	"github.com/imgctl/packer-plugin-openstack/internal/host/trust"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// State says how a finding is.
type State string

// The states.
const (
	OK      State = "ok"
	Note    State = "note"    // it may be as it should
	Warning State = "warning" // it works, and shouldn't be so
	Wrong   State = "error"   // something doesn't work
)

// Finding is one thing that was examined.
type Finding struct {
	Area   string // "imgctl", "files", "cloud", "plugins", "folders" or "terminal"
	What   string // such as a file's path or a service
	State  State
	Found  string
	Advice string // what to do; "" where there is nothing to do
	Cause  error  // of what doesn't work; its text replaces Found
}

// Settings is what the file with the settings of plugins is called in findings.
const Settings = "settings"

// Options is what to examine.
type Options struct {
	Version    string
	Executable string
	// Clouds are the accesses to examine; none to examine no cloud.
	Clouds    []cloud.Access
	Inventory *inventory.Inventory
	Judge     *trust.Judge
	Console   *console.Console
	Getenv    func(string) string
	// Files are imgctl's own files, by what they are for; "" where there is no place for one.
	Files map[string]string
	// ReadSettings reads the one called Settings, as a command does.
	ReadSettings func() error
	// Secret gets everything that must not be shown.
	Secret func(...string)
}

// Examine calls found with each finding, as it is made.
func Examine(ctx context.Context, o Options, found func(Finding) error) error {
	for _, examine := range []func(context.Context, Options) []Finding{program, files, plugins, folders, terminal} {
		if err := each(examine(ctx, o), found); err != nil {
			return err
		}
	}
	for _, access := range o.Clouds {
		if err := each(one(ctx, o, access), found); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func each(all []Finding, found func(Finding) error) error {
	for _, f := range all {
		if err := found(f); err != nil {
			return err
		}
	}
	return nil
}
