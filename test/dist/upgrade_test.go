package dist

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/test/packertest"
)

// older is the version that is installed before the one that is tried.
const older = "1.1.0"

// olderPackage is the package of an older version, whose programs have other checksums.
func olderPackage(t *testing.T) string {
	t.Helper()
	if os.Getenv("IMGCTL_DIST_OLDER") == "" {
		t.Skip("IMGCTL_DIST_OLDER doesn't name a folder with the files of an older version: make test-dist does")
	}
	return filepath.Join(os.Getenv("IMGCTL_DIST_OLDER"), "imgctl_"+older+"_"+runtime.GOARCH+".deb")
}

// settle trusts a plugin for one cloud, sets what it reads, and enables a timer, as a user does.
func (m *machine) settle() {
	m.t.Helper()
	demo := filepath.Join(m.root, "root", "imgctl-demo")
	run(m.t, []string{"CGO_ENABLED=0"}, "go", "build", "-o", demo,
		filepath.Join(packertest.Root(), "internal", "host", "testdata", "plugins", "demo"))
	m.do("imgctl plugin install /root/imgctl-demo --cloud demo --yes && rm /root/imgctl-demo")
	m.do("echo 'plugins: {demo: {level: 3}}' >/root/.config/imgctl/config.yaml")
	m.do("echo 'rules: []' >/etc/imgctl/retention.yaml")
	m.do("systemctl enable imgctl-sync.timer")
}

// settled checks that all of that holds.
func (m *machine) settled(when string) {
	m.t.Helper()
	m.has(when+", a trusted plugin with its settings", m.do("imgctl demo show -f value -c config </dev/null"), `{"level": 3}`)
	m.has(when+", the cloud that it may use", m.do("imgctl demo cloud --from demo -f json </dev/null"), `"demo"`)
	m.has(when+", another cloud", m.do("imgctl demo cloud --from member-a </dev/null; echo ended with $?"), "ended with 6")
	m.has(when+", the policy", m.do("cat /etc/imgctl/retention.yaml"), "rules: []")
	m.has(when+", the timer", m.do("systemctl is-enabled imgctl-sync.timer; systemctl is-enabled imgctl-retention.timer || true"),
		"enabled\ndisabled\n")
}

// programs are what a package brought to run, with their checksums.
func (m *machine) programs() string {
	return m.do("sha256sum /usr/bin/imgctl /usr/libexec/imgctl/plugins/imgctl-*")
}

// upgrade installs the package over an older one.
func (m *machine) upgrade(deb string) {
	m.t.Helper()
	m.has("the older version", m.do("imgctl --version"), older)
	m.settle()
	m.settled("before")
	before, list := m.programs(), m.do("imgctl plugin list -f json")
	m.do("dpkg -i /root/" + deb)
	m.has("the version", m.do("imgctl --version"), version)
	for line := range strings.Lines(m.programs()) {
		if strings.Contains(before, line) {
			m.t.Errorf("not upgraded: %s", line)
		}
	}
	if now := m.do("imgctl plugin list -f json"); strings.ReplaceAll(now, version, older) != list {
		m.t.Errorf("after the upgrade, the plugins are\n%s, were\n%s", now, list)
	}
	m.settled("after")
}
