package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb"
	"github.com/goreleaser/nfpm/v2/files"
	_ "github.com/goreleaser/nfpm/v2/rpm"
)

// packages makes the packages of Debian and of Fedora from the tree of an archive.
func (r *release) packages(tree, arch string) error {
	for _, format := range []string{"deb", "rpm"} {
		info, err := r.packageInfo(tree, arch, format)
		if err != nil {
			return err
		}
		packager, err := nfpm.Get(format)
		if err != nil {
			return err
		}
		if err := nfpm.PrepareForPackager(info, format); err != nil {
			return fmt.Errorf("making the %s: %w", format, err)
		}
		f, err := os.Create(filepath.Join(r.out, packager.ConventionalFileName(info)))
		if err != nil {
			return err
		}
		if err := errors.Join(packager.Package(info, f), f.Close()); err != nil {
			return fmt.Errorf("making the %s: %w", format, err)
		}
	}
	return nil
}

func (r *release) packageInfo(tree, arch, format string) (*nfpm.Info, error) {
	contents, err := r.contents(tree, format)
	if err != nil {
		return nil, err
	}
	scripts := filepath.Join(r.root, "tools", "dist", "package")
	return nfpm.WithDefaults(&nfpm.Info{
		Name: "imgctl", Arch: arch, Platform: "linux", Version: r.version, MTime: r.at, DisableGlobbing: true,
		Maintainer: "imgctl developers <imgctl@users.noreply.github.com>", Homepage: "https://github.com/imgctl/packer-plugin-openstack",
		License: "Apache-2.0", Section: "admin", Priority: "optional",
		Description: "manage images in OpenStack clouds\n" +
			"imgctl shares images between projects, replaces images that are in use, removes\n" +
			"old ones, copies container images, and tests deploy ramdisks. Its commands come\n" +
			"from plugins.",
		Overridables: nfpm.Overridables{
			Recommends: []string{"bash-completion"}, Suggests: []string{"qemu-utils"}, Contents: contents,
			Scripts: nfpm.Scripts{PostInstall: filepath.Join(scripts, "installed.sh"), PostRemove: filepath.Join(scripts, "removed.sh")},
			// Debian 12, Ubuntu 22.04 and EL 8 can read zstd; xz in Go takes minutes.
			RPM: nfpm.RPM{BuildHost: "imgctl", Summary: "Manage images in OpenStack clouds", Compression: "zstd"},
			Deb: nfpm.Deb{Compression: "zstd"},
		},
	}), nil
}

// contents are the package's files: the tree's, at the places that distributions have for them.
func (r *release) contents(tree, format string) (files.Contents, error) {
	var all files.Contents
	add := func(source, destination string, mode fs.FileMode) {
		all = append(all, &files.Content{
			Source: source, Destination: destination,
			FileInfo: &files.ContentFileInfo{Owner: "root", Group: "root", Mode: mode, MTime: r.at},
		})
	}
	err := r.each(tree, func(path, relative string, mode fs.FileMode) error {
		if info, err := os.Stat(path); err != nil || info.IsDir() {
			return err
		}
		destination := "/usr/" + relative
		switch {
		case strings.HasPrefix(relative, "share/zsh/") && format == "deb":
			destination = "/usr/share/zsh/vendor-completions/" + filepath.Base(path)
		case strings.HasSuffix(relative, ".service"):
			unit, err := r.packagedUnit(path)
			if err != nil {
				return err
			}
			add(unit, "/usr/lib/systemd/system/"+filepath.Base(path), mode)
			return nil
		case strings.HasSuffix(relative, ".timer"):
			unit, err := r.packagedUnit(path)
			if err != nil {
				return err
			}
			add(unit, "/usr/lib/systemd/system/"+filepath.Base(path), mode)
			return nil
		case strings.HasPrefix(relative, "share/imgctl/schedule/"):
			destination = "/usr/share/doc/imgctl/examples/" + filepath.Base(path)
		}
		add(path, destination, mode)
		return nil
	})
	if err != nil {
		return nil, err
	}
	add(filepath.Join(r.root, "tools", "dist", "package", "sysusers.conf"), "/usr/lib/sysusers.d/imgctl.conf", 0o644)
	for _, folder := range []string{
		"/etc/imgctl", // the site's: clouds.yaml, policies, and which plugins are allowed
		// rpm leaves folders that no package has.
		"/usr/libexec/imgctl", "/usr/libexec/imgctl/plugins", "/usr/share/doc/imgctl", "/usr/share/doc/imgctl/examples",
	} {
		all = append(all, &files.Content{
			Destination: folder, Type: files.TypeDir,
			FileInfo: &files.ContentFileInfo{Owner: "root", Group: "root", Mode: 0o755, MTime: r.at},
		})
	}
	return all, nil
}

// packagedUnit writes a unit as a package has it: the program is in /usr, and nobody needs to copy the file.
func (r *release) packagedUnit(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	lines := strings.SplitAfter(string(text), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "#") && strings.Contains(line, "Copy it to") {
			lines[i] = "# Adapt paths and the cloud's name with: systemctl edit " + filepath.Base(path) + "\n"
		}
		lines[i] = strings.ReplaceAll(lines[i], "/usr/local/bin/", "/usr/bin/")
	}
	unit := filepath.Join(r.stage, "units", filepath.Base(path))
	return unit, write(unit, []byte(strings.Join(lines, "")))
}
