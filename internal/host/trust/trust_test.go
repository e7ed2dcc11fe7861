package trust

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/host/discover"
)

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func mine(name string) discover.Plugin {
	return discover.Plugin{Name: name, Path: "/home/me/imgctl-" + name, Folder: discover.Folder{Path: "/home/me", Origin: discover.User}}
}

var sum = strings.Repeat("a", 64)

func TestThePolicyForbids(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lock := write(t, filepath.Join(dir, "lock"), "version: 1\nplugins:\n- {name: age, vendor: example.org, sha256: "+sum+"}\n")
	for _, c := range []struct {
		name, policy string
		allowed      bool
	}{
		{"none", "", true},
		{"a list that doesn't deny", "plugins: {allow: ['sha256:" + strings.Repeat("b", 64) + "']}", true},
		{"denied", "plugins: {deny_unlisted: true}", false},
		{"listed by checksum", "plugins: {deny_unlisted: true, allow: ['sha256:" + sum + "']}", true},
		{"another checksum", "plugins: {deny_unlisted: true, allow: ['sha256:" + strings.Repeat("b", 64) + "']}", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := NewJudge(lock, write(t, filepath.Join(t.TempDir(), "policy.yaml"), c.policy)).Check(mine("age"), sum)
			if (err == nil) != c.allowed || err != nil && (!fault.Is(err, fault.Forbidden) ||
				!strings.Contains(err.Error(), "ask your administrator")) {
				t.Errorf("%v, want allowed: %v", err, c.allowed)
			}
		})
	}
	for text, want := range map[string]string{
		"plugins: [":                                               "reading the policy",
		"plugins: {deny-unlisted: true}":                           "deny-unlisted",
		"plugin: {deny_unlisted: true}":                            "field plugin not found",
		"plugins: {deny_unlisted: false}\n---\nplugins: {}\n":      "more than one document",
		"plugins: {deny_unlisted: true, allow: [age@example.org]}": `allows "age@example.org"`, // the plugin's own claim
		"plugins: {allow: ['sha256:abc']}":                         `allows "sha256:abc"`,
	} {
		j := NewJudge(lock, write(t, filepath.Join(t.TempDir(), "policy.yaml"), text))
		for _, p := range []discover.Plugin{mine("age"), packagedByAnother(t)} {
			if err := j.Check(p, sum); !fault.Is(err, fault.Forbidden) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", text, err)
			}
		}
		if _, err := j.Unreadable(); err == nil || j.KeepsSums() {
			t.Errorf("%s: %v, keeps checksums: %v", text, err, j.KeepsSums())
		}
	}
	misspelt := write(t, filepath.Join(dir, "misspelt"), "version: 1\nplugins: [{name: age, sha256: x, cloud: [a]}]\n")
	j := NewJudge(misspelt, filepath.Join(dir, "none"))
	if err := j.Check(mine("age"), sum); !fault.Is(err, fault.Forbidden) || !strings.Contains(err.Error(), "can't be read") {
		t.Errorf("a lock file with an unknown key: %v", err)
	}
	if err := j.Check(packagedByAnother(t), sum); err != nil {
		t.Errorf("a packaged plugin, with a broken lock file: %v", err)
	}
}

// packagedByAnother is a plugin that came with imgctl, and that root hasn't installed.
func packagedByAnother(t *testing.T) discover.Plugin {
	t.Helper()
	dir := t.TempDir()
	path := write(t, filepath.Join(dir, "imgctl-age"), "x")
	write(t, filepath.Join(dir, SumsFile), sum+"  imgctl-age\n")
	if os.Geteuid() == 0 {
		if err := os.Chown(path, 12345, 12345); err != nil {
			t.Fatal(err)
		}
	}
	return discover.Plugin{Name: "age", Path: path, Folder: discover.Folder{Path: dir, Origin: discover.Packaged}}
}

// What root has installed is the administrator's own choice.
func TestThePolicyAndPackagedPlugins(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "imgctl-age")
	if err := os.WriteFile(path, []byte("x"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, SumsFile), sum+"  imgctl-age\n"+sum+" *imgctl-b\nnot a checksum\n")
	j := NewJudge("", write(t, filepath.Join(t.TempDir(), "policy.yaml"), "plugins: {deny_unlisted: true}"))
	p := discover.Plugin{Name: "age", Path: path, Folder: discover.Folder{Path: dir, Origin: discover.Packaged}}
	if err := j.Check(p, sum); (err == nil) != (os.Geteuid() == 0) {
		t.Errorf("%v as user %d", err, os.Geteuid())
	}
	if err := j.Check(p, strings.Repeat("b", 64)); !fault.Is(err, fault.Forbidden) {
		t.Errorf("another checksum: %v", err)
	}
	if names, all := j.Clouds(p); !all || names != nil {
		t.Errorf("%q, %v", names, all)
	}
}

func TestTheLockFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config/plugins.lock.yaml")
	j := NewJudge(path, "/nonexistent")
	if err := j.Check(mine("age"), sum); !fault.Is(err, fault.Forbidden) || !strings.Contains(err.Error(), "imgctl plugin trust age") {
		t.Errorf("before: %v", err)
	}
	for i := range 3 {
		if err := j.Lock().Put(Entry{Name: fmt.Sprintf("p%d", 2-i), SHA256: sum}); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Lock().Put(Entry{Name: "age", SHA256: sum, Clouds: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	j = NewJudge(path, "/nonexistent")
	if err := j.Check(mine("age"), sum); err != nil {
		t.Error(err)
	}
	if err := j.MayAsk(mine("age"), "a"); err != nil {
		t.Error(err)
	}
	for _, cloud := range []string{"b", ""} {
		if err := j.MayAsk(mine("age"), cloud); !fault.Is(err, fault.Forbidden) {
			t.Errorf("cloud %q: %v", cloud, err)
		}
	}
	if err := j.MayAsk(mine("p1"), "b"); err != nil {
		t.Errorf("no limit: %v", err)
	}
	if err := j.MayAsk(mine("unknown"), "b"); !fault.Is(err, fault.Forbidden) {
		t.Errorf("a plugin that isn't trusted: %v", err)
	}
	if err := j.Lock().Remove("age"); err != nil {
		t.Fatal(err)
	}
	if _, ok := j.Lock().Entry("age"); ok {
		t.Error("it is still there")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

// The same file has the same identity, and every change of it another one.
func TestIdentity(t *testing.T) {
	t.Parallel()
	path := write(t, filepath.Join(t.TempDir(), "f"), "content")
	identify := func() Identity {
		t.Helper()
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		id, ok := Identify(info)
		if !ok {
			t.Skip("files can't be identified here")
		}
		return id
	}
	first := identify()
	if identify() != first {
		t.Error("it changes by itself")
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	// Another content of the same size, with the time set back: only ctime and inode tell.
	next := write(t, path+".next", "CONTENT")
	if err := os.Rename(next, path); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	if identify() == first {
		t.Error("a replaced file has the same identity")
	}
}
