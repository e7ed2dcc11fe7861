package modify

import (
	"bufio"
	"context"
	"embed"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// What runs in images: each task's script.
//
//go:embed scripts/*.sh
var scripts embed.FS

// scriptSays begins what a script wants to be heard.
const scriptSays = "imgctl: "

// builds are the ways to carry out the change on the image of that id, in the order in which they
// are tried.
func (w *work) builds(ctx context.Context, id string) ([]build, error) {
	c := w.recipe
	if c.tasks == modifyImage {
		return []build{{
			dockerfile: c.file.From(id, map[string]string{TagLabel: w.AppendTag}), context: c.folder, ownConfig: true,
		}}, nil
	}
	nothing := filepath.Join(w.folder, "context")
	given, said := filepath.Join(w.folder, "given"), filepath.Join(w.folder, "said")
	for _, folder := range []string{nothing, given, said} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return nil, err
		}
	}
	for name, from := range map[string]string{"run": "run", "script": c.tasks} {
		script, err := scripts.ReadFile("scripts/" + from + ".sh")
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(given, name), script, 0o644); err != nil {
			return nil, err
		}
	}
	b := build{
		context: nothing, volumes: []string{given + ":" + mounted + "/given:ro", said + ":" + mounted + "/said"},
		said: filepath.Join(said, "text"),
	}
	args, err := w.give(ctx, &b, given)
	if err != nil {
		return nil, err
	}
	b.dockerfile = []byte("FROM " + id + "\nUSER root\n" + runs(append([]string{"/bin/sh", mounted + "/given/run"}, args...)...))
	if c.cache == "" {
		return []build{b}, nil
	}
	cached, err := w.cached(b)
	return []build{cached, b}, err
}

// give has the container find what the task needs, and gives the arguments of its script.
func (w *work) give(ctx context.Context, b *build, given string) (args []string, err error) {
	c := w.recipe
	mount := func(from, to string) {
		if from != "" {
			b.volumes = append(b.volumes, from+":"+to+":ro")
		}
	}
	mount(c.rpms, mounted+"/rpms")
	mount(c.wheels, mounted+"/wheels")
	switch c.tasks {
	case yumUpdate, yumInstall:
		mount(c.repos, "/etc/yum.repos.d")
		for _, folder := range []string{"/etc/dnf/vars", "/etc/yum/vars"} {
			if isDir(folder) {
				mount(folder, folder)
			}
		}
		if isDir("/etc/pki/rpm-gpg") { // a host with RPM has its keys where images look for them
			mount("/etc/pki", "/etc/pki")
		}
		local, err := repoFolders(c.repos)
		if err != nil {
			return nil, err
		}
		for _, folder := range local {
			mount(folder, folder)
		}
		if c.compare {
			if c.host == "" {
				w.rep.Warn("this machine has no rpm, so its packages can't be compared with those of %s: all are updated", w.Source)
				return []string{c.update}, nil
			}
			return []string{c.update}, os.WriteFile(filepath.Join(given, "host-packages"), []byte(c.host), 0o644)
		}
		if c.tasks == yumInstall {
			return c.packages, nil
		}
		return []string{c.update}, nil
	case rpmInstall:
		return c.flags, nil
	case devInstall:
		tree, err := c.checkOut(ctx, &programs{&w.run.o}, w.rep, w.run.scratch.folder)
		mount(tree, mounted+"/sources")
		return nil, err
	}
	return nil, nil
}

// cached is the build with a folder for what yum downloads. One that has something already isn't
// changed: several images may use it at once.
func (w *work) cached(b build) (build, error) {
	folder := w.recipe.cache
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return b, prefixed("yum_cache", err)
	}
	if w.recipe.purge {
		w.recipe.purged.Do(func() { w.recipe.purgeErr = emptied(folder) })
		if w.recipe.purgeErr != nil {
			return b, prefixed("yum_cache", w.recipe.purgeErr)
		}
	}
	there, err := os.ReadDir(folder)
	if err != nil {
		return b, prefixed("yum_cache", err)
	}
	how := ":rw"
	if len(there) > 0 {
		how = ":O"
	}
	b.volumes = append(slices.Clip(b.volumes), folder+":/var/cache/dnf"+how, folder+":/var/cache/yum"+how)
	return b, nil
}

// emptied removes what is in the folder, and not the folder.
func emptied(folder string) error {
	all, err := os.ReadDir(folder)
	for _, e := range all {
		if err == nil {
			err = os.RemoveAll(filepath.Join(folder, e.Name()))
		}
	}
	return err
}

// hostPackages are the packages that this machine has, one a line; "" without rpm.
func hostPackages(ctx context.Context, p *programs) (string, error) {
	if p.has("rpm") == "" {
		return "", nil
	}
	cmd := command{
		name: "rpm", args: []string{"-qa", opt("qf"), `%{NAME} %|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\n`}, env: p.env(),
	}
	out, err := cmd.output(ctx)
	if err != nil {
		return "", err
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n", nil
}

var baseURL = regexp.MustCompile(`^\s*baseurl\s*=\s*file://(/\S+)`)

// repoFolders are the folders of this machine that yum's repositories are in.
func repoFolders(repos string) (folders []string, err error) {
	if repos == "" {
		return nil, nil
	}
	files, err := filepath.Glob(filepath.Join(glob(repos), "*.repo"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		scan := bufio.NewScanner(f)
		for scan.Scan() {
			if m := baseURL.FindStringSubmatch(scan.Text()); m != nil {
				folders = append(folders, filepath.Clean(m[1]))
			}
		}
		f.Close()
		if err := scan.Err(); err != nil {
			return nil, prefixed(file, err)
		}
	}
	slices.Sort(folders)
	folders = slices.Compact(folders)
	for _, folder := range folders {
		if !isDir(folder) || strings.Contains(folder, ":") {
			return nil, fault.New(fault.NotFound, "", "%s names the repository %s, which is no folder here", repos, folder)
		}
	}
	return folders, nil
}
