package check_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/check"
)

func TestShipped(t *testing.T) {
	t.Parallel()
	p := check.Shipped(check.OpenDev)
	if p.Test.Nodes != 100 || p.Test.RAM != 8000 || p.Test.VCPUs != 8 || p.Test.Disk != 80 || p.Mirror.Cache != 500 ||
		p.Test.ImageSize != 16<<30 || p.API.Latency != 5*time.Second || p.API.Certificate != 30*24*time.Hour {
		t.Errorf("%+v", p)
	}
	if check.Shipped("other") != nil {
		t.Error("there is a profile other")
	}
}

// A file says what differs.
func TestOwnProfile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "own.yaml")
	text := "name: own\ntest: {nodes: 5}\nkey_pairs: []\nseverity: {A1: must}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := check.GetProfile(file)
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "own" || p.Test.Nodes != 5 || p.Test.RAM != 8000 || len(p.KeyPairs) != 0 || p.Severity["A1"] != check.Must ||
		p.Severity["K4"] != check.Warn {
		t.Errorf("%+v", p)
	}
	if _, err := check.GetProfile(file + "x"); !fault.Is(err, fault.NotFound) {
		t.Errorf("a missing file: %v", err)
	}
}

func TestBadProfile(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                       "the file is empty",
		"test: {nodes: 3}":                       "name: it is missing",
		"name: ''":                               "a text is expected here",
		"name: x\ntests: {}":                     `line 2, column 1: "tests" is unknown here; did you mean "test"`,
		"name: x\ntest: {nodes: 0}":              "line 2, column 15: nodes: a whole number from 1 on",
		"name: x\ntest: {nodes: }":               "a whole number from 1 on",
		"name: x\ntest: {ram: 99999999999}":      "more than 1000000000 is not possible",
		"name: x\ntest: {egress: $(id)}":         "is not the name of a host",
		"name: x\ntest: {egress: -x}":            "is not the name of a host",
		"name: x\ntest: {egress: a b}":           "is not the name of a host",
		"name: x\nmirror: {name: a/b}":           "is not the name of a host",
		"name: x\napi: {calls: 100000}":          "too many",
		"name: x\napi: {latency: fast}":          "latency:",
		"name: x\nseverity: {Z9: must}":          `there is no check "Z9"`,
		"name: x\nseverity: {K1: maybe}":         `"maybe" is unknown`,
		"name: x\nseverity: {K1: }":              "a text is expected here",
		"name: x\nkey_pairs: [{fingerprint: a}]": "name: it is missing",
		"name: x\nkey_pairs: {}":                 "a list is expected here",
		"name: &a x\ntest: *b":                   "unknown anchor",
		"name: x\nkey_pairs: &a [*a]":            "nested more than 40 deep",
		"x-a: &a [x,x,x,x,x,x,x,x,x]\nx-b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nx-c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n" +
			"x-d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\nx-e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nx-f: [*e,*e,*e,*e,*e,*e,*e,*e,*e]\nname: x": "more than 100000",
	} {
		_, err := check.ParseProfile([]byte(text))
		if !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q", text, err, want)
		}
	}
}

// Whatever a file has, it is a profile that can be checked by, or an error with its place.
func FuzzProfile(f *testing.F) {
	shipped, err := os.ReadFile("opendev.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(shipped)
	f.Add([]byte("name: x\ntest: {nodes: 5, egress: none}\nseverity: {K1: off}\n"))
	f.Add([]byte("name: &a x\nmirror: {<<: {cache: 3}, name: 'm.{cloud}'}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := check.ParseProfile(text)
		if err != nil {
			if !fault.Is(err, fault.Usage) {
				t.Errorf("%v is of kind %s", err, fault.KindOf(err))
			}
			return
		}
		if p.Name == "" || p.Test.Nodes < 1 || p.API.Calls < 1 || p.Test.Egress == "" || strings.ContainsAny(p.Test.Egress, " ;$`'\"\n") {
			t.Errorf("%q is a profile: %+v", text, p)
		}
	})
}
