package modify_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/modify"
	"github.com/imgctl/packer-plugin-openstack/test/program"
)

// rpm makes one of the name and version, whose only file tells the version; more ends its spec, but for what it
// requires.
func rpm(t *testing.T, folder, name, version string, more ...string) {
	t.Helper()
	needs(t, "rpmbuild", "rpm")
	top := t.TempDir()
	requires := ""
	more = slices.DeleteFunc(slices.Clone(more), func(line string) bool {
		is := strings.HasPrefix(line, "Requires:")
		if is {
			requires += line + "\n"
		}
		return is
	})
	spec := fmt.Sprintf(`Name: %[1]s
Version: %[2]s
Release: 1
Summary: test
License: none
Provides: /bin/sh
BuildArch: noarch
%[4]s%%description
test
%%install
mkdir -p %%{buildroot}/opt/%[1]s
echo %[2]s >%%{buildroot}/opt/%[1]s/version
%%files
/opt/%[1]s
%[3]s
`, name, version, strings.Join(more, "\n"), requires)
	file := filepath.Join(top, "test.spec")
	if err := os.WriteFile(file, []byte(spec), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "rpmbuild", "-bb", "--quiet", "--define", "_topdir "+top, "--define", "_rpmdir "+folder,
		"--define", "_rpmfilename %{NAME}-%{VERSION}.rpm", file).CombinedOutput()
	if err != nil {
		t.Fatalf("rpmbuild: %v\n%s", err, out)
	}
}

// withRPM is an image with rpm and the packages, which it has installed at version 1.
func withRPM(t *testing.T, packages ...string) *world {
	t.Helper()
	needs(t, "rpmbuild", "rpm")
	folder := t.TempDir()
	for _, name := range packages {
		rpm(t, folder, name, "1")
	}
	return busybox(t, func(r *rootfs) {
		r.program("rpm")
		r.packages("rpm-common")
		r.file("usr/lib/rpm/macros.d/macros.test", 0o644, "%_dbpath /var/lib/rpm\n%_db_backend sqlite\n")
		r.folder("opt")
		root := t.TempDir()
		for _, name := range packages {
			run(t, "rpm", "--root", root, "--dbpath", "/var/lib/rpm", "-i", "--nodeps", filepath.Join(folder, name+"-1.rpm"))
			r.file("opt/"+name+"/version", 0o644, "1\n")
		}
		if len(packages) > 0 {
			body, err := os.ReadFile(filepath.Join(root, "var/lib/rpm/rpmdb.sqlite"))
			if err != nil {
				t.Fatal(err)
			}
			r.file("var/lib/rpm/rpmdb.sqlite", 0o644, string(body))
		}
	})
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// installed asks the rpm database in the image's top layer.
func (w *world) installed(text string) []string {
	w.t.Helper()
	folder := w.t.TempDir()
	for name, content := range w.top(text) {
		if strings.HasPrefix(name, "var/lib/rpm/rpmdb") {
			_, body, _ := strings.Cut(strings.TrimPrefix(content, "0 "), " ")
			_, body, _ = strings.Cut(body, " ")
			if err := os.WriteFile(filepath.Join(folder, filepath.Base(name)), []byte(body), 0o600); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	all := strings.Fields(run(w.t, "rpm", "--dbpath", folder, "-qa", "--qf", "%{NAME}-%{VERSION}\n"))
	slices.Sort(all)
	return all
}

// TestRPMInstallForOneImage is the documentation's example: an entry for nova-compute alone.
func TestRPMInstallForOneImage(t *testing.T) {
	t.Parallel()
	w := withRPM(t, "fixed", "other")
	rpms := t.TempDir()
	rpm(t, rpms, "fixed", "2")
	rpm(t, rpms, "added", "7")
	vars := map[string]any{"tasks_from": "rpm_install.yml", "rpms_path": rpms}
	p, err := w.apply(w.job("nova-compute:1", vars))
	if err != nil {
		t.Fatal(err)
	}
	if i := p.Modify[0]; i.Executor != modify.Native {
		t.Errorf("it is by %s: %s", i.Executor, i.Why)
	}
	w.sameByBuildah(vars)
	if got, want := w.installed("mine/nova-compute:1-x"), []string{"added-7", "fixed-2", "other-1"}; !slices.Equal(got, want) {
		t.Errorf("the image has %q, want %q", got, want)
	}
	top := w.top("mine/nova-compute:1-x")
	if got := top["opt/fixed/version"]; !strings.HasSuffix(got, " 2\n") {
		t.Errorf("the file is %q", got)
	}
	for name := range top {
		if strings.Contains(name, "imgctl") || strings.HasSuffix(name, ".rpm") {
			t.Errorf("the layer has %s", name)
		}
	}
	config := w.config("mine/nova-compute:1-x").Config
	if config.User != "nova" || config.WorkingDir != "/var" || !slices.Equal(config.Cmd, []string{"sh"}) {
		t.Errorf("the configuration is %+v", config)
	}
}

// sameByBuildah makes the change once more in a container: files and packages have to be the same.
func (w *world) sameByBuildah(vars map[string]any) {
	w.t.Helper()
	w.o.Executor = modify.Buildah
	j := w.job("nova-compute:1", vars)
	j.Target = w.parse("mine/nova-compute:buildah")
	if _, err := w.apply(j); err != nil {
		w.t.Fatal(err)
	}
	w.o.Executor = ""
	if one, two := w.installed("mine/nova-compute:1-x"), w.installed("mine/nova-compute:buildah"); !slices.Equal(one, two) {
		w.t.Errorf("there are %q, and with buildah %q", one, two)
	}
	files := func(name string) map[string]string {
		all := w.top(name)
		maps.DeleteFunc(all, func(name, _ string) bool {
			return strings.Contains(name, "rpmdb") || strings.HasSuffix(name, "/") || strings.HasSuffix(name, ".rpm.lock")
		})
		return all
	}
	if diff := cmp.Diff(files("mine/nova-compute:buildah"), files("mine/nova-compute:1-x")); diff != "" {
		w.t.Errorf("the files differ from buildah's:\n%s", diff)
	}
}

// TestScriptsGoToBuildah installs a package with a script that has to run.
func TestScriptsGoToBuildah(t *testing.T) {
	t.Parallel()
	w := withRPM(t, "other")
	rpms := t.TempDir()
	rpm(t, rpms, "scripted", "1", "%post", "echo ran >/etc/ran")
	p, err := w.apply(w.job("nova-compute:1", map[string]any{"tasks_from": "rpm_install", "rpms_path": rpms}))
	if err != nil {
		t.Fatal(err)
	}
	if i := p.Modify[0]; i.Executor != modify.Buildah || !strings.Contains(i.Why, "%post of scripted-1-1.noarch (/bin/sh) has to run") {
		t.Errorf("it is by %s: %s", i.Executor, i.Why)
	}
	if got := w.top("mine/nova-compute:1-x")["etc/ran"]; !strings.HasSuffix(got, "ran\n") {
		t.Errorf("the script left %q", got)
	}
}

// yum is a small one: it knows the RPMs of the one repository in /etc/yum.repos.d.
const yum = `#!/bin/sh
set -eu
repo=$(sed -n 's,^baseurl=file://,,p' /etc/yum.repos.d/test.repo)
[ "$1" != -q ] || shift
case "$1 ${2:-}" in
"repoquery "*) for f in "$repo"/*.rpm; do rpm -qp --qf '%{NAME}.%{ARCH} 0:%{VERSION}-%{RELEASE}\n' "$f"; done ;;
"-y update" | "-y install")
  what=$2
  shift 2
  [ $# != 0 ] || set -- $(rpm -qa --qf '%{NAME}\n')
  for p; do
    f=$(ls "$repo/${p%.noarch}"-[0-9]*.rpm)
    rpm -U --oldpackage "$f"
  done ;;
"clean all") ;;
*) echo "yum does not know $*" >&2; exit 1 ;;
esac
`

// yumVars are an entry's with a repository that has the RPMs.
func yumVars(t *testing.T, tasks string, rpms ...[2]string) map[string]any {
	t.Helper()
	repo, repos := t.TempDir(), t.TempDir()
	for _, r := range rpms {
		rpm(t, repo, r[0], r[1])
	}
	if err := os.WriteFile(filepath.Join(repos, "test.repo"), []byte("[test]\nname=test\nbaseurl=file://"+repo+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return map[string]any{"tasks_from": tasks, "yum_repos_dir_path": repos}
}

// withYum is an image with a yum and its packages at version 1.
func withYum(t *testing.T) *world {
	t.Helper()
	w := withRPM(t, "fixed", "other")
	base := w.get("ns/nova-compute:1")
	r := newRoot(t)
	r.file("usr/bin/dnf", 0o755, yum)
	r.folder("etc/yum.repos.d")
	w.push("ns/nova-compute:1", r.on(base))
	return w
}

func TestYumUpdateOfARepository(t *testing.T) {
	t.Parallel()
	w := withYum(t)
	vars := yumVars(t, "yum_update.yml", [2]string{"fixed", "2"}, [2]string{"other", "1"}, [2]string{"strange", "3"})
	vars["update_repo"] = "test"
	if _, err := w.apply(w.job("nova-compute:1", vars)); err != nil {
		t.Fatal(err)
	}
	if got, want := w.installed("mine/nova-compute:1-x"), []string{"fixed-2", "other-1"}; !slices.Equal(got, want) {
		t.Errorf("the image has %q, want %q", got, want)
	}
	if !w.heard("nova-compute: 1 packages to update") {
		t.Errorf("it said %q", w.said)
	}
	again, err := w.apply(w.job("nova-compute:1", vars))
	if err != nil || !again.Done() {
		t.Errorf("the second time: %v, %v", err, states(again))
	}
}

func TestYumUpdateWithNothingToUpdate(t *testing.T) {
	t.Parallel()
	w := withYum(t)
	vars := yumVars(t, "yum_update", [2]string{"other", "1"})
	vars["update_repo"] = "test"
	if _, err := w.apply(w.job("nova-compute:1", vars)); err != nil {
		t.Fatal(err)
	}
	if !w.heard("no packages were found to update") || !w.has("mine/nova-compute:1-x") {
		t.Errorf("it said %q", w.said)
	}
	if names := w.names("mine/nova-compute:1-x"); len(names) > 0 && !slices.ContainsFunc(names, isRPMDatabase) {
		t.Errorf("the layer has %q", names)
	}
}

func isRPMDatabase(name string) bool { return strings.Contains(name, "rpmdb") }

func TestYumUpdateOfGivenRPMs(t *testing.T) {
	t.Parallel()
	w := withYum(t)
	rpms := t.TempDir()
	rpm(t, rpms, "fixed", "3")
	rpm(t, rpms, "strange", "3")
	vars := yumVars(t, "yum_update", [2]string{"fixed", "9"})
	vars["rpms_path"] = rpms
	_, err := w.apply(w.job("nova-compute:1", vars))
	// The small yum takes names only; that it gets one file, and which, is the test.
	if err == nil || !strings.Contains(err.Error(), "/run/imgctl-modify/rpms/fixed-3.rpm-") || strings.Contains(err.Error(), "strange") {
		t.Errorf("got %v", err)
	}
}

// hostWith is an environment whose rpm answers from a database of the test's own, which has one package.
func hostWith(t *testing.T, name, version string) []string {
	t.Helper()
	host, bin := t.TempDir(), t.TempDir()
	rpm(t, host, name, version)
	run(t, "rpm", "--dbpath", host+"/db", "-i", "--justdb", "--nodeps", host+"/"+name+"-"+version+".rpm")
	ours, _ := exec.LookPath("rpm")
	script := "#!/bin/sh\nexec " + ours + " --dbpath " + host + "/db \"$@\"\n"
	program.Write(t, bin+"/rpm", script)
	return []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
}

// TestCompareHostPackages updates only where a package differs from this machine's, for which rpm
// answers from a database of the test's own.
func TestCompareHostPackages(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{"1": "other-1", "5": "other-2"} {
		t.Run("host has "+version, func(t *testing.T) {
			t.Parallel()
			w := withYum(t)
			w.o.Env = hostWith(t, "other", version)
			vars := yumVars(t, "yum_update", [2]string{"fixed", "2"}, [2]string{"other", "2"})
			vars["compare_host_packages"] = true
			if _, err := w.apply(w.job("nova-compute:1", vars)); err != nil {
				t.Fatal(err)
			}
			skipped := w.heard("no package differs from this machine's")
			if skipped != (want == "other-1") {
				t.Errorf("it said %q", w.said)
			}
			if want != "other-1" && !slices.Contains(w.installed("mine/nova-compute:1-x"), want) {
				t.Errorf("the image has %q", w.installed("mine/nova-compute:1-x"))
			}
		})
	}
}

func TestYumInstall(t *testing.T) {
	t.Parallel()
	w := withYum(t)
	vars := yumVars(t, "yum_install.yml", [2]string{"strange", "3"})
	vars["yum_packages"] = []any{"strange"}
	vars["yum_cache"] = t.TempDir()
	if _, err := w.apply(w.job("nova-compute:1", vars)); err != nil {
		t.Fatal(err)
	}
	if got, want := w.installed("mine/nova-compute:1-x"), []string{"fixed-1", "other-1", "strange-3"}; !slices.Equal(got, want) {
		t.Errorf("the image has %q, want %q", got, want)
	}
}
