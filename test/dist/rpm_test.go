package dist

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The other package has the same files, at the places that Fedora has for them; it is installed, upgraded and removed in
// an empty root by rpm itself. Fedora's own packages can't be had everywhere, so that dependencies and scripts, which need
// a shell of Fedora's, are left out.
func TestRPM(t *testing.T) {
	folder := files(t)
	if _, err := exec.LookPath("rpm"); err != nil {
		t.Skip("rpm isn't installed: the package can't be read")
	}
	file := only(t, filepath.Join(folder, "*.rpm"))
	m := &machine{t: t}
	m.has("the list", run(t, nil, "rpm", "-qpl", file), "/usr/bin/imgctl\n", "/usr/libexec/imgctl/plugins/SHA256SUMS\n",
		"/usr/share/man/man1/imgctl-share.1\n", "/usr/share/zsh/site-functions/_imgctl\n", "/usr/lib/systemd/system/imgctl-sync.timer\n")
	m.has("the information", run(t, nil, "rpm", "-qpi", file), "Version     : "+version, "License     : Apache-2.0")
	m.has("its scripts", run(t, nil, "rpm", "-qp", "--scripts", file), "postinstall", "systemd-sysusers", "postuninstall")
	if needs := run(t, nil, "rpm", "-qpR", file); strings.Contains(needs, ".so") {
		t.Errorf("it needs libraries, although its programs have none:\n%s", needs)
	}
	if os.Getuid() != 0 {
		t.Skip("not root: the package can't be installed in a root of its own")
	}
	root := t.TempDir()
	rpm := func(args ...string) string {
		t.Helper()
		return run(t, nil, "rpm", append([]string{"--root", root, "--nodeps", "--noscripts"}, args...)...)
	}
	imgctl := func(args ...string) string {
		t.Helper()
		return run(t, []string{"HOME=" + t.TempDir()}, filepath.Join(root, "usr/bin/imgctl"), args...)
	}
	if previous := os.Getenv("IMGCTL_DIST_OLDER"); previous != "" {
		rpm("-i", "--ignorearch", only(t, filepath.Join(previous, "*.rpm")))
		m.has("the older version", imgctl("--version"), older)
		if err := os.WriteFile(filepath.Join(root, "etc/imgctl/retention.yaml"), []byte("rules: []\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		rpm("-U", "--ignorearch", file)
		if _, err := os.Stat(filepath.Join(root, "etc/imgctl/retention.yaml")); err != nil {
			t.Errorf("after the upgrade: %v", err)
		}
	} else {
		rpm("-i", "--ignorearch", file)
	}
	m.has("the version", imgctl("--version"), version)
	m.has("its plugins", imgctl("plugin", "list"), "share", "retention")
	rpm("-V", "imgctl") // fails if a file isn't as the package has it
	rpm("-e", "imgctl")
	err := filepath.WalkDir(filepath.Join(root, "usr"), func(path string, _ fs.DirEntry, err error) error {
		if strings.Contains(filepath.Base(path), "imgctl") {
			t.Errorf("left after removal: %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// only is the one file of that pattern.
func only(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %v, %v", pattern, found, err)
	}
	return found[0]
}
