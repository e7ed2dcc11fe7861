// Package rpmtest builds packages, installs them with Debian's rpm and makes images of the result, for
// tests that compare with rpm.
package rpmtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Package is what rpmbuild is told. Arch is noarch where it is empty, Version and Release are 1.
type Package struct {
	Name, Epoch, Version, Release, Arch        string
	Provides, Requires, Conflicts, Obsoletes   []string
	Files                                      []File
	Post, Postun, Pre, Trigger, TriggerScript  string
	Recommends, Supplements, Enhances, Suggest []string
}

// File is one file of a package.
type File struct {
	Path, Content string
	Mode          int // 0644, or 0755 for a folder, where it is 0
	User, Group   string
	Config        string // such as "%config(noreplace)"
	Link          string // of a symbolic link
	Hard          string // another file of the package, of which this one is a hard link
	Folder, Ghost bool
	Doc           bool
	Caps          string
	MissingOK     bool
}

// Need skips the test unless rpm and rpmbuild are here, and it runs as root.
func Need(t testing.TB) {
	t.Helper()
	for _, tool := range []string{"rpm", "rpmbuild", "tar"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s isn't installed: there is nothing to compare with", tool)
		}
	}
	if os.Geteuid() != 0 {
		t.Skip("rpm needs root to install into a folder")
	}
}

func (p Package) version() string { return or(p.Version, "1") }

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// Build builds the packages, whose names have to differ, and gives the folder that has them. Payload
// is rpm's name for a compression, such as "w3.zstdio"; "" is gzip.
func Build(t testing.TB, payload string, packages ...Package) string {
	t.Helper()
	top := t.TempDir()
	out := filepath.Join(top, "out")
	var spec strings.Builder
	spec.WriteString("%global debug_package %{nil}\n%global __os_install_post %{nil}\n%global _build_id_links none\n" +
		"Name: container-of-all\nVersion: 1\nRelease: 1\nSummary: none\nLicense: MIT\n%description\nnone\n")
	for n, p := range packages {
		p.preamble(&spec)
		root := filepath.Join(top, fmt.Sprint("tree", n))
		p.lay(t, root)
	}
	spec.WriteString("%install\n")
	for n := range packages {
		fmt.Fprintf(&spec, "mkdir -p %%{buildroot}\ncp -a %s/. %%{buildroot}/\n", filepath.Join(top, fmt.Sprint("tree", n)))
	}
	for _, p := range packages {
		p.list(&spec)
	}
	file := filepath.Join(top, "all.spec")
	if err := os.WriteFile(file, []byte(spec.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	//nolint:noctx // what the test says
	text, err := exec.Command("rpmbuild", "-bb", "--define", "_topdir "+top, "--define", "_rpmdir "+out,
		"--define", "_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm", "--define", "_binary_payload "+or(payload, "w6.gzdio"),
		"--define", "_buildhost test", "--define", "use_source_date_epoch_as_buildtime 1", "--define", "clamp_mtime_to_source_date_epoch 0",
		"--define", "_target_os linux", file).CombinedOutput()
	if err != nil {
		t.Fatalf("rpmbuild: %v\n%s\n%s", err, text, spec.String())
	}
	return out
}

func (p Package) preamble(spec *strings.Builder) {
	fmt.Fprintf(spec, "%%package -n %s\nSummary: %s\nVersion: %s\nRelease: %s\nGroup: Tests\nAutoReqProv: no\n",
		p.Name, p.Name, p.version(), or(p.Release, "1"))
	if p.Epoch != "" {
		fmt.Fprintf(spec, "Epoch: %s\n", p.Epoch)
	}
	if or(p.Arch, "noarch") == "noarch" {
		spec.WriteString("BuildArch: noarch\n")
	}
	for _, one := range []struct {
		tag  string
		list []string
	}{
		{"Provides", p.Provides},
		{"Requires", p.Requires},
		{"Conflicts", p.Conflicts},
		{"Obsoletes", p.Obsoletes},
		{"Recommends", p.Recommends},
		{"Supplements", p.Supplements},
		{"Enhances", p.Enhances},
		{"Suggests", p.Suggest},
	} {
		for _, text := range one.list {
			fmt.Fprintf(spec, "%s: %s\n", one.tag, text)
		}
	}
	fmt.Fprintf(spec, "%%description -n %s\nnone\n", p.Name)
	for _, one := range []struct{ kind, text string }{{"pre", p.Pre}, {"post", p.Post}, {"postun", p.Postun}} {
		if one.text != "" {
			fmt.Fprintf(spec, "%%%s -n %s %s\n", one.kind, p.Name, one.text)
		}
	}
	if p.Trigger != "" {
		fmt.Fprintf(spec, "%%triggerin -n %s -- %s\n%s\n", p.Name, p.Trigger, p.TriggerScript)
	}
}

// lay makes the package's files.
func (p Package) lay(t testing.TB, root string) {
	t.Helper()
	check := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	check(os.MkdirAll(root, 0o755))
	for _, f := range p.Files {
		at := filepath.Join(root, f.Path)
		check(os.MkdirAll(filepath.Dir(at), 0o755))
		switch {
		case f.Folder:
			check(os.MkdirAll(at, 0o755))
		case f.Link != "":
			check(os.Symlink(f.Link, at))
		case f.Hard != "":
			check(os.Link(filepath.Join(root, f.Hard), at))
		default:
			check(os.WriteFile(at, []byte(f.Content), 0o600))
		}
	}
}

func (p Package) list(spec *strings.Builder) {
	fmt.Fprintf(spec, "%%files -n %s\n", p.Name)
	for _, f := range p.Files {
		mode := f.Mode
		if mode == 0 {
			mode = 0o644
			if f.Folder {
				mode = 0o755
			}
		}
		if f.Link != "" {
			fmt.Fprintf(spec, "%%attr(-,%s,%s) ", or(f.User, "root"), or(f.Group, "root"))
		} else {
			fmt.Fprintf(spec, "%%attr(%o,%s,%s) ", mode, or(f.User, "root"), or(f.Group, "root"))
		}
		config := f.Config
		if f.MissingOK && config != "" {
			config = strings.Replace(config, ")", " missingok)", 1)
		}
		spec.WriteString(config + " ")
		for _, one := range []struct {
			on   bool
			text string
		}{{f.Ghost, "%ghost "}, {f.Folder, "%dir "}, {f.Doc, "%doc "}, {f.Caps != "", "%caps(" + f.Caps + ") "}} {
			if one.on {
				spec.WriteString(one.text)
			}
		}
		fmt.Fprintf(spec, "%q\n", f.Path)
	}
}
