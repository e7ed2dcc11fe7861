package host_test

import (
	"strings"
	"testing"
)

// An empty value is what an unset variable leaves: an error that names it, for arguments and flags of
// whoever's plugin and of imgctl's own, unless the plugin says that it has a meaning.
func TestEmptyValues(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"demo", "rows", ""}, "COUNT is empty; is a variable of the script unset?"},
		{[]string{"demo", "delete", " ", "--yes"}, "NAME is empty"},
		{[]string{"demo", "flags", "", "--force"}, "FIRST is empty"},
		{[]string{"demo", "flags", "a", "--force", "--names", ""}, "--names is empty"},
		{[]string{"demo", "flags", "a", "--force", "--names=x,,y"}, `--names: a part of "x,,y" is empty`},
		{[]string{"demo", "flags", "a", "--force", "--property", "k="}, `--property: a part of "k=" is empty`},
		{[]string{"demo", "flags", "a", "--force", "--property", "=v"}, `--property: a part of "=v" is empty`},
		{[]string{"demo", "flags", "a", "--force", "--colour", ""}, "--colour is empty"},
		{[]string{"demo", "flags", "a", "--force", "--span", ""}, "--span is empty"},
		{[]string{"demo", "flags", "a", "--force", "--file="}, "--file is empty"},
		{[]string{"demo", "flags", "a", "--force", "--password", ""}, "--password is empty"},
		{[]string{"demo", "rows", "--os-cloud", ""}, "--os-cloud is empty"},
		{[]string{"--os-project-name=", "demo", "rows"}, "--os-project-name is empty"},
		{[]string{"demo", "rows", "-c", ""}, "--column is empty"},
		{[]string{"demo", "rows", "--sort-column", ""}, "--sort-column is empty"},
		{[]string{"demo", "rows", "-f", ""}, "--format is empty"},
		{[]string{"demo", "rows", "--timeout", ""}, "--timeout is empty"},
		{[]string{"demo", "show", "-f", "shell", "--prefix", ""}, "--prefix is empty"},
		{[]string{"plugin", "trust", "demo", "--cloud", ""}, "--cloud is empty"},
		{[]string{"plugin", "show", ""}, "NAME is empty"},
		{[]string{"completion", ""}, "SHELL is empty"},
	} {
		w.bad(2, c.want, c.args...)
	}
	if out := w.good("demo", "flags", "a", "", "--force", "--text", "", "-f", "value", "-c", "args", "-c",
		"text"); out != "[\"a\", \"\"]\n\n" {
		t.Errorf("what may be empty: %q", out)
	}
}

// A plugin that can't be used is the cause, whatever flags the command line has.
func TestARefusedPluginIsTheCause(t *testing.T) {
	t.Parallel()
	for _, own := range []bool{true, false} {
		w := alone(t)
		folder := w.path("alone/libexec/imgctl/plugins")
		var path string
		if own {
			w = installed(t)
			path = w.path(".local/share/imgctl/plugins/imgctl-demo")
		} else {
			path = put(t, packaged(), folder, "demo")
			write(t, folder+"/SHA256SUMS", sha256Of(t, path)+"  imgctl-demo\n")
		}
		w.good("demo", "show")
		appendTo(t, path)
		for _, args := range []string{
			"demo show", "demo show -f json", "demo rows --no-such --sort-column x 3", "demo show --help", "--os-cloud a demo show -f json",
			"demo", "help demo show",
			"demo flags --names ''",
		} {
			w.bad(6, "is not the file that", strings.Fields(args)...)
		}
	}
}

// A flag without a value is shown as one, and a noun's page has no list of the flags that all have.
func TestHelpIsToThePoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	page := w.good("demo", "flags", "--help")
	for _, wrong := range []string{"[=", "--verbose count", "--force bool", "--insecure bool"} {
		if strings.Contains(page, wrong) {
			t.Errorf("%q in\n%s", wrong, page)
		}
	}
	for _, want := range []string{"--os-project-domain-name NAME", "--os-user-domain-id ID", "-v, --verbose  ", "--force  "} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
	group := w.good("demo", "--help")
	if strings.Contains(group, "--os-cloud") || !strings.HasPrefix(group, "Do everything that a plugin can\n") ||
		!strings.Contains(group, "global flags are listed by imgctl --help") {
		t.Errorf("%s", group)
	}
	for _, args := range []string{"demo rows 1 -v", "demo rows 1 -vv", "demo rows 1 --verbose --verbose", "demo rows 1 --verbose=2"} {
		w.good(strings.Fields(args)...)
	}
}
