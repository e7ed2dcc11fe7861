package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// protocol is the version of Packer's plugin protocol, which is in the names that `packer init` looks for.
const protocol = "x5.0"

// command runs a program in the repository; its error ends with what the program said.
func (r *release) command(ctx context.Context, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = r.root
	cmd.Env = append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return string(out), nil
}

// commitTime is the time of the commit, or SOURCE_DATE_EPOCH.
func (r *release) commitTime(ctx context.Context) (time.Time, error) {
	text := os.Getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		var err error
		if text, err = r.command(ctx, nil, "git", "log", "-1", "--format=%ct"); err != nil {
			return time.Time{}, fmt.Errorf("%w\nset SOURCE_DATE_EPOCH to the release's time where there is no git", err)
		}
	}
	seconds, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// build compiles a program, and notes what it is made of.
func (r *release) build(ctx context.Context, pkg, out, system, arch string) error {
	const at = "github.com/imgctl/packer-plugin-openstack/version."
	number, prerelease, _ := strings.Cut(r.version, "-")
	_, err := r.command(ctx, []string{"CGO_ENABLED=0", "GOOS=" + system, "GOARCH=" + arch, "GOFLAGS="}, "go", "build",
		"-trimpath", "-buildvcs=false", "-ldflags=-s -w -X "+at+"Version="+number+" -X "+at+"Prerelease="+prerelease, "-o", out, pkg)
	if err != nil {
		return err
	}
	return r.note(out)
}

// packerPlugin makes the archive of the Packer plugin.
func (r *release) packerPlugin(ctx context.Context, system, arch string) error {
	name := fmt.Sprintf("packer-plugin-openstack_v%s_%s_%s_%s", r.version, protocol, system, arch)
	program := filepath.Join(r.stage, name)
	if system == "windows" {
		program += ".exe"
	}
	if err := r.build(ctx, ".", program, system, arch); err != nil {
		return err
	}
	if err := r.zip(filepath.Join(r.out, name+".zip"), program); err != nil {
		return err
	}
	return r.sbom(filepath.Join(r.out, name+".cdx.json"), "packer-plugin-openstack", program)
}

// plugins are the names of imgctl's plugins.
func (r *release) plugins() ([]string, error) {
	mains, err := filepath.Glob(filepath.Join(r.root, "plugins", "*", "main.go"))
	if err != nil {
		return nil, err
	}
	names := make([]string, len(mains))
	for i, path := range mains {
		names[i] = filepath.Base(filepath.Dir(path))
	}
	return names, nil
}

// imgctl makes the archive of imgctl with its plugins and, for Linux, the packages.
func (r *release) imgctl(ctx context.Context, common, system, arch string) error {
	name := fmt.Sprintf("imgctl_%s_%s_%s", r.version, system, arch)
	tree := filepath.Join(r.stage, name)
	if err := os.CopyFS(tree, os.DirFS(common)); err != nil {
		return err
	}
	var programs []string
	for _, program := range []string{"imgctl", "imgctl-sandbox"} {
		out := filepath.Join(tree, "bin", program)
		if err := r.build(ctx, "./cmd/"+program, out, system, arch); err != nil {
			return err
		}
		programs = append(programs, out)
	}
	names, err := r.plugins()
	if err != nil {
		return err
	}
	folder, sums := filepath.Join(tree, "libexec", "imgctl", "plugins"), ""
	for _, plugin := range names {
		out := filepath.Join(folder, "imgctl-"+plugin)
		if err := r.build(ctx, "./plugins/"+plugin, out, system, arch); err != nil {
			return err
		}
		sum, err := checksum(out)
		if err != nil {
			return err
		}
		sums += sum + "  imgctl-" + plugin + "\n"
		programs = append(programs, out)
	}
	// imgctl runs only those of its plugins whose checksums are beside them.
	if err := os.WriteFile(filepath.Join(folder, "SHA256SUMS"), []byte(sums), 0o644); err != nil {
		return err
	}
	if err := r.tarball(filepath.Join(r.out, name+".tar.gz"), tree); err != nil {
		return err
	}
	if err := r.sbom(filepath.Join(r.out, name+".cdx.json"), "imgctl", programs...); err != nil {
		return err
	}
	if system != "linux" {
		return nil
	}
	return r.packages(tree, arch)
}

// commonFiles are what is the same on all systems: man pages, completions, examples and documentation.
// They come from `make install`, so that a package has what it has.
func (r *release) commonFiles(ctx context.Context) (string, error) {
	fmt.Println("making man pages and completions")
	staged := filepath.Join(r.stage, "install")
	if _, err := r.command(ctx, nil, "make", "install", "DESTDIR="+staged, "PREFIX=/usr"); err != nil {
		return "", err
	}
	common := filepath.Join(r.stage, "common")
	if err := os.CopyFS(filepath.Join(common, "share"), os.DirFS(filepath.Join(staged, "usr", "share"))); err != nil {
		return "", err
	}
	doc := filepath.Join(common, "share", "doc", "imgctl")
	for _, name := range []string{"README.md", "CHANGELOG.md", "LICENSE", "SECURITY.md"} {
		text, err := os.ReadFile(filepath.Join(r.root, name))
		if err != nil {
			return "", err
		}
		if err := write(filepath.Join(doc, name), text); err != nil {
			return "", err
		}
	}
	return common, nil
}

// write writes a file that everybody may read, in a folder that it makes.
func write(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}
