// Command dist makes the files of a release in a folder: the Packer plugin as `packer init` looks for
// it, imgctl with its plugins as archives and as packages of Debian and of Fedora, a list of what each
// is made of, the licences of others, and the checksums of all.
//
// The same commit gives the same bytes, wherever it is built.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// everywhere are the systems that a release is for.
const everywhere = "linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 freebsd/amd64 freebsd/arm64 windows/amd64 windows/arm64"

// release is one that is being made.
type release struct {
	root    string    // of the repository
	out     string    // where its files go
	version string    // without a leading v
	at      time.Time // of the commit, in all files
	stage   string    // what the archives and packages hold, until they are made

	modules map[string]module // of all programs, by path and version
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "dist:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	root := flag.String("root", "../..", "folder of the repository")
	out := flag.String("out", "dist", "folder for the files, which is emptied first")
	version := flag.String("version", "", "the version, such as 1.2.0 or 1.2.0-dev")
	targets := flag.String("targets", everywhere, "systems, as OS/ARCH, separated by spaces")
	flag.Parse()
	for flagged, value := range map[string]string{"root": *root, "out": *out, "version": *version, "targets": *targets} {
		if strings.TrimSpace(value) == "" {
			return fmt.Errorf("-%s is empty", flagged)
		}
	}
	r := &release{version: *version, modules: map[string]module{}}
	var err error
	if r.root, err = filepath.Abs(*root); err != nil {
		return err
	}
	if r.out, err = filepath.Abs(*out); err != nil {
		return err
	}
	if r.at, err = r.commitTime(ctx); err != nil {
		return err
	}
	if err := empty(r.out); err != nil {
		return err
	}
	if r.stage, err = os.MkdirTemp("", "imgctl-dist"); err != nil {
		return err
	}
	defer os.RemoveAll(r.stage)
	common, err := r.commonFiles(ctx)
	if err != nil {
		return err
	}
	for target := range strings.FieldsSeq(*targets) {
		system, arch, ok := strings.Cut(target, "/")
		if !ok || !slices.Contains(strings.Fields(everywhere), target) {
			return fmt.Errorf("%q is no system of a release; they are: %s", target, everywhere)
		}
		fmt.Println("making", target)
		if err := r.packerPlugin(ctx, system, arch); err != nil {
			return err
		}
		if system == "windows" { // imgctl isn't shipped there: its plugins listen on Unix sockets
			continue
		}
		if err := r.imgctl(ctx, common, system, arch); err != nil {
			return err
		}
	}
	if err := r.licences(ctx); err != nil {
		return err
	}
	return r.checksums()
}

// empty makes the folder, without what an earlier release left; a folder with anything else is refused.
func empty(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), "imgctl") && !strings.HasPrefix(e.Name(), "packer-plugin-") && e.Name() != licencesFile {
			return fmt.Errorf("%s holds %s, which no release made: give another folder", folder, e.Name())
		}
		if err := os.Remove(filepath.Join(folder, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// checksums writes the SHA-256 of the Packer plugin's archives as `packer init` reads them, and of all else beside it.
func (r *release) checksums() error {
	entries, err := os.ReadDir(r.out)
	if err != nil {
		return err
	}
	lists := map[string]string{}
	for _, e := range entries {
		list := fmt.Sprintf("imgctl_%s_SHA256SUMS", r.version)
		if strings.HasSuffix(e.Name(), ".zip") {
			list = fmt.Sprintf("packer-plugin-openstack_v%s_SHA256SUMS", r.version)
		}
		sum, err := checksum(filepath.Join(r.out, e.Name()))
		if err != nil {
			return err
		}
		lists[list] += sum + "  " + e.Name() + "\n"
	}
	for name, text := range lists {
		if err := os.WriteFile(filepath.Join(r.out, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func checksum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
