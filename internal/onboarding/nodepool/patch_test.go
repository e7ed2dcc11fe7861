package nodepool_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/nodepool"
)

// git runs git in a folder, without the configuration of whoever runs the tests.
func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_COMMITTER_NAME=Committer",
		"GIT_COMMITTER_EMAIL=c@example.org", "GIT_AUTHOR_NAME=Committer", "GIT_AUTHOR_EMAIL=c@example.org")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return string(out)
}

func TestGitTakesThePatches(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("needs git, to apply the patches with git am: install git")
	}
	text := readText(t, launcher)
	for _, c := range []struct{ name, file, text string }{
		{"plain", "nodepool/nl01.yaml", text},
		{"a space in its path", "node pool/nl 01.yaml", text},
		{"CRLF", "nl01.yaml", strings.ReplaceAll(text, "\n", "\r\n")},
		{"no break at the end", "nl01.yaml", "providers:\n- name: west\n  cloud: west\n  pools:\n  - name: main\n    max-servers: 3"},
		{"letters", "nl01.yaml", strings.ReplaceAll(text, "# of 200", "# für 200 — 漢字")},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			repo, out := t.TempDir(), t.TempDir()
			git(t, repo, "init", "-q", "-b", "main")
			git(t, repo, "config", "core.autocrlf", "false")
			path := filepath.Join(repo, filepath.FromSlash(c.file))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			git(t, repo, "add", ".")
			git(t, repo, "commit", "-q", "-m", "start")
			do(t, path, false, nodepool.Options{
				Provider: "west", Patches: out, Author: nodepool.Author{Name: "Jörg, the Operator", Email: "j@example.org"},
				Reason: "a fire\n---\ndiff --git a/x b/x", Until: time.Now().Add(48 * time.Hour), Record: filepath.Join(out, "record"),
			})
			if readText(t, path) != c.text {
				t.Error("the file was changed as well")
			}
			forward := filepath.Join(out, "disable-nodepool-provider-west.patch")
			git(t, repo, "am", "-q", forward)
			if got := git(t, repo, "log", "-1", "--format=%an <%ae>%n%B"); !strings.HasPrefix(got,
				"Jörg, the Operator <j@example.org>\nDisable nodepool provider west\n\nReason: a fire --- diff --git a/x b/x\nUntil: ") {
				t.Errorf("the commit says\n%s", got)
			}
			again := filepath.Join(t.TempDir(), "same.yaml")
			if err := os.WriteFile(again, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			do(t, again, false, nodepool.Options{Provider: "west"})
			if readText(t, path) != readText(t, again) {
				t.Error("git's file differs from the one that was edited")
			}
			git(t, repo, "am", "-q", filepath.Join(out, "revert-disable-nodepool-provider-west.patch"))
			if readText(t, path) != c.text {
				t.Error("reverted, the file differs")
			}
			if got := git(t, repo, "log", "-1", "--format=%s"); got != "Revert \"Disable nodepool provider west\"\n" {
				t.Errorf("the revert is called %s", got)
			}
			if got := git(t, repo, "status", "--porcelain"); got != "" {
				t.Errorf("status %s", got)
			}
		})
	}
}

// TestThePatchFitsAMovedFile applies the patch to a file that has changed elsewhere meanwhile, by its blobs.
func TestThePatchFitsAMovedFile(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("needs git, to apply the patches with git am: install git")
	}
	repo, out := t.TempDir(), t.TempDir()
	git(t, repo, "init", "-q", "-b", "main")
	path := filepath.Join(repo, "n.yaml")
	text := readText(t, launcher)
	write := func(text, message string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		git(t, repo, "add", ".")
		git(t, repo, "commit", "-q", "-m", message)
	}
	write(text, "start")
	do(t, path, false, nodepool.Options{Provider: "west", Patches: out, Record: filepath.Join(out, "record")})
	write(strings.Replace(text, "name: specific\n", "name: specific\n        priority: 50\n", 1), "meanwhile")
	git(t, repo, "am", "-q", "-3", filepath.Join(out, "disable-nodepool-provider-west.patch"))
	if got := readText(t, path); !strings.Contains(got, "priority: 50") || strings.Contains(got, "max-servers: 195") {
		t.Errorf("the file is\n%s", got)
	}
}

func TestAuthors(t *testing.T) {
	t.Parallel()
	if a, err := nodepool.ParseAuthor("Jane Doe <jane@example.org>"); err != nil || a != (nodepool.Author{
		Name:  "Jane Doe",
		Email: "jane@example.org",
	}) {
		t.Errorf("%+v, %v", a, err)
	}
	for _, bad := range []string{"", "Jane", "jane@example.org", "Jane <jane>", "Jane\nX: y <jane@example.org>"} {
		if a, err := nodepool.ParseAuthor(bad); !fault.Is(err, fault.Usage) {
			t.Errorf("%q is accepted: %+v, %v", bad, a, err)
		}
	}
}
