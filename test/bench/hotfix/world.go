package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// world is a registry with images, and a package.
type world struct {
	ctx    context.Context //nolint:containedctx // the program's own
	dir    string
	images int
	own    bool   // each image has its own package database
	fix    string // the folder of the package
	server *httptest.Server
	moved  atomic.Int64 // bytes of blobs, both ways
}

func (w *world) ref(n int) string {
	return fmt.Sprintf("%s/ns/nova-%d:17.1", strings.TrimPrefix(w.server.URL, "http://"), n)
}

func (w *world) close() {
	if w.server != nil {
		w.server.Close()
	}
	store := []string{"--root", filepath.Join(w.dir, "store"), "--runroot", filepath.Join(w.dir, "run")}
	_ = exec.CommandContext(context.Background(), "buildah", append(store, "rmi", "--all", "--force")...).Run()
}

func (w *world) command(program string, args ...string) error {
	cmd := exec.CommandContext(w.ctx, program, args...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w\n%s", program, strings.Join(args, " "), err, out)
	}
	return nil
}

// counted counts a body's bytes.
type counted struct {
	io.ReadCloser
	to *atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.to.Add(int64(n))
	return n, err //nolint:wrapcheck // io.EOF has to stay so
}

type answer struct {
	http.ResponseWriter
	to *atomic.Int64
}

func (a *answer) Write(p []byte) (int, error) {
	n, err := a.ResponseWriter.Write(p)
	a.to.Add(int64(n))
	return n, err //nolint:wrapcheck // the server's own
}

// make builds the packages, the base and the images. The package database is in the base's upper layer
// or, if each image has its own, in a layer of the image's, as installing further packages leaves it.
func (w *world) make(mib int) error {
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithBlobHandler(registry.NewDiskBlobHandler(w.dir)))
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/blobs/") {
			r.Body = &counted{r.Body, &w.moved}
			rw = &answer{rw, &w.moved}
		}
		inner.ServeHTTP(rw, r)
	}))
	old, err := w.build("1")
	if err != nil {
		return err
	}
	if w.fix, err = w.build("2"); err != nil {
		return err
	}
	if err := w.command("cp", "-a", w.fix, filepath.Join(w.dir, "context")); err != nil {
		return err
	}
	root := filepath.Join(w.dir, "root")
	if err := w.system(root); err != nil {
		return err
	}
	if err := bulk(filepath.Join(root, "usr/share/base"), mib); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(old, "*.rpm"))
	if err != nil {
		return err
	}
	rpm := []string{"--root", root, "--define", "_dbpath /var/lib/rpm", "--define", "_db_backend sqlite", "-U", "--nodeps"}
	if err := w.command("rpm", append(rpm, files...)...); err != nil {
		return err
	}
	base, err := w.layer(root, "base", "bin", "etc", "lib", "lib64", "tmp", "usr", "root")
	if err != nil {
		return err
	}
	database, err := w.layer(root, "database", "var")
	if err != nil {
		return err
	}
	for n := range w.images {
		if err := os.WriteFile(filepath.Join(root, "etc/image"), fmt.Append(nil, n), 0o600); err != nil {
			return err
		}
		paths := []string{"etc/image"}
		if w.own {
			paths = append(paths, "var")
			if err := w.another(root, n); err != nil {
				return err
			}
		}
		upper, err := w.layer(root, fmt.Sprint("image", n), paths...)
		if err != nil {
			return err
		}
		if err := w.push(n, base, database, upper); err != nil {
			return err
		}
	}
	return nil
}

// build makes packages as an OpenStack image has them: many small ones, and the one that is fixed.
func (w *world) build(version string) (string, error) {
	top := filepath.Join(w.dir, "build"+version)
	var spec strings.Builder
	spec.WriteString("%global debug_package %{nil}\n%global __os_install_post %{nil}\nName: all\nVersion: 1\nRelease: 1\nSummary: x\n" +
		"License: MIT\nBuildArch: noarch\n%description\nx\n")
	names := []string{"python3-nova"}
	if version == "1" {
		for n := range 100 {
			names = append(names, fmt.Sprint("library", n))
		}
	}
	for _, name := range names {
		fmt.Fprintf(&spec, "%%package -n %s\nVersion: %s\nSummary: x\nAutoReqProv: no\n%%description -n %s\nx\n", name, version, name)
	}
	spec.WriteString("%install\nmkdir -p %{buildroot}/var/lib/rpm\n")
	for _, name := range names {
		dir := "%{buildroot}/usr/lib/python3/" + name
		fmt.Fprintf(&spec, "mkdir -p %s\nfor i in $(seq 150); do echo %s $i > %s/file$i.py; done\n", dir, version, dir)
	}
	for _, name := range names {
		fmt.Fprintf(&spec, "%%files -n %s\n/usr/lib/python3/%s\n", name, name)
	}
	if version == "1" { // the folders that others put their files into
		spec.WriteString("%package -n filesystem\nSummary: x\nAutoReqProv: no\n%description -n filesystem\nx\n" +
			"%files -n filesystem\n%dir /usr\n%dir /usr/lib\n%dir /usr/lib/python3\n%dir /var\n%dir /var/lib\n%dir /var/lib/rpm\n")
	}
	if err := os.MkdirAll(top, 0o755); err != nil {
		return "", err
	}
	file := filepath.Join(top, "all.spec")
	if err := os.WriteFile(file, []byte(spec.String()), 0o600); err != nil {
		return "", err
	}
	out := filepath.Join(top, "out")
	return out, w.command("rpmbuild", "-bb", "--define", "_topdir "+top, "--define", "_rpmdir "+out,
		"--define", "_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm", file)
}

// another installs a package that only this image has.
func (w *world) another(root string, n int) error {
	spec := fmt.Sprintf("Name: image%d\nVersion: 1\nRelease: 1\nSummary: x\nLicense: MIT\nBuildArch: noarch\n"+
		"%%description\nx\n%%files\n", n)
	top := filepath.Join(w.dir, fmt.Sprint("another", n))
	if err := os.MkdirAll(top, 0o700); err != nil {
		return err
	}
	file := filepath.Join(top, "x.spec")
	if err := os.WriteFile(file, []byte(spec), 0o600); err != nil {
		return err
	}
	if err := w.command("rpmbuild", "-bb", "--define", "_topdir "+top, file); err != nil {
		return err
	}
	return w.command("rpm", "--root", root, "--define", "_dbpath /var/lib/rpm", "--define", "_db_backend sqlite", "-U", "--nodeps",
		filepath.Join(top, fmt.Sprintf("RPMS/noarch/image%d-1-1.noarch.rpm", n)))
}

// system makes a root in which this machine's rpm and shell run.
func (w *world) system(root string) error {
	script := `set -e; mkdir -p "$1"/{bin,etc,lib64,tmp,root,usr/bin,usr/lib,var/lib/rpm}
echo 'root:x:0:0:root:/root:/bin/sh' > "$1/etc/passwd"; echo 'root:x:0:' > "$1/etc/group"
cp -L /bin/sh /bin/rm /bin/mkdir "$1/bin/"; cp -L "$(command -v rpm)" "$1/usr/bin/"; cp -a /usr/lib/rpm "$1/usr/lib/"
ldd /bin/sh /bin/rm "$(command -v rpm)" | grep -o '/[^ ]*' | grep '\.so' | sort -u |
while read -r l; do mkdir -p "$1$(dirname "$l")"; cp -L "$l" "$1$l"; done
mkdir -p "$1/root"; printf '%%_dbpath /var/lib/rpm\n%%_db_backend sqlite\n' > "$1/root/.rpmmacros"
mkdir -p "$1/lib"`
	return w.command("bash", "-c", script, "bash", root)
}

// bulk is what makes a base large: files that compress to about half.
func bulk(dir string, mib int) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	block := make([]byte, 1<<20)
	for n := range mib {
		if _, err := rand.Read(block[:len(block)/2]); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, strconv.Itoa(n)), block, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) layer(root, name string, paths ...string) (v1.Layer, error) {
	file := filepath.Join(w.dir, name+".tar")
	if err := w.command("tar", append([]string{"-C", root, "--numeric-owner", "-cf", file}, paths...)...); err != nil {
		return nil, err
	}
	return tarball.LayerFromFile(file, tarball.WithCompressedCaching)
}

func (w *world) push(n int, layers ...v1.Layer) error {
	image, err := mutate.AppendLayers(empty.Image, layers...)
	if err != nil {
		return err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return err
	}
	config = config.DeepCopy()
	config.Architecture, config.OS = "amd64", "linux"
	config.Config.Env = []string{"PATH=/usr/bin:/bin", "HOME=/root"}
	if image, err = mutate.ConfigFile(image, config); err != nil {
		return err
	}
	ref, err := name.ParseReference(w.ref(n))
	if err != nil {
		return err
	}
	return remote.Write(ref, image)
}
