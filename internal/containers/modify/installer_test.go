package modify_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/hotfix"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/modify"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/rpmdb/rpmdbtest"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/rpmfile"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/transaction"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// ownRPM is the rpm of the image with the Berkeley database. Debian's can't write one, so that it first
// makes a database of it that it can write.
const ownRPM = `#!/bin/sh
set -eu
if [ -e /var/lib/rpm/Packages ]; then
  rpmdb --exportdb >/tmp/list
  rm /var/lib/rpm/Packages
  rpmdb --importdb </tmp/list
  rm /tmp/list
fi
exec rpm.real "$@"
`

// hotfix installs the folder's RPMs, by the image's own rpm where that has to be.
func (w *world) hotfix(fixes string, o transaction.Options) (*hotfix.Plan, error) {
	w.t.Helper()
	files, err := rpmfile.Folder(w.t.Context(), fixes, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	engine := modify.NewInstaller(fixes, o, w.o)
	job := hotfix.Job{Source: w.parse("ns/nova-compute:1"), Target: w.parse("ns/nova-compute:1-fix")}
	p, err := hotfix.NewPlan(w.t.Context(), transfer.Registries(w.c), []hotfix.Job{job}, files,
		hotfix.Options{Append: "-fix", Engine: engine, Options: o})
	if err != nil {
		w.t.Fatal(err)
	}
	err = p.Apply(w.t.Context(), report.Discard)
	for _, closes := range []func() error{p.Close, engine.Close} {
		if err := closes(); err != nil {
			w.t.Error(err)
		}
	}
	return p, err
}

// ndbRPM is the rpm of the image with the ndb database. Debian's is built without ndb, so that it takes another database
// in its place.
const ndbRPM = `#!/bin/sh
set -eu
if [ -e /usr/lib/sysimage/rpm/Packages.db ]; then
  rm /usr/lib/sysimage/rpm/Packages.db
  mv /usr/share/other/rpmdb.sqlite /usr/lib/sysimage/rpm/
fi
exec rpm.real "$@"
`

// TestHotfixOfNDBDatabase has the image's own rpm install packages where SLE's database is.
func TestHotfixOfNDBDatabase(t *testing.T) {
	t.Parallel()
	needs(t, "rpmbuild", "rpm", "buildah")
	module, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/knqyf263/go-rpmdb").Output()
	if err != nil {
		t.Skipf("the folder of the reader's module, which has a database of SLE, isn't known: %v", err)
	}
	sle, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(module)), "pkg/testdata/sle15-bci/Packages.db"))
	if err != nil {
		t.Skipf("the reader's module has no database of SLE: %v", err)
	}
	folder, fixes := t.TempDir(), t.TempDir()
	rpm(t, folder, "fixed", "1")
	rpm(t, fixes, "fixed", "2")
	w := busybox(t, func(r *rootfs) {
		r.libraries("/usr/bin/rpm")
		r.packages("rpm-common")
		r.file("usr/lib/rpm/macros.d/macros.test", 0o644, "%_dbpath /usr/lib/sysimage/rpm\n%_db_backend sqlite\n")
		r.folder("opt")
		root := t.TempDir()
		run(t, "rpm", "--root", root, "--dbpath", "/db", "--define", "_db_backend sqlite", "-i", filepath.Join(folder, "fixed-1.rpm"))
		other, err := os.ReadFile(filepath.Join(root, "db/rpmdb.sqlite"))
		if err != nil {
			t.Fatal(err)
		}
		r.file("usr/share/other/rpmdb.sqlite", 0o644, string(other))
		r.file("usr/lib/sysimage/rpm/Packages.db", 0o644, string(sle))
		r.host("/usr/bin/rpm", "usr/bin/rpm.real")
		r.file("usr/bin/rpm", 0o755, ndbRPM)
	})
	p, err := w.hotfix(fixes, transaction.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if why := fmt.Sprint(p.Images[0].Details()); !strings.Contains(why, "it is a ndb database") {
		t.Errorf("the plan is %s", why)
	}
	top := w.top("ns/nova-compute:1-fix")
	if got := top["opt/fixed/version"]; !strings.HasSuffix(got, " 2\n") {
		t.Errorf("the file is %q", got)
	}
	if _, gone := top["usr/lib/sysimage/rpm/.wh.Packages.db"]; !gone {
		t.Error("the image's own rpm didn't run")
	}
}

// TestHotfixOfBerkeleyDatabase has the image's own rpm install packages.
func TestHotfixOfBerkeleyDatabase(t *testing.T) {
	t.Parallel()
	needs(t, "rpmbuild", "rpm", "buildah")
	folder, fixes := t.TempDir(), t.TempDir()
	rpm(t, folder, "fixed", "1")
	rpm(t, fixes, "fixed", "2", "%post", "echo $1 >/opt/ran")
	w := busybox(t, func(r *rootfs) {
		r.libraries("/usr/bin/rpm")
		r.program("rpmdb")
		r.packages("rpm-common")
		r.file("usr/lib/rpm/macros.d/macros.test", 0o644, "%_dbpath /var/lib/rpm\n%_db_backend sqlite\n")
		r.folder("opt")
		root := t.TempDir()
		run(t, "rpm", "--root", root, "--dbpath", "/var/lib/rpm", "--define", "_db_backend sqlite", "-i",
			filepath.Join(folder, "fixed-1.rpm"))
		rpmdbtest.Berkeley(t, filepath.Join(root, "var/lib/rpm"))
		body, err := os.ReadFile(filepath.Join(root, "var/lib/rpm/Packages"))
		if err != nil {
			t.Fatal(err)
		}
		r.file("var/lib/rpm/Packages", 0o644, string(body))
		r.host("/usr/bin/rpm", "usr/bin/rpm.real")
		r.file("usr/bin/rpm", 0o755, ownRPM)
	})
	work := func(o transaction.Options) (*hotfix.Plan, error) { return w.hotfix(fixes, o) }
	p, err := work(transaction.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(w.installed("ns/nova-compute:1-fix"), " "); got != "fixed-2" {
		t.Errorf("installed is %q", got)
	}
	top := w.top("ns/nova-compute:1-fix")
	if !strings.Contains(top["opt/fixed/version"], "2\n") || !strings.Contains(top["opt/ran"], "2\n") {
		t.Errorf("its files are %q and %q", top["opt/fixed/version"], top["opt/ran"])
	}
	config, err := w.get("ns/nova-compute:1-fix").ConfigFile()
	if err != nil || config.Config.User != "nova" || config.Config.Labels[hotfix.Label] != "-fix" {
		t.Errorf("its configuration is %+v, %v", config.Config, err)
	}
	// The same again is nothing to do; other options are another change.
	if again, err := work(transaction.Options{}); err != nil || !again.Done() || again.Images[0].Digest != p.Images[0].Digest {
		t.Errorf("a second run: %v, %v", again.Rows(), err)
	}
	if _, err := work(transaction.Options{IgnoreScripts: true}); err != nil {
		t.Fatal(err)
	}
	if ran := w.top("ns/nova-compute:1-fix")["opt/ran"]; ran != "" {
		t.Errorf("the scriptlet ran: %q", ran)
	}
	// What rpm refuses leaves the result as it was.
	before, err := w.get("ns/nova-compute:1-fix").Digest()
	if err != nil {
		t.Fatal(err)
	}
	rpm(t, fixes, "fixed", "0")
	if err := os.Remove(filepath.Join(fixes, "fixed-2.rpm")); err != nil {
		t.Fatal(err)
	}
	_, err = work(transaction.Options{})
	if err == nil || !strings.Contains(err.Error(), "in the image:\n") || !strings.Contains(err.Error(), "newer than") {
		t.Errorf("an older package gives %v", err)
	}
	if after, err := w.get("ns/nova-compute:1-fix").Digest(); err != nil || after != before {
		t.Errorf("the image is %s, %v", after, err)
	}
	if left, _ := filepath.Glob(w.o.Scratch + "/*"); len(left) > 0 {
		t.Errorf("it left %q", left)
	}
}
