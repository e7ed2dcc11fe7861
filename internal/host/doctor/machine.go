package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/host/discover"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudsyaml"
)

func program(_ context.Context, o Options) []Finding {
	return []Finding{{
		Area: "imgctl", What: o.Executable, State: OK,
		Found: fmt.Sprintf("imgctl %s, %s, %s/%s", o.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH),
	}}
}

// files are those that credentials come from, and the variables, by name alone.
func files(context.Context, Options) []Finding {
	var all []Finding
	config, err := cloudsyaml.Read()
	switch {
	case err != nil:
		all = append(all, Finding{Area: "files", What: "clouds.yaml", State: Wrong, Cause: err})
	case config.File == "":
		all = append(all, Finding{
			Area: "files", What: "clouds.yaml", State: Note, Found: "there is none in " + strings.Join(cloudsyaml.Locations(), ", "),
			Advice: "write one, or set OS_CLIENT_CONFIG_FILE to it",
		})
	default:
		all = append(all, private(Finding{
			Area: "files", What: config.File, State: OK, Found: "entries: " + strings.Join(config.Names(), ", "),
		}, config.File))
	}
	if config != nil {
		for _, path := range config.Unreadable {
			all = append(all, Finding{
				Area: "files", What: path, State: Warning, Found: "it can't be read", Advice: "chown it, or remove it",
			})
		}
	}
	if names := variables(); len(names) > 0 {
		all = append(all, Finding{Area: "files", What: "variables", State: OK, Found: strings.Join(names, ", ") + " are set"})
	}
	return all
}

// variables are the names of OpenStack's that are set.
func variables() []string {
	var names []string
	for _, v := range os.Environ() {
		if name, value, _ := strings.Cut(v, "="); strings.HasPrefix(name, "OS_") && value != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// private warns if others may read a file that has credentials, or write a file that decides what runs.
func private(f Finding, path string) Finding {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.Found = "not there yet"
	case err != nil:
		f.State, f.Cause = Wrong, err
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		f.State = Warning
		f.Found += fmt.Sprintf("; other users can use it (mode %03o)", info.Mode().Perm())
		f.Advice = "chmod go= " + path
	}
	return f
}

func plugins(_ context.Context, o Options) []Finding {
	var all []Finding
	for _, p := range o.Inventory.Plugins {
		f := Finding{
			Area: "plugins", What: p.Name, State: OK,
			Found: fmt.Sprintf("%s, %s, %s", p.Manifest.GetVersion(), p.Folder.Origin, p.Path),
		}
		if entry, ok := o.Judge.Lock().Entry(p.Name); ok && p.Folder.Origin != discover.Packaged {
			f.Found += ", trusted for " + strings.Join(entry.Clouds, ", ")
			if len(entry.Clouds) == 0 {
				f.Found += "all clouds"
			}
		}
		if p.Err != nil {
			f.State, f.Cause = Wrong, p.Err
		}
		all = append(all, f)
	}
	if len(all) == 0 {
		all = append(all, Finding{
			Area: "plugins", What: "plugins", State: Wrong, Found: "imgctl has found none, so it has no commands",
			Advice: "install imgctl with its plugins: they are in ../libexec/imgctl/plugins beside it",
		})
	}
	lock, policy := o.Judge.Unreadable()
	if lock != nil {
		all = append(all, Finding{Area: "plugins", What: "trusted plugins", State: Wrong, Cause: lock})
	}
	if policy != nil {
		all = append(all, Finding{Area: "plugins", What: "policy", State: Wrong, Cause: policy})
	}
	return all
}

// folders are imgctl's own files: where they are, and whether they can be written.
func folders(_ context.Context, o Options) []Finding {
	var all []Finding
	for _, what := range slices.Sorted(maps.Keys(o.Files)) {
		path := o.Files[what]
		if path == "" {
			all = append(all, Finding{
				Area: "folders", What: what, State: Warning, Found: "there is no place for it", Advice: "set HOME",
			})
			continue
		}
		f := Finding{Area: "folders", What: what, State: OK, Found: path}
		if info, err := os.Stat(path); err == nil {
			f = owned(f, path, info)
		} else if at := existing(filepath.Dir(path)); writable(at) != nil {
			f.State, f.Found, f.Advice = Warning, fmt.Sprintf("%s can't be written: %s isn't yours to write", path, at), "chown it"
		}
		if what == Settings {
			if err := o.ReadSettings(); err != nil {
				f.State, f.Advice, f.Cause = Wrong, "", err
			}
		}
		all = append(all, f)
	}
	return all
}

// owned warns if others may write a file.
func owned(f Finding, path string, info fs.FileInfo) Finding {
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o022 != 0 {
		f.State, f.Found, f.Advice = Warning, fmt.Sprintf("%s: other users can write it", path), "chmod go-w "+path
	}
	return f
}

// existing is the nearest folder above that exists.
func existing(folder string) string {
	for at := folder; ; at = filepath.Dir(at) {
		if _, err := os.Stat(at); err == nil || at == filepath.Dir(at) {
			return at
		}
	}
}

func terminal(_ context.Context, o Options) []Finding {
	columns, rows := o.Console.Size()
	kind := "no terminal"
	if o.Console.OutTTY {
		kind = fmt.Sprintf("a terminal of %d x %d", columns, rows)
	}
	all := []Finding{{
		Area: "terminal", What: "standard output", State: OK,
		Found: kind + ", " + choose(o.Console.UTF8, "UTF-8", "not UTF-8"),
	}, {
		Area: "terminal", What: "questions", State: OK,
		Found: choose(o.Console.Interactive(), "are asked", "aren't asked: standard input or error is no terminal"),
	}}
	return append(all, completion(o))
}

// completion says whether the shell's completion can work.
func completion(o Options) Finding {
	shell := filepath.Base(o.Getenv("SHELL"))
	f := Finding{Area: "terminal", What: "completion", State: OK, Found: "of " + shell}
	switch shell {
	case "bash":
		if !slices.ContainsFunc([]string{
			"/usr/share/bash-completion/bash_completion", "/usr/local/share/bash-completion/bash_completion",
			"/opt/homebrew/share/bash-completion/bash_completion",
		}, exists) {
			f.State, f.Found, f.Advice = Note, "bash-completion isn't installed, which bash needs for it", "install bash-completion"
		}
	case "zsh", "fish":
	default:
		f.State, f.Found = Note, "SHELL names no shell that imgctl completes commands for: bash, zsh or fish"
	}
	return f
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func choose(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}
