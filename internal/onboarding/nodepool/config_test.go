package nodepool_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/nodepool"
)

const launcher = "testdata/launcher.yaml"

// copied is a copy of the launcher's file that a test may change.
func copied(t *testing.T, change ...string) string {
	t.Helper()
	text, err := os.ReadFile(launcher)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n+1 < len(change); n += 2 {
		if !bytes.Contains(text, []byte(change[n])) {
			t.Fatalf("%q isn't in the file", change[n])
		}
		text = bytes.Replace(text, []byte(change[n]), []byte(change[n+1]), 1)
	}
	return saved(t, string(text))
}

func saved(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "nodepool.yaml")
	if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	return path
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func read(t *testing.T, path string) *nodepool.Config {
	t.Helper()
	c, err := nodepool.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAccepts(t *testing.T) {
	t.Parallel()
	c := read(t, launcher)
	for _, p := range c.Validate() {
		t.Errorf("%+v", p)
	}
	if got := strings.Join(c.Providers(), " "); got != "north-a north-b west unlimited" {
		t.Errorf("providers are %s", got)
	}
	if got := strings.Join(c.Pools("west"), " "); got != "main specific gpu" {
		t.Errorf("pools are %s", got)
	}
}

func TestValidates(t *testing.T) {
	t.Parallel()
	const minimal = "providers:\n- name: a\n  cloud: a\n"
	for _, c := range []struct {
		name, text string
		line, col  int
		severity   string
		says       string
	}{
		{"an unknown key", minimal + "  regoin-name: x\n", 4, 3, "error", `"regoin-name" is unknown here; did you mean "region-name"?`},
		{"an unknown key at the top", "lables: []\n", 1, 1, "error", `did you mean "labels"?`},
		{"no cloud", "providers:\n- name: a\n", 2, 3, "error", "cloud: it is missing"},
		{"no name", "providers:\n- cloud: a\n", 2, 3, "error", "name: it is missing"},
		{"an empty value", minimal + "  region-name:\n", 4, 3, "error", "region-name: it is empty"},
		{"an empty text", minimal + "  region-name: ''\n", 4, 16, "error", "it is empty"},
		{"a number for text", minimal + "  region-name: 7\n", 4, 16, "error", "put 7 in quotes"},
		{"text for a number", minimal + "  boot-timeout: '60'\n", 4, 17, "error", "write it without quotes"},
		{"a negative number", minimal + "  boot-timeout: -60\n", 4, 17, "error", "-60 is less than 0"},
		{"a flag", minimal + "  clean-floating-ips: 1\n", 4, 23, "error", "true or false is expected"},
		{"a flag as Python spells it", minimal + "  clean-floating-ips: yes\n", 0, 0, "", ""},
		{"no list", minimal + "  pools: main\n", 4, 10, "error", "a list is expected here, not text"},
		{"a key twice", minimal + "  cloud: b\n", 4, 3, "error", `"cloud" is given more than once`},
		{"a provider twice", minimal + "- name: a\n  cloud: b\n", 4, 9, "error", `there is another provider "a", on line 2`},
		{"another driver", minimal + "  driver: openstak\n", 4, 11, "error", `driver "openstak" is unknown; did you mean "openstack"?`},
		{"a driver that isn't checked", minimal + "  driver: aws\n  zones: [x]\n", 4, 11, "note", "only checked for a name"},
		{
			"both kinds of image",
			minimal + "  pools:\n  - name: p\n    labels:\n    - {name: l, min-ram: 1, diskimage: d, cloud-image: c}\nlabels: [{name: " +
				"l}]\n",
			7, 56, "error", "diskimage and cloud-image exclude each other",
		},
		{
			"no image", minimal + "  pools:\n  - name: p\n    labels:\n    - {name: l, min-ram: 1}\nlabels: [{name: l}]\n",
			7, 7, "error", "diskimage or cloud-image is missing",
		},
		{
			"no flavor", minimal + "  cloud-images: [{name: c}]\n  pools:\n  - name: p\n    labels:\n    - {name: l, cloud-image: " +
				"c}\nlabels: [{name: l}]\n",
			8, 7, "error", "min-ram or flavor-name is missing",
		},
		{
			"an image's id and name", minimal + "  cloud-images: [{name: c, image-id: a, image-name: b}]\n", 4, 53, "error",
			"exclude each other",
		},
		{
			"a diskimage that isn't there", minimal + "  diskimages: [{name: d}]\n", 4, 23, "error",
			`there is no diskimage "d" in the file's diskimages`,
		},
		{"an abstract one", minimal + "  diskimages: [{name: d}]\ndiskimages: [{name: d, abstract: true}]\n", 4, 23, "error", "abstract"},
		{
			"a label's diskimage that isn't uploaded",
			minimal + "  pools:\n  - {name: p, labels: [{name: l, min-ram: 1, diskimage: dd}]}\nlabels: [{name: l}]\ndiskimages: [{name: " +
				"dd}]\n",
			5, 57, "error", `there is no diskimage "dd" in the provider's diskimages`,
		},
		{
			"a label that isn't there",
			minimal + "  cloud-images: [{name: c}]\n  pools:\n  - {name: p, labels: [{name: lx, min-ram: 1, cloud-image: c}]}\nlabels: " +
				"[{name: ly}]\n",
			6, 31, "error", `there is no label "lx" in the file's labels; did you mean "ly"?`,
		},
		{
			"a cloud image that isn't there",
			minimal + "  pools:\n  - {name: p, labels: [{name: l, min-ram: 1, cloud-image: c}]}\nlabels: [{name: l}]\n",
			5, 59, "error", `there is no cloud image "c" in the provider's cloud-images`,
		},
		{
			"a label that nobody offers", "labels: [{name: a, min-ready: 2}]\nproviders:\n- name: a\n  cloud: a\n  cloud-images: [{name: " +
				"c}]\n" +
				"  pools:\n  - {name: p, labels: [{name: b, min-ram: 1, cloud-image: c}]}\n", 1, 10, "warning",
			"no pool of this file offers it",
		},
		{"a parent that isn't there", "diskimages: [{name: a, parent: b}]\n", 1, 32, "error", `there is no diskimage "b"`},
		{"parents in a circle", "diskimages: [{name: a, parent: b}, {name: b, parent: a}]\n", 1, 32, "error", "go round in a circle"},
		{"min-ready off", "labels: [{name: a, min-ready: -1}]\n", 0, 0, "", ""},
		{"min-ready too low", "labels: [{name: a, min-ready: -2}]\n", 1, 31, "error", "-2 is less than -1"},
		{"a release that is a fraction", "diskimages: [{name: a, release: 22.10}]\n", 1, 33, "error", "put 22.10 in quotes"},
		{"a variable that is a number", "diskimages: [{name: a, env-vars: {A: 1}}]\n", 1, 38, "error", "put 1 in quotes"},
		{
			"many entries", minimal + "  diskimages: [{name: d, meta: {a: b, c: b, d: b, e: b, f: b, g: b}}]\ndiskimages: [{name: d}]\n", 4,
			32, "warning", "meta has 6 entries",
		},
		{"disabled", minimal + "  pools: [{name: p, max-servers: 0}]\n", 2, 3, "note", `provider "a" is disabled`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f, err := nodepool.Parse("n.yaml", []byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			problems := f.Validate()
			if c.says == "" {
				if len(problems) > 0 {
					t.Errorf("%+v", problems)
				}
				return
			}
			for _, p := range problems {
				if p.Line == c.line && p.Column == c.col && p.Severity == c.severity && strings.Contains(p.Message, c.says) {
					if bad := f.Verdict(problems, true) != nil; bad != (c.severity != nodepool.Note) {
						t.Errorf("verdict %v of %+v", bad, problems)
					}
					return
				}
			}
			t.Errorf("no %s with %q at %d:%d among %+v", c.severity, c.says, c.line, c.col, problems)
		})
	}
}

func TestHostileFiles(t *testing.T) {
	t.Parallel()
	bomb := "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c < 'k'; c++ {
		one := "*" + string(c-1)
		bomb += string(c) + ": &" + string(c) + " [" + strings.Repeat(one+", ", 9) + one + "]\n"
	}
	for name, text := range map[string]string{
		"a bomb": bomb, "a circle": "providers: &p [*p]\n", "a list": "- a\n", "nothing": "", "two documents": "a: b\n---\nc: d\n",
		"huge": "providers: [" + strings.Repeat("a, ", 1<<20) + "]\n", "deep": "providers: " + strings.Repeat("[", 5000),
		"no text": "\x00\x01\x02",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := nodepool.Parse("n.yaml", []byte(text))
			if err == nil {
				t.Fatalf("it is accepted; problems %+v", c.Validate())
			}
			if !strings.Contains(err.Error(), "n.yaml") {
				t.Errorf("error doesn't name the file: %v", err)
			}
		})
	}
	many := "labels:\n" + strings.Repeat("- {nmae: a}\n", 60000)
	c, err := nodepool.Parse("n.yaml", []byte(many))
	if err != nil {
		t.Fatal(err)
	}
	if got := len(c.Validate()); got == 0 || got > 1000 {
		t.Errorf("%d problems are reported", got)
	}
}
