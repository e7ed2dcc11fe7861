package modify_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// gerrit is a folder of repositories: openstack/tool with a tag, a commit after it, and two changes, of
// which refs/changes/02/2/1 doesn't apply.
func gerrit(t *testing.T) string {
	t.Helper()
	needs(t, "git")
	folder, bare := t.TempDir(), t.TempDir()
	git := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", folder, "-c", "user.name=t", "-c", "user.email=t@t"},
			args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
	}
	file := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	git("init", "--quiet", "--initial-branch", "master")
	file("setup.py", "import os, setuptools\nsetuptools.setup(name='tool', version=os.environ.get('PBR_VERSION', 'none'), "+
		"py_modules=['tool'], install_requires=['helper'])\n")
	file("tool.py", "what = 'before'\n")
	git("add", ".")
	git("commit", "--quiet", "-m", "first")
	git("tag", "3.2.1")
	git("checkout", "--quiet", "-b", "change")
	file("tool.py", "what = 'changed'\n")
	git("commit", "--quiet", "-am", "change")
	git("checkout", "--quiet", "-b", "conflict", "master")
	file("note", "x\n")
	git("add", ".")
	file("tool.py", "what = 'other'\n")
	git("commit", "--quiet", "-am", "conflicting change")
	git("checkout", "--quiet", "master")
	file("note", "y\n")
	git("add", ".")
	git("commit", "--quiet", "-m", "second")
	git("update-ref", "refs/changes/01/1/3", "change")
	git("update-ref", "refs/changes/02/2/1", "conflict")
	git("branch", "--quiet", "-D", "change", "conflict")
	run(t, "git", "clone", "--quiet", "--mirror", folder, filepath.Join(bare, "tool"))
	return "file://" + bare
}

// wheel makes the package that tool needs, and gives its folder.
func wheel(t *testing.T) string {
	t.Helper()
	source, folder := t.TempDir(), t.TempDir()
	setup := "import setuptools\nsetuptools.setup(name='helper', version='1', py_modules=['helper'])\n"
	for name, text := range map[string]string{"setup.py": setup, "helper.py": "x = 1\n"} {
		if err := os.WriteFile(filepath.Join(source, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", "setup.py", "-q", "bdist_wheel", "--dist-dir", folder)
	cmd.Dir = source
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("python3-setuptools and python3-wheel are needed: %v\n%s", err, out)
	}
	return folder
}

// TestDevInstallFromGerrit installs a change by pip, without an index of packages.
func TestDevInstallFromGerrit(t *testing.T) {
	t.Parallel()
	remote, wheels := gerrit(t), wheel(t)
	w := busybox(t, func(r *rootfs) {
		r.packages("python3-minimal", "python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib", "python3-pip", "python3-setuptools",
			"python3-pkg-resources", "python3-wheel", "media-types")
		r.program("/usr/bin/python3.11")
	})
	vars := map[string]any{
		"tasks_from": "dev_install.yml", "git_remote": remote, "wheels_path": wheels,
		"refspecs": []any{map[string]any{"project": "tool", "refspec": "refs/changes/01/1/3"}},
	}
	if _, err := w.apply(w.job("nova-compute:1", vars)); err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for name, content := range w.top("mine/nova-compute:1-x") {
		if strings.Contains(name, "imgctl") || strings.HasPrefix(name, "root/") {
			t.Errorf("the layer has %s", name)
		}
		if base := filepath.Base(name); strings.HasSuffix(name, "tool.py") || strings.HasSuffix(name, "helper.py") ||
			strings.Contains(name, ".dist-info/METADATA") {
			found[base+" of "+filepath.Base(filepath.Dir(name))] = content
		}
	}
	if got := found["tool.py of dist-packages"]; !strings.HasSuffix(got, "what = 'changed'\n") {
		t.Errorf("tool.py is %q among %v", got, found)
	}
	if found["METADATA of tool-3.2.1.post2.dist-info"] == "" || found["helper.py of dist-packages"] == "" {
		t.Errorf("the packages are %v", found)
	}
	again, err := w.apply(w.job("nova-compute:1", vars))
	if err != nil || !again.Done() {
		t.Errorf("the second time: %v, %v", err, states(again))
	}
}

func TestDevInstallRefuses(t *testing.T) {
	t.Parallel()
	remote := gerrit(t)
	for refspec, want := range map[string]string{
		"refs/changes/09/9/1": "has no refs/changes/09/9/1",
		"refs/changes/02/2/1": "refs/changes/02/2/1 doesn't apply",
	} {
		t.Run(refspec, func(t *testing.T) {
			t.Parallel()
			w := busybox(t, nil)
			_, err := plan(w, map[string]any{
				"tasks_from": "dev_install", "git_remote": remote, "refspecs": []any{map[string]any{"project": "tool", "refspec": refspec}},
			})
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q", err, want)
			}
			if w.has("mine/nova-compute:1-x") {
				t.Error("there is an image")
			}
		})
	}
}

// TestOneRemoteThatFailsStopsNoOthers has an entry whose Gerrit isn't there, and another entry.
func TestOneRemoteThatFailsStopsNoOthers(t *testing.T) {
	t.Parallel()
	needs(t, "git")
	w := start(t)
	w.files(map[string]string{"Dockerfile": "FROM x\nENV a=b\nUSER nova"})
	w.push("ns/nova-api:1", image(t, v1.Config{}))
	p, err := w.apply(w.job("nova-compute:1", nil), w.job("nova-api:1", map[string]any{
		"tasks_from": "dev_install", "git_remote": "file:///nowhere", "refspecs": []any{map[string]any{"project": "tool"}},
	}))
	if !fault.Is(err, fault.Partial) || !strings.Contains(err.Error(), "project tool: git ls-remote") {
		t.Errorf("got %v", err)
	}
	if !w.has("mine/nova-compute:1-x") || w.has("mine/nova-api:1-x") {
		t.Errorf("the images are %v", states(p))
	}
}
