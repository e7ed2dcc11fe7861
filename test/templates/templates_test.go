// Package templates builds templates in the manner of public ones with this plugin, and compares the
// images, output lines and artifacts with those that HashiCorp's plugin gives. `make templates` builds
// with both; `make test` compares with what was recorded there.
package templates

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"

	"github.com/imgctl/packer-plugin-openstack/test/packertest"
)

var (
	incumbent = flag.String("incumbent", "", "build with this binary of HashiCorp's plugin as well")
	record    = flag.Bool("record", false, "write what HashiCorp's plugin gives to testdata/expected.json")
)

const expectedFile = "testdata/expected.json"

// atOnce is how many templates are built at the same time.
const atOnce = 4

func TestTemplates(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("servers with an inside need Linux")
	}
	s := newSite(t)
	ours := &plugin{"github.com/imgctl/openstack", packertest.New(t), nil}
	theirs := installed(t, *incumbent)
	expected := readExpected(t)
	room := make(chan struct{}, atOnce)
	var mu sync.Mutex
	t.Run("each", func(t *testing.T) {
		for n, r := range table {
			if testing.Short() && theirs == nil && n%5 != 0 {
				continue
			}
			t.Run(r.name, func(t *testing.T) {
				t.Parallel()
				room <- struct{}{}
				defer func() { <-room }()
				mu.Lock()
				want := expected[r.name]
				mu.Unlock()
				if theirs != nil {
					want = s.build(t, theirs, r)
				}
				got := s.build(t, ours, r)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("HashiCorp's plugin (-) and this one (+):\n%s", diff)
				}
				mu.Lock()
				defer mu.Unlock()
				expected[r.name] = want
			})
		}
	})
	if *record && theirs != nil && !t.Failed() {
		writeExpected(t, expected)
	}
}

func TestThereAreSixty(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, r := range table {
		names[r.name] = true
	}
	if len(names) < 60 || len(names) != len(table) {
		t.Errorf("%d templates with %d names, want 60 at least", len(table), len(names))
	}
}

// plugin is one of the two.
type plugin struct {
	source string // as in required_plugins
	packer *packertest.Packer
	env    []string
}

// installed is HashiCorp's plugin, alone in a plugin path of its own; nil without a binary.
func installed(t *testing.T, binary string) *plugin {
	t.Helper()
	if binary == "" {
		return nil
	}
	p := &plugin{"github.com/hashicorp/openstack", packertest.New(t), []string{"PACKER_PLUGIN_PATH=" + t.TempDir()}}
	if out, err := p.packer.Run(t, p.env, "plugins", "install", "--path", binary, p.source); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return p
}

// text is the row's template.
func (s *site) text(t *testing.T, p *plugin, r row) string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("testdata", r.skeleton))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := template.New(r.skeleton).Delims("[[", "]]").Parse(string(source))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	err = parsed.Execute(&b, map[string]any{
		"Source": p.source, "Name": r.name, "Label": strings.ReplaceAll(r.name, "-", "_"), "User": r.user, "More": r.more,
		"KeyPair": r.keyPair, "KeyFile": s.keyFile,
	})
	if err != nil {
		t.Fatal(err)
	}
	// Servers of the sandbox listen on a port that needs no privilege.
	port := regexp.MustCompile(`(?m)^(\s*)("?)ssh_username("?)(\s*[:=]\s*)([^,\n]*)(,?)$`)
	text := s.fill(b.String())
	first := port.FindString(text) // the others are variables
	return strings.Replace(text, first, port.ReplaceAllString(first, fmt.Sprintf("$0\n${1}${2}ssh_port${3}${4}%d$6", sshPort)), 1)
}

// build validates and builds the row's template with the plugin, and says what came of it.
func (s *site) build(t *testing.T, p *plugin, r row) result {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "template"+map[bool]string{true: ".json", false: ".pkr.hcl"}[strings.HasSuffix(r.skeleton, ".json")])
	if err := os.WriteFile(file, []byte(s.text(t, p, r)), 0o600); err != nil {
		t.Fatal(err)
	}
	var args []string
	for _, key := range slices.Sorted(maps.Keys(r.vars)) {
		args = append(args, "-var", key+"="+s.fill(r.vars[key]))
	}
	run := func(verb ...string) string {
		cmd := p.packer.Command(t, slices.Concat(s.Env("demo"), p.env), slices.Concat(verb, args, []string{file})...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			skipWithoutGuests(t, string(out))
			t.Fatalf("packer %s with %s: %v\n%s", verb[0], p.source, err, out)
		}
		return string(out)
	}
	run("validate")
	return s.result(t, run("build", "-machine-readable"), dir)
}

func skipWithoutGuests(t *testing.T, out string) {
	t.Helper()
	if strings.Contains(out, "guests can't run here") {
		t.Skip(out)
	}
}

func readExpected(t *testing.T) map[string]result {
	t.Helper()
	all := map[string]result{}
	text, err := os.ReadFile(expectedFile)
	if err != nil && !*record {
		t.Fatal(err)
	}
	if err == nil {
		if err := json.Unmarshal(text, &all); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func writeExpected(t *testing.T, all map[string]result) {
	t.Helper()
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(expectedFile, append(text, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}
