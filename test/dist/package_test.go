package dist

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
	"github.com/imgctl/packer-plugin-openstack/test/packertest"
)

// machine is a clean root of Debian that shares this machine's loopback.
type machine struct {
	t    *testing.T
	root string
}

// debian makes a root that has what a server usually has, and nothing of ours.
func debian(t *testing.T) *machine {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("not root: a clean Debian to install the package in can't be made")
	}
	if _, err := exec.LookPath("debootstrap"); err != nil {
		t.Skip("debootstrap isn't installed: there is no clean Debian to install the package in")
	}
	m := &machine{t, filepath.Join(t.TempDir(), "root")}
	cache := filepath.Join(packertest.Root(), ".cache", "debootstrap")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, nil, "debootstrap", "--variant=minbase", "--cache-dir="+cache, "--include=man-db,bash-completion,systemd,cron",
		"bookworm", m.root)
	run(t, nil, "mount", "-t", "proc", "proc", filepath.Join(m.root, "proc"))
	t.Cleanup(func() { _ = exec.Command("umount", "-l", filepath.Join(m.root, "proc")).Run() })
	return m
}

// do runs a line of shell in the root.
func (m *machine) do(line string) string {
	m.t.Helper()
	return run(m.t, nil, "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8",
		"DEBIAN_FRONTEND=noninteractive", "MANPAGER=cat", "OS_CLIENT_CONFIG_FILE=/etc/imgctl/clouds.yaml", "OS_CLOUD="+sandbox.DefaultCloud,
		"chroot", m.root, "bash", "-c", line)
}

func (m *machine) has(what, got string, want ...string) {
	m.t.Helper()
	for _, w := range want {
		if !strings.Contains(got, w) {
			m.t.Errorf("%s lacks %q:\n%s", what, w, got)
		}
	}
}

// tree lists the root's files outside of what Debian itself keeps changing.
func (m *machine) tree() string {
	return m.do("find / -xdev \\( -path /proc -o -path /var/lib/dpkg -o -path /var/cache -o -path /var/log -o -path /run -o -path /tmp -o -path /root \\) -prune -o -print | sort")
}

// image makes one that can be shared.
func image(t *testing.T, s *sandbox.Cloud) {
	t.Helper()
	c, err := cloudtest.Open(t.Context(), s.CloudsYAML(), sandbox.DefaultCloud)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	service, err := c.Image()
	if err != nil {
		t.Fatal(err)
	}
	images := glance.New(service)
	made, err := images.Create(t.Context(), map[string]any{
		"name": "base", "disk_format": "raw", "container_format": "bare", "visibility": "shared", "nonce": "1",
	}, "nonce", "1")
	if err != nil {
		t.Fatal(err)
	}
	if err := images.Upload(t.Context(), made.ID, strings.NewReader("content")); err != nil {
		t.Fatal(err)
	}
}

// The package on a clean Debian: installed, upgraded, used, removed.
func TestDebianPackage(t *testing.T) {
	if testing.Short() {
		t.Skip("left out by -short: makes a Debian in minutes")
	}
	folder, previous := files(t), olderPackage(t)
	m := debian(t)
	before := m.tree()
	deb := "imgctl_" + version + "_" + runtime.GOARCH + ".deb"
	run(t, nil, "cp", filepath.Join(folder, deb), previous, filepath.Join(m.root, "root"))
	m.do("dpkg -i /root/" + filepath.Base(previous))
	s := sandboxtest.Start(t)
	run(t, nil, "cp", s.CloudsYAML(), filepath.Join(m.root, "etc/imgctl/clouds.yaml"))
	if out := m.do("ls /etc/systemd/system/*/imgctl-* 2>/dev/null || true"); out != "" {
		t.Errorf("enabled without being asked: %s", out)
	}
	m.upgrade(deb)

	image(t, s)
	m.do("imgctl share add base --to member-a")
	m.has("share list", m.do("imgctl share list"), "base", "accepted")
	m.has("the man page", m.do("man imgctl-share"), "imgctl share", "SYNOPSIS")
	m.has("completion", m.do(`source /usr/share/bash-completion/bash_completion; _completion_loader imgctl
		COMP_WORDS=(imgctl sha) COMP_CWORD=1 COMP_LINE="imgctl sha" COMP_POINT=10
		$(complete -p imgctl | sed 's/.*-F \([^ ]*\).*/\1/') imgctl sha imgctl; echo "${COMPREPLY[@]}"`), "share")
	m.has("the user", m.do("getent passwd imgctl"), "imgctl")
	if out := m.do("systemd-analyze verify /usr/lib/systemd/system/imgctl-* 2>&1"); strings.Contains(out, "imgctl") {
		t.Errorf("systemd-analyze verify says:\n%s", out)
	}

	m.do("systemctl disable imgctl-sync.timer")
	m.do("dpkg -P imgctl; rm -rf /root/.local /root/.cache /root/.config")
	left := difference(before, m.tree())
	for _, path := range left {
		switch {
		case strings.HasPrefix(path, "/etc/imgctl"), // the site's own
			strings.HasPrefix(path, "/etc/passwd"), strings.HasPrefix(path, "/etc/group"),
			strings.HasPrefix(path, "/etc/shadow"), strings.HasPrefix(path, "/etc/gshadow"), strings.HasPrefix(path, "/etc/.pwd.lock"):
		default:
			t.Errorf("left after removal: %s", path)
		}
	}
}

// difference is what the second list has and the first one doesn't.
func difference(before, after string) []string {
	had := map[string]bool{}
	for line := range strings.Lines(before) {
		had[line] = true
	}
	var more []string
	for line := range strings.Lines(after) {
		if !had[line] {
			more = append(more, strings.TrimSpace(line))
		}
	}
	return more
}
