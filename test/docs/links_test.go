package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/sandbox"

	"github.com/imgctl/packer-plugin-openstack/test/packertest"
)

var (
	link    = regexp.MustCompile(`\]\(([^)]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
)

func TestLinksLead(t *testing.T) {
	t.Parallel()
	root := packertest.Root()
	files := []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md"}
	for _, pattern := range []string{
		"docs/*.md", "docs/reference/*.md", "docs/reference/*/*.md", "example/*/README.md",
		"plugins/*/README.md", "test/*/README.md",
	} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			name, _ := filepath.Rel(root, f)
			files = append(files, name)
		}
	}
	for _, file := range files {
		for _, m := range link.FindAllStringSubmatch(read(t, file), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			at := file
			if target != "" {
				at = filepath.Join(filepath.Dir(file), target)
			}
			if _, err := os.Stat(filepath.Join(root, at)); err != nil {
				t.Errorf("%s links to %s, which isn't there", file, m[1])
			} else if anchor != "" && !anchors(read(t, at))[anchor] {
				t.Errorf("%s links to %s, which has no such heading", file, m[1])
			}
		}
	}
}

// anchors are what a text's headings can be linked by.
func anchors(text string) map[string]bool {
	all := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		plain := strings.Map(func(r rune) rune {
			if strings.ContainsRune("`,.:'’()?!/", r) {
				return -1
			}
			return r
		}, strings.ToLower(m[1]))
		all[strings.ReplaceAll(plain, " ", "-")] = true
	}
	return all
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(packertest.Root(), file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestFaultRulesLoad(t *testing.T) {
	t.Parallel()
	n := 0
	for _, b := range blocks(t, "yaml") {
		if !b.marked("faults") {
			continue
		}
		n++
		if _, err := sandbox.LoadRules(strings.NewReader(b.text)); err != nil {
			t.Errorf("%s: %v", b, err)
		}
	}
	if n == 0 {
		t.Error("no rules found")
	}
}
