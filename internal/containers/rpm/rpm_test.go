package rpm_test

import (
	"slices"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm"
)

func TestCompareVersions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"1.0", "1.0", 0},
		{"1.0", "2.0", -1},
		{"2.0.1", "2.0", 1},
		{"2.0.1a", "2.0.1", 1},
		{"5.5p1", "5.5p2", -1},
		{"5.5p10", "5.5p1", 1},
		{"10xyz", "10.1xyz", -1},
		{"xyz10", "xyz10.1", -1},
		{"xyz.4", "xyz.4", 0},
		{"xyz.4", "8", -1},
		{"5.5p2", "5.6p1", -1},
		{"6.0.rc1", "6.0", 1},
		{"10b2", "10a1", 1},
		{"1.0aa", "1.0a", 1},
		{"10.0001", "10.1", 0},
		{"10.0001", "10.0039", -1},
		{"20101121", "20101122", -1},
		{"2_0", "2.0", 0},
		{"a", "a+", 0},
		{"+a", "_a", 0},
		{"1.0~rc1", "1.0", -1},
		{"1.0~rc1", "1.0~rc2", -1},
		{"1.0~rc1~git123", "1.0~rc1", -1},
		{"1.0^", "1.0", 1},
		{"1.0^git1", "1.01", -1},
		{"1.0^20160101", "1.0.1", -1},
		{"1.0~rc1^git1", "1.0~rc1", 1},
		{"1.0^git1~pre", "1.0^git1", -1},
		{"", "1", -1},
		{"1", "", 1},
		{"^", "", 1},
		{"~", "", -1},
	} {
		if got := rpm.CompareVersions(tt.a, tt.b); got != tt.want {
			t.Errorf("%q and %q: %d, want %d", tt.a, tt.b, got, tt.want)
		}
		if got := rpm.CompareVersions(tt.b, tt.a); got != -tt.want {
			t.Errorf("%q and %q: %d, want %d", tt.b, tt.a, got, -tt.want)
		}
	}
}

func TestIndexNames(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"(a and (b or c >= 1))": {"a", "b", "c"},
		"(a if b)":              {"a", "!b"},
		"(a if b else c)":       {"a", "b", "c", "!b"},
		"(a or rpmlib(x))":      {"a"},
		"a":                     nil,
		"(a and":                nil,
	} {
		if got := (rpm.Dependency{Name: text}).IndexNames(); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func FuzzRich(f *testing.F) {
	for _, s := range []string{"(a and b)", "(a if (b or c) else d)", "(x(y) >= 1:2-3 with z)", "((((", "(a unless b)"} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, text string) {
		d := rpm.Dependency{Name: text}
		_, _ = d.Satisfied(func(rpm.Dependency) []*rpm.Package { return nil })
		d.IndexNames()
	})
}
