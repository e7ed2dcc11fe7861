package modify_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/modify"
)

// withDNF is an image with this machine's dnf, and its packages at version 1.
func withDNF(t *testing.T) *world {
	t.Helper()
	needs(t, "dnf", "createrepo_c", "buildah")
	w := withRPM(t, "fixed", "other")
	base := w.get("ns/nova-compute:1")
	r := newRoot(t)
	r.program("/usr/bin/python3")
	r.packages("dnf", "dnf-data", "python3-dnf", "libdnf2", "python3-hawkey", "python3-libdnf", "python3-libcomps", "python3-rpm",
		"python3-gpg", "python3-minimal", "libpython3.11-minimal", "libpython3.11-stdlib", "python3-distutils")
	r.folder("etc/yum.repos.d")
	w.push("ns/nova-compute:1", r.on(base))
	return w
}

// dnfVars are an entry's with a repository that createrepo_c has made of the RPMs.
func dnfVars(t *testing.T, tasks string, rpms func(folder string)) map[string]any {
	t.Helper()
	repo, repos := t.TempDir(), t.TempDir()
	rpms(repo)
	run(t, "createrepo_c", "--quiet", repo)
	text := "[test]\nname=test\ngpgcheck=0\nbaseurl=file://" + repo + "\n"
	if err := os.WriteFile(filepath.Join(repos, "test.repo"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return map[string]any{"tasks_from": tasks, "yum_repos_dir_path": repos}
}

// TestDNF has the real one update and install packages in an image, in all ways in one run.
func TestDNF(t *testing.T) {
	t.Parallel()
	w := withDNF(t)
	newer := func(repo string) {
		rpm(t, repo, "fixed", "2")
		rpm(t, repo, "other", "1")
		rpm(t, repo, "needy", "3", "Requires: needed")
		rpm(t, repo, "needed", "4")
	}
	only := dnfVars(t, "yum_update.yml", newer)
	only["update_repo"] = "test"
	rpms := t.TempDir()
	rpm(t, rpms, "other", "5")
	rpm(t, rpms, "strange", "5")
	given := dnfVars(t, "yum_update", newer)
	given["rpms_path"] = rpms
	install := dnfVars(t, "yum_install.yml", newer)
	install["yum_packages"] = []any{"needy"}
	compared := dnfVars(t, "yum_update", newer)
	compared["compare_host_packages"] = true
	w.o.Env, w.o.AtOnce = hostWith(t, "other", "9"), 4
	want, jobs := map[string]string{}, []modify.Job{}
	for _, c := range []struct {
		tag      string
		vars     map[string]any
		packages string // of the image, afterwards
	}{
		{"of-a-repository", only, "fixed-2 other-1"},
		{"given-rpms", given, "fixed-1 other-5"},
		{"install", install, "fixed-1 needed-4 needy-3 other-1"},
		{"the-host-has-others", compared, "fixed-2 other-1"},
	} {
		j := w.job("nova-compute:1", c.vars)
		j.Target = w.parse("mine/nova-compute:" + c.tag)
		want[c.tag], jobs = c.packages, append(jobs, j)
	}
	if _, err := w.apply(jobs...); err != nil {
		t.Fatal(err)
	}
	for tag, packages := range want {
		if got := w.installed("mine/nova-compute:" + tag); !slices.Equal(got, strings.Fields(packages)) {
			t.Errorf("%s: the image has %q, want %q; it was said %q", tag, got, packages, w.said)
		}
	}
}
