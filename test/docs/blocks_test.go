// Package docs judges the documentation: each of its examples is tried.
package docs

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/test/packertest"
)

// block is a fenced block of a Markdown file.
type block struct {
	file  string // from the module's root
	line  int    // of its first line of text
	words []string
	text  string
}

func (b block) String() string { return fmt.Sprintf("%s:%d", b.file, b.line) }

// marked reports whether the fence has the word behind its language, as in "```hcl validate".
func (b block) marked(word string) bool {
	return slices.Contains(b.words[1:], word)
}

// value is what the fence sets a word to, as in `console skip="takes an hour"`.
func (b block) value(word string) (value string, set bool) {
	for _, w := range b.words[1:] {
		if value, set = strings.CutPrefix(w, word+"="); set {
			return strings.Trim(value, `"`), true
		}
	}
	return "", false
}

// blocks are the fenced blocks of a language in the README and in docs.
func blocks(t *testing.T, language string) (found []block) {
	t.Helper()
	for _, b := range allBlocks(t) {
		if b.words[0] == language {
			found = append(found, b)
		}
	}
	return found
}

// allBlocks are the fenced blocks of all that is written for people, file by file.
func allBlocks(t *testing.T) (found []block) {
	t.Helper()
	root := packertest.Root()
	files := []string{filepath.Join(root, "README.md"), filepath.Join(root, "CONTRIBUTING.md")}
	for _, folder := range []string{"example", "plugins", "test"} {
		beside, err := filepath.Glob(filepath.Join(root, folder, "*", "README.md"))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, beside...)
	}
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == "src" {
			return filepath.SkipDir // what it says is in docs/reference again, complete
		}
		if err == nil && filepath.Ext(path) == ".md" {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name, _ := filepath.Rel(root, file)
		found = append(found, fences(name, string(text))...)
	}
	return found
}

// word is a word of a fence; a value with spaces is quoted.
var word = regexp.MustCompile(`[^\s"]+"[^"]*"|\S+`)

// fences are all fenced blocks of a text, without the indentation of their fence.
func fences(file, text string) (found []block) {
	var open *block
	var indent string
	s := bufio.NewScanner(strings.NewReader(text))
	for n := 1; s.Scan(); n++ {
		line := strings.TrimLeft(s.Text(), " ")
		fence, isFence := strings.CutPrefix(line, "```")
		switch {
		case isFence && open == nil && strings.TrimSpace(fence) != "":
			open = &block{file: file, line: n + 1, words: word.FindAllString(fence, -1)}
			indent = s.Text()[:len(s.Text())-len(line)]
		case isFence && open == nil:
			open = &block{file: file, line: n + 1, words: []string{""}}
		case isFence:
			found, open = append(found, *open), nil
		case open != nil:
			open.text += strings.TrimPrefix(s.Text(), indent) + "\n"
		}
	}
	return found
}

func TestFences(t *testing.T) {
	t.Parallel()
	got := fences("x.md", "a\n```hcl validate build\none\n```\n\n- item\n  ```console\n  $ two\n  ```\n```\nplain\n```\n")
	want := []block{
		{"x.md", 3, []string{"hcl", "validate", "build"}, "one\n"},
		{"x.md", 8, []string{"console"}, "$ two\n"},
		{"x.md", 11, []string{""}, "plain\n"},
	}
	if reason, set := (block{words: []string{"console", `skip="a while"`}}).value("skip"); !set || reason != "a while" {
		t.Errorf("skipped for %q", reason)
	}
	if words := fences("x.md", "```console skip=\"a while\" exit=2\n```\n")[0].words; len(words) != 3 {
		t.Errorf("words %q", words)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) || len(got) != 3 || got[1].text != want[1].text {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}
