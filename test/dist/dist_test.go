// Package dist tries what `make dist` makes as its users would: `packer init`'s archive, and the Debian package in
// a root of its own. `make test-dist` runs it.
package dist

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
	"github.com/imgctl/packer-plugin-openstack/test/packertest"
	"github.com/imgctl/packer-plugin-openstack/test/program"
)

const version = "1.2.0"

var twice = flag.Bool("twice", false, "build a second time in another folder, and compare")

// files makes the release's files for this system, once.
func files(t *testing.T) string {
	t.Helper()
	if os.Getenv("IMGCTL_DIST") == "" {
		t.Skip("IMGCTL_DIST doesn't name a folder with the files of a release: make test-dist does")
	}
	return os.Getenv("IMGCTL_DIST")
}

func run(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func sum(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Every file but the lists themselves is in one list, with its checksum.
func TestChecksums(t *testing.T) {
	folder := files(t)
	listed := map[string]bool{}
	lists, err := filepath.Glob(filepath.Join(folder, "*_SHA256SUMS"))
	if err != nil || len(lists) != 2 {
		t.Fatalf("%v, %v: want the plugin's list and imgctl's", lists, err)
	}
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			want, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
			if got := sum(t, filepath.Join(folder, name)); got != want {
				t.Errorf("%s: %s, listed as %s", name, got, want)
			}
			listed[name] = true
		}
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), "_SHA256SUMS") && !listed[e.Name()] {
			t.Errorf("%s is in no list", e.Name())
		}
	}
}

// Each archive's SBOM names the libraries that its users ask about.
func TestSBOM(t *testing.T) {
	folder := files(t)
	boms, err := filepath.Glob(filepath.Join(folder, "*.cdx.json"))
	if err != nil || len(boms) != 2 {
		t.Fatalf("%v, %v", boms, err)
	}
	for _, path := range boms {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var bom struct {
			BOMFormat  string `json:"bomFormat"`
			Components []struct {
				Name, Version, Purl string
			}
		}
		if err := json.Unmarshal(text, &bom); err != nil || bom.BOMFormat != "CycloneDX" {
			t.Fatalf("%s: %v, format %q", path, err, bom.BOMFormat)
		}
		found := map[string]bool{}
		for _, c := range bom.Components {
			found[c.Name] = c.Version != "" && strings.HasPrefix(c.Purl, "pkg:golang/"+c.Name+"@")
		}
		for _, want := range []string{"github.com/gophercloud/gophercloud/v2", "golang.org/x/crypto", "std"} {
			if !found[want] {
				t.Errorf("%s doesn't list %s", filepath.Base(path), want)
			}
		}
	}
}

// The archive's program installs as Packer installs a download, and builds.
func TestPackerPlugin(t *testing.T) {
	folder := files(t)
	archive := filepath.Join(folder, "packer-plugin-openstack_v"+version+"_x5.0_linux_"+runtime.GOARCH+".zip")
	z, err := zip.OpenReader(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	if len(z.File) != 1 || z.File[0].Name != strings.TrimSuffix(filepath.Base(archive), ".zip") {
		t.Fatalf("%s holds %v", archive, z.File)
	}
	in, err := z.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	plugin, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, z.File[0].Name)
	program.Write(t, path, plugin)
	packer := packertest.New(t)
	env := []string{"PACKER_PLUGIN_PATH=" + filepath.Join(dir, "plugins")}
	do := func(args ...string) string {
		t.Helper()
		out, err := packer.Run(t, env, args...)
		if err != nil {
			t.Fatalf("packer %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return out
	}
	do("plugins", "install", "--path", path, "github.com/imgctl/openstack")
	if installed := do("plugins", "installed"); !strings.Contains(installed, strings.TrimSuffix(filepath.Base(archive), ".zip")) {
		t.Errorf("installed: %s", installed)
	}
	example := filepath.Join(packertest.Root(), "example", "demo")
	do("init", example) // finds it, and so asks nobody
	demo := filepath.Join(dir, "demo")
	run(t, nil, "go", "build", "-o", demo, example)
	build := packer.Around(t, filepath.Join(packertest.Root(), "bin", "imgctl-sandbox"), "run", "--", demo)
	build.Dir = packertest.Root()
	build.Env = append(build.Env, env...)
	out, err := build.CombinedOutput()
	sandboxtest.SkipWithoutGuests(t, string(out))
	if err != nil || !strings.Contains(string(out), "as \"archive web-base") {
		t.Errorf("packer build: %v\n%s", err, out)
	}
}

// A second build in another folder gives the same bytes.
func TestReproducible(t *testing.T) {
	folder := files(t)
	if !*twice {
		t.Skip("left out without -twice: builds everything a second time, in minutes")
	}
	dir := t.TempDir()
	clone, again := filepath.Join(dir, "clone"), filepath.Join(dir, "dist")
	run(t, nil, "git", "clone", "-q", packertest.Root(), clone)
	run(t, nil, "make", "-C", clone, "dist", "TARGETS=linux/"+runtime.GOARCH, "OUT="+again)
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if sum(t, filepath.Join(folder, e.Name())) != sum(t, filepath.Join(again, e.Name())) {
			t.Errorf("%s isn't the same", e.Name())
		}
	}
}
