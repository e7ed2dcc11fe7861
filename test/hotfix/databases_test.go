package hotfix_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/hotfix"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/installed"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/rpmdb"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/rpmdb/rpmdbtest"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/test/hotfix/rpmtest"
)

// TestBerkeleyDatabase makes one, and reads it as Debian's rpm does. Nobody here can write it.
func TestBerkeleyDatabase(t *testing.T) {
	t.Parallel()
	rpmtest.Need(t)
	var list []rpmtest.Package
	for _, name := range []string{"nova", "neutron", "large"} {
		p := rpmtest.Package{Name: name, Version: "1", Epoch: "2", Files: []rpmtest.File{{Path: "/usr/lib/" + name, Content: name}}}
		if name == "large" { // its header takes pages of its own
			for n := range 400 {
				path := "/usr/lib/much/" + strings.Repeat("long", 10) + string(rune('a'+n/26)) + string(rune('a'+n%26))
				p.Files = append(p.Files, rpmtest.File{Path: path, Content: name})
			}
		}
		list = append(list, p)
	}
	root := rpmtest.NewRoot(t, rpmtest.Build(t, "", list...))
	db := filepath.Join(root, rpmtest.DBPath)
	rpmdbtest.Berkeley(t, db)
	if got, want := names(t, filepath.Join(db, "Packages")), byRPM(t, db); !slices.Equal(got, want) || len(got) != len(list) {
		t.Errorf("we read %q, and rpm %q", got, want)
	}

	s := serve(t)
	s.push(t, "ns/el8:17.1", rpmtest.Image(t, rpmtest.Layer(t, root)))
	w, err := installed.Parse("nova-1-1")
	if err != nil {
		t.Fatal(err)
	}
	all, _, err := installed.Check(t.Context(), connect(t), []reference.Reference{s.ref(t, "ns/el8:17.1")}, []installed.Want{w})
	if err != nil || all[0].Err != nil || !all[0].Found[0].OK || all[0].Packages != 3 {
		t.Errorf("%v %+v", err, all[0])
	}
	job := hotfix.Job{Source: s.ref(t, "ns/el8:17.1"), Target: s.ref(t, "ns/el8:17.1-fix")}
	p, err := run(t, packages(t, nova("2")), job)
	if !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), "Berkeley") || s.digest(t, "ns/el8:17.1-fix") != "" {
		t.Errorf("without an engine, it is %s: %v", p.Images[0].State, err)
	}
}

// TestForeignDatabases reads databases of real distributions, those that the reader's own tests have:
// Debian's rpm reads Berkeley databases, too, and ndb ones nobody else here.
func TestForeignDatabases(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/knqyf263/go-rpmdb").Output()
	if err != nil {
		t.Skipf("the folder of the reader's module isn't known: %v", err)
	}
	folder := filepath.Join(strings.TrimSpace(string(out)), "pkg", "testdata")
	for _, tt := range []struct {
		file     string
		count    int
		packages []string
	}{
		{"centos7-plain/Packages", 0, nil},
		{"centos8-modularitylabel/Packages", 0, nil},
		{"ubi8-s390x/Packages", 0, nil},
		{"sle15-bci/Packages.db", 35, []string{"bash-4.4-19.6.1", "rpm-ndb-4.14.3-40.1"}},
		{"fedora35/rpmdb.sqlite", 0, nil},
	} {
		t.Run(tt.file, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(folder, tt.file)
			if _, err := os.Stat(file); err != nil {
				t.Skipf("the reader's module has no such database any more: %v", err)
			}
			got := names(t, file)
			if tt.count > 0 && len(got) != tt.count {
				t.Errorf("it has %d packages, not %d", len(got), tt.count)
			}
			for _, p := range tt.packages {
				if !slices.Contains(got, p) {
					t.Errorf("%s isn't in it", p)
				}
			}
			if rpmdb.KindOf(filepath.Base(file)) == rpmdb.NDB {
				return // Debian's rpm is built without it
			}
			if _, err := exec.LookPath("rpm"); err != nil {
				t.Skip("rpm isn't installed: there is nothing to compare with")
			}
			dir := t.TempDir() // rpm writes a lock
			rpmtest.Run(t, "cp", file, dir)
			rpmtest.Run(t, "chmod", "-R", "u+w", dir)
			if diff := cmp.Diff(byRPM(t, dir), got); diff != "" {
				t.Errorf("packages (-rpm +ours):\n%s", diff)
			}
		})
	}
}

func names(t *testing.T, file string) (all []string) {
	t.Helper()
	list, err := rpmdb.Read(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		all = append(all, p.Name+"-"+p.Version+"-"+p.Release)
	}
	slices.Sort(all)
	return all
}

func byRPM(t *testing.T, folder string) []string {
	t.Helper()
	cmd := exec.Command("rpm", "--dbpath", folder, "-qa", "--qf", "%{NAME}-%{VERSION}-%{RELEASE}\n")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Fields(string(out))
	slices.Sort(all)
	return all
}
