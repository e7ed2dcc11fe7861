package label_test

import (
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/label"
)

var labels = map[string]string{
	"rdo_version": "a", "build_version": "4.0.0", "release": "1.0.0", "version": "20180125", "io.openshift.build": "b7", "empty": "",
}

func TestFormat(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]string{
		"rdo_version":                  {"a", ""},
		"{rdo_version}":                {"a", ""},
		"{release}-{version}":          {"1.0.0-20180125", ""},
		"v{release}":                   {"v1.0.0", ""},
		"{{{release}}}":                {"{1.0.0}", ""},
		"{io.openshift.build}":         {"b7", ""},
		"io.openshift.build":           {"b7", ""},
		"bar":                          {"", "bar"},
		"{release}-{nothing}-{either}": {"", "nothing"},
		"empty":                        {"", "empty"},
	} {
		template, err := label.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if tag, missing := template.Format(labels); tag != want[0] || missing != want[1] {
			t.Errorf("%s gives %q, %q; want %q", text, tag, missing, want)
		}
	}
}

func TestNoTemplate(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                        "is empty",
		"{release}-{version":      "never closed",
		"release}":                "without a {",
		"{}":                      "names no label",
		"{a!r}":                   "only the name of a label",
		"{a:>8}":                  "only the name of a label",
		"{a[0]}":                  "only the name of a label",
		"{a{b}":                   "only the name of a label",
		strings.Repeat("a", 1025): "longer than",
	} {
		if _, err := label.Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.30q: %v, which should say %q", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"{version}-{release}", "rdo_version", "{{}}", "{", "}", "{{{a}}}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		template, err := label.Parse(text)
		if err != nil {
			return
		}
		if template.String() != text {
			t.Errorf("%q became %q", text, template)
		}
		if strings.Contains(text, "{{") || strings.Contains(text, "}}") {
			return
		}
		if tag, missing := template.Format(nil); missing == "" {
			t.Errorf("%q gives %q without labels", text, tag)
		}
	})
}
