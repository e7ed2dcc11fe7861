package hotfix_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/rootfs"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/install"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/rpmfile"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/transaction"
	"github.com/imgctl/packer-plugin-openstack/test/hotfix/rpmtest"
)

// plan works out an installation.
func plan(t *testing.T, image v1.Image, folder string, o transaction.Options) *install.Plan {
	t.Helper()
	dir := t.TempDir()
	files, err := rpmfile.Folder(t.Context(), folder, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := install.NewPlan(t.Context(), rootfs.NewCache(dir, install.Keep), image, files, dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// compare installs by rpm on a root, and by us on an image of it, and compares all there is to. The
// image has a layer of the base, and one that makes the root of it.
func compare(t *testing.T, base, root, folder string, o transaction.Options, flags ...string) *install.Plan {
	t.Helper()
	layers := []v1.Layer{rpmtest.Layer(t, base)}
	if base != root {
		layers = append(layers, rpmtest.Diff(t, base, root))
	}
	p := plan(t, rpmtest.Image(t, layers...), folder, o)
	theirs := rpmtest.Copy(t, root)
	files, _ := filepath.Glob(filepath.Join(folder, "*.rpm"))
	out, err := rpmtest.RPM(theirs, append(append([]string{"-U", "--noscripts", "--notriggers"}, flags...), files...)...)
	if (err == nil) != (p.Err() == nil) {
		t.Fatalf("rpm says %v\n%s, and we say %v", err, out, p.Err())
	}
	if err != nil {
		return p
	}
	changed, err := p.Image(t.Context(), "test", nil)
	if err != nil {
		t.Fatal(err)
	}
	same(t, theirs, rpmtest.Extract(t, changed))
	return p
}

func same(t *testing.T, theirs, ours string) {
	t.Helper()
	if diff := cmp.Diff(rpmtest.Tree(t, theirs), rpmtest.Tree(t, ours)); diff != "" {
		t.Errorf("files (-rpm +ours):\n%s", diff)
	}
	if diff := cmp.Diff(rpmtest.Database(t, theirs), rpmtest.Database(t, ours)); diff != "" {
		t.Errorf("database (-rpm +ours):\n%s", diff)
	}
	if diff := cmp.Diff(rpmtest.Answers(t, theirs), rpmtest.Answers(t, ours)); diff != "" {
		t.Errorf("answers (-rpm +ours):\n%s", diff)
	}
}

func TestUpgrade(t *testing.T) {
	t.Parallel()
	rpmtest.Need(t)
	old := rpmtest.Build(t, "", rpmtest.Package{
		Name: "alpha", Version: "1.0", Provides: []string{"virt = 1"}, Requires: []string{"/bin/sh"},
		Files: []rpmtest.File{
			{Path: "/etc/alpha.conf", Content: "one\n", Config: "%config(noreplace)"},
			{Path: "/usr/share/alpha", Folder: true},
			{Path: "/usr/share/alpha/old", Content: "old"},
			{Path: "/usr/share/alpha/both", Content: "1"},
			{Path: "/usr/share/alpha-1", Folder: true},
			{Path: "/usr/share/alpha-1/x", Content: "1"},
			{Path: "/var/log/alpha", Folder: true, Mode: 0o750, User: "nova", Group: "nova"},
		},
	})
	upgrade := rpmtest.Build(t, "w3.zstdio", rpmtest.Package{
		Name: "alpha", Version: "1.1", Epoch: "1", Provides: []string{"virt = 2", "more"},
		Files: []rpmtest.File{
			{Path: "/etc/alpha.conf", Content: "two\n", Config: "%config(noreplace)"},
			{Path: "/usr/share/alpha", Folder: true},
			{Path: "/usr/share/alpha/new", Content: "new", User: "nova", Group: "kvm", Mode: 0o4755},
			{Path: "/usr/share/alpha/both", Content: "2"},
			{Path: "/usr/share/alpha/link", Link: "both"},
			{Path: "/usr/share/alpha/hard", Hard: "/usr/share/alpha/both"},
			{Path: "/usr/bin/ping", Content: "x", Mode: 0o755, Caps: "cap_net_raw=ep"},
			{Path: "/var/log/alpha", Folder: true, Mode: 0o750, User: "nova", Group: "nova"},
		},
	})
	root := rpmtest.NewRoot(t, old)
	p := compare(t, root, root, upgrade, transaction.Options{})
	if len(p.Removed) != 1 || p.Removed[0].Version != "1.0" || strings.Join(p.Names(), " ") != "alpha-1:1.1-1.noarch" {
		t.Errorf("removed %v, added %v", p.Removed, p.Names())
	}
	if read, of := p.Layers(); read != 1 || of != 1 || len(p.Notes) > 0 {
		t.Errorf("read %d of %d layers, notes %q", read, of, p.Notes)
	}
}
