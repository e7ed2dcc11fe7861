package rpmtest

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// DBPath is where the roots have their database.
const DBPath = "/var/lib/rpm"

// RPM runs rpm on a root.
func RPM(root string, args ...string) (string, error) {
	all := append([]string{"--root", root, "--define", "_dbpath " + DBPath, "--define", "_db_backend sqlite"}, args...)
	cmd := exec.Command("rpm", all...) //nolint:noctx // what the test says
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = errors.Join(err, errors.New(stderr.String()))
	}
	return string(out), err
}

// NewRoot makes a root with users and groups, and the packages of the folders installed.
func NewRoot(t testing.TB, folders ...string) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "root")
	for _, dir := range []string{"etc", "var/lib/rpm", "usr/lib", "tmp"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{ //nolint:gosec // no passwords
		"etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnova:x:162:163::/var/lib/nova:/sbin/nologin\n",
		"etc/group":  "root:x:0:\nnova:x:163:\nkvm:x:36:\n",
	} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("usr/lib", filepath.Join(root, "lib")); err != nil {
		t.Fatal(err)
	}
	if _, err := RPM(root, "--initdb"); err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(folder, "*.rpm"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no packages in %s: %v", folder, err)
		}
		flags := []string{"-U", "--nodeps", "--noscripts", "--notriggers", "--replacefiles"}
		if _, err := RPM(root, append(flags, files...)...); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// Copy copies a root.
func Copy(t testing.TB, root string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	Run(t, "cp", "-a", root, to)
	return to
}

// Run runs a command, which has to succeed.
func Run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput() //nolint:noctx // what the test says
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// Layer makes a layer of a folder, or of some paths in it.
func Layer(t testing.TB, root string, paths ...string) v1.Layer {
	t.Helper()
	if len(paths) == 0 {
		paths = []string{"."}
	}
	file := filepath.Join(t.TempDir(), "layer.tar")
	args := []string{"-C", root, "--xattrs", "--xattrs-include=*", "--numeric-owner", "--sort=name", "-cf", file}
	Run(t, "tar", append(args, paths...)...)
	l, err := tarball.LayerFromFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Image makes an image for amd64 of layers, the lowest first.
func Image(t testing.TB, layers ...v1.Layer) v1.Image {
	t.Helper()
	image, err := mutate.AppendLayers(empty.Image, layers...)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.Architecture, config.OS = "amd64", "linux"
	config.Created = v1.Time{Time: time.Unix(1_700_000_000, 0).UTC()}
	if image, err = mutate.ConfigFile(image, config); err != nil {
		t.Fatal(err)
	}
	return image
}

// Extract unpacks an image as engines do, layer by layer.
func Extract(t testing.TB, image v1.Image) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "extracted")
	if err := os.MkdirAll(root, 0o755); err != nil {
		t.Fatal(err)
	}
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range layers {
		unpack(t, l, root)
	}
	return root
}

func unpack(t testing.TB, l v1.Layer, root string) {
	t.Helper()
	r, err := l.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	archive := tar.NewReader(bytes.NewReader(text))
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		at := filepath.Join(root, h.Name) //nolint:gosec // the tests' own layers
		if name, gone := strings.CutPrefix(path.Base(h.Name), ".wh."); gone {
			at = filepath.Join(filepath.Dir(at), name)
		} else if info, err := os.Lstat(at); err != nil || info.IsDir() && h.Typeflag == tar.TypeDir {
			continue
		}
		if err := os.RemoveAll(at); err != nil {
			t.Fatal(err)
		}
	}
	//nolint:noctx // short
	cmd := exec.Command("tar", "-C", root, "-xpf", "-", "--xattrs", "--xattrs-include=*", "--numeric-owner", "--exclude=.wh.*")
	cmd.Stdin = bytes.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("tar: %v\n%s", err, out)
	}
}
