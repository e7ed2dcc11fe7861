package command

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudsyaml"
	"github.com/imgctl/packer-plugin-openstack/internal/wholefile"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// mentioned is a file that the command line names, or one that the host reads.
type mentioned struct {
	option, path string
	flag         bool // and no argument, which may name a folder to make
	writes       bool
	byHost       bool // the host reads it
}

// checkFiles refuses files that a command mustn't be started with.
func (inv Invocation) checkFiles() error {
	files := inv.files()
	if err := regular(files); err != nil {
		return err
	}
	if err := writable(files); err != nil {
		return err
	}
	return keepInputs(files)
}

// regular refuses a pipe to read from: a plugin doesn't inherit those of a shell, and would wait for the writer of
// another one.
func regular(files []mentioned) error {
	for _, f := range files {
		info, err := os.Stat(f.path)
		if err == nil && !f.writes && !f.byHost && info.Mode()&(fs.ModeNamedPipe|fs.ModeSocket) != 0 {
			return fault.New(fault.Usage, "write it to a file first", "%s: %s is a pipe", f.option, f.path)
		}
	}
	return nil
}

// writable refuses a flag's file that couldn't be written: the command would find out only when its work is done.
func writable(files []mentioned) error {
	for _, f := range files {
		if !f.writes || !f.flag {
			continue
		}
		err := wholefile.CanWrite(f.path)
		kind, advice := fault.Usage, ""
		switch {
		case err == nil:
			continue
		case errors.Is(err, fs.ErrNotExist):
			kind, advice = fault.NotFound, "create the folder first"
		case errors.Is(err, fs.ErrPermission):
			kind = fault.Forbidden
		case errors.Is(err, wholefile.ErrFolder):
			advice = "name a file in it"
		}
		return fault.New(kind, advice, "%s: writing %s: %w", f.option, f.path, err)
	}
	return nil
}

// keepInputs refuses a file that the command would write although it also reads it, or writes it under another
// name: an option's value, mistaken for another's, must not cost the user a file.
func keepInputs(files []mentioned) error {
	for i, a := range files {
		for _, b := range files[:i] {
			if !a.writes && !b.writes || !same(a.path, b.path) {
				continue
			}
			written, other := a, b
			if !a.writes {
				written, other = b, a
			}
			if other.writes {
				return fault.New(fault.Usage, "give each a file of its own", "%s and %s would write the same file, %s", other.option,
					written.option, written.path)
			}
			return fault.New(fault.Usage, "name another file", "%s would overwrite %s, which %s names", written.option, written.path,
				other.option)
		}
	}
	return nil
}

// files are those of the arguments, the flags and the host.
func (inv Invocation) files() (all []mentioned) {
	add := func(option string, writes, byHost bool, paths ...string) {
		for _, path := range paths {
			if path != "" && path != "-" {
				all = append(all, mentioned{option, path, strings.HasPrefix(option, "--"), writes, byHost})
			}
		}
	}
	for i, path := range inv.Args {
		a := argument(inv.Spec, i)
		if a != nil && (a.GetWrites() || a.GetCompletion() == pluginv1.Completion_COMPLETION_FILE) {
			add(a.GetName(), a.GetWrites(), false, path)
		}
	}
	for i, v := range inv.Flags {
		switch f, option := inv.Spec.GetFlags()[i], "--"+v.GetName(); {
		case f.GetSecret():
			add(option, false, true, inv.secretFiles[f.GetName()])
		case f.GetWrites() || f.GetType() == pluginv1.FlagType_FLAG_TYPE_FILE || f.GetCompletion() == pluginv1.Completion_COMPLETION_FILE:
			add(option, f.GetWrites(), false, v.GetStringValue())
			add(option, f.GetWrites(), false, v.GetStringsValue().GetValues()...)
		}
	}
	if slices.ContainsFunc(all, func(m mentioned) bool { return m.writes }) {
		access := inv.Global.Access
		add("--os-cacert", false, true, access.CACert)
		add("--os-cert", false, true, access.ClientCert)
		add("--os-key", false, true, access.ClientKey)
		add("imgctl's configuration of clouds", false, true, cloudsyaml.Paths()...)
	}
	return all
}

// same reports whether two paths lead to one file, whatever they are called. Devices and pipes aren't meant: what is
// written there overwrites nothing.
func same(a, b string) bool {
	one, errA := os.Stat(a)
	two, errB := os.Stat(b)
	switch {
	case errA == nil && errB == nil:
		return one.Mode().IsRegular() && os.SameFile(one, two)
	case errors.Is(errA, fs.ErrNotExist) && errors.Is(errB, fs.ErrNotExist):
		return wholefile.Target(a) == wholefile.Target(b)
	}
	return false
}
