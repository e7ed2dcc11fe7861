package hotfix_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/transaction"
	"github.com/imgctl/packer-plugin-openstack/test/hotfix/rpmtest"
)

type (
	pkg  = rpmtest.Package
	file = rpmtest.File
)

// write, remove and link change an image after its packages were installed.
func write(path, text string) func(*testing.T, string) {
	return func(t *testing.T, root string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, path)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, path), []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
}

func remove(path string) func(*testing.T, string) {
	return func(t *testing.T, root string) {
		t.Helper()
		if err := os.RemoveAll(filepath.Join(root, path)); err != nil {
			t.Fatal(err)
		}
	}
}

func link(target, path string) func(*testing.T, string) {
	return func(t *testing.T, root string) {
		t.Helper()
		if err := os.RemoveAll(filepath.Join(root, path)); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, filepath.Join(root, path)); err != nil {
			t.Fatal(err)
		}
	}
}

const (
	config    = "%config"
	noreplace = "%config(noreplace)"
)

func conf(kind, text string) file { return file{Path: "/etc/a.conf", Content: text, Config: kind} }

// many are n files in a few folders.
func many(n int, content string) (all []file) {
	for k := range n {
		all = append(all, file{Path: fmt.Sprintf("/usr/share/many/%03d/%d", k%100, k), Content: content + fmt.Sprint(k%7)})
	}
	return all
}

var long = strings.Repeat("a-long-name-", 15)

var cases = map[string]struct {
	before, after []pkg
	change        []func(*testing.T, string)
	payload       string
	o             transaction.Options
	problem       string // "" is none
	flags         []string
}{
	"new package": {nil, []pkg{{Name: "a", Files: []file{{Path: "/usr/bin/a", Content: "a", Mode: 0o755}}}}, nil, "", transaction.Options{}, "", nil},
	"upgrade": {
		[]pkg{{Name: "a", Files: []file{{Path: "/usr/lib/a", Content: "1"}}}},
		[]pkg{{Name: "a", Version: "2", Files: []file{{Path: "/usr/lib/a", Content: "2"}}}},
		nil, "",
		transaction.Options{},
		"", nil,
	},
	"downgrade": {
		[]pkg{{Name: "a", Version: "2"}}, []pkg{{Name: "a", Version: "1"}}, nil, "", transaction.Options{}, "newer", nil,
	},
	"downgrade that is asked for": {
		[]pkg{{Name: "a", Version: "2", Files: []file{{Path: "/usr/lib/a2", Content: "1"}}}},
		[]pkg{{Name: "a", Version: "1", Files: []file{{Path: "/usr/lib/a1", Content: "1"}}}},
		nil, "",
		transaction.Options{Downgrade: true},
		"",
		[]string{"--oldpackage"},
	},
	"installed already": {[]pkg{{Name: "a"}}, []pkg{{Name: "a"}}, nil, "", transaction.Options{}, "already", nil},
	"epoch": {
		[]pkg{{Name: "a", Version: "9"}}, []pkg{{Name: "a", Version: "1", Epoch: "1"}}, nil, "", transaction.Options{}, "", nil,
	},
	"older epoch": {
		[]pkg{{Name: "a", Version: "1", Epoch: "1"}}, []pkg{{Name: "a", Version: "9"}}, nil, "", transaction.Options{}, "newer", nil,
	},
	"obsoletes": {
		[]pkg{{Name: "old", Files: []file{{Path: "/usr/lib/old", Content: "x"}, {Path: "/usr/lib/both", Content: "x"}}}},
		[]pkg{{Name: "new", Obsoletes: []string{"old < 2"}, Provides: []string{"old = 2"}, Files: []file{{Path: "/usr/lib/both", Content: "y"}}}},
		nil, "",
		transaction.Options{},
		"", nil,
	},
	"x86_64 and noarch": {
		[]pkg{{Name: "a", Arch: "x86_64", Files: []file{{Path: "/usr/lib/a", Content: "1"}}}, {Name: "b"}},
		[]pkg{{Name: "a", Version: "2", Arch: "x86_64", Files: []file{{Path: "/usr/lib/a", Content: "2"}}}, {Name: "b", Version: "2"}},
		nil, "",
		transaction.Options{},
		"", nil,
	},
	"config that was changed, noreplace": {
		[]pkg{{Name: "a", Files: []file{conf(noreplace, "1")}}},
		[]pkg{{Name: "a", Version: "2", Files: []file{conf(noreplace, "2")}}},
		[]func(*testing.T, string){write("etc/a.conf", "mine")},
		"",
		transaction.Options{},
		"", nil,
	},
	"config that was changed": {
		[]pkg{{Name: "a", Files: []file{conf(config, "1")}}},
		[]pkg{{Name: "a", Version: "2", Files: []file{conf(config, "2")}}},
		[]func(*testing.T, string){write("etc/a.conf", "mine")},
		"",
		transaction.Options{},
		"", nil,
	},
	"config that was changed, and stays the same": {
		[]pkg{{Name: "a", Files: []file{conf(config, "1")}}},
		[]pkg{{Name: "a", Version: "2", Files: []file{conf(config, "1")}}},
		[]func(*testing.T, string){write("etc/a.conf", "mine")},
		"",
		transaction.Options{},
		"", nil,
	},
	"config that was changed to the new one": {
		[]pkg{{Name: "a", Files: []file{conf(config, "1")}}},
		[]pkg{{Name: "a", Version: "2", Files: []file{conf(config, "2")}}},
		[]func(*testing.T, string){write("etc/a.conf", "2")},
		"",
		transaction.Options{},
		"", nil,
	},
	"config that was changed, and goes": {
		[]pkg{{Name: "a", Files: []file{conf(config, "1")}}},
		[]pkg{{Name: "a", Version: "2"}},
		[]func(*testing.T, string){write("etc/a.conf", "mine")},
		"",
		transaction.Options{},
		"", nil,
	},
	"config that goes": {
		[]pkg{{Name: "a", Files: []file{conf(config, "1")}}}, []pkg{{Name: "a", Version: "2"}}, nil, "", transaction.Options{}, "", nil,
	},
	"config that was deleted": {
		[]pkg{{Name: "a", Files: []file{conf(noreplace, "1")}}},
		[]pkg{{Name: "a", Version: "2", Files: []file{conf(noreplace, "2")}}},
		[]func(*testing.T, string){remove("etc/a.conf")},
		"",
		transaction.Options{},
		"", nil,
	},
	"config that was deleted, and may be missing": {
		[]pkg{{Name: "a", Files: []file{conf(noreplace, "1")}}},
		[]pkg{{Name: "a", Version: "2", Files: []file{{Path: "/etc/a.conf", Content: "2", Config: noreplace, MissingOK: true}}}},
		[]func(*testing.T, string){remove("etc/a.conf")},
		"",
		transaction.Options{},
		"", nil,
	},
	"config that became a link": {
		[]pkg{{Name: "a", Files: []file{conf(noreplace, "1")}}},
		[]pkg{{Name: "a", Version: "2", Files: []file{conf(noreplace, "2")}}},
		[]func(*testing.T, string){link("b.conf", "etc/a.conf")},
		"",
		transaction.Options{},
		"", nil,
	},
	"config no more": {
		[]pkg{{Name: "a", Files: []file{conf(noreplace, "1")}}},
		[]pkg{{Name: "a", Version: "2", Files: []file{conf("", "2")}}},
		[]func(*testing.T, string){write("etc/a.conf", "mine")},
		"",
		transaction.Options{},
		"", nil,
	},
	"config where nobody's file is": {
		nil,
		[]pkg{{Name: "a", Files: []file{conf(config, "1")}}},
		[]func(*testing.T, string){write("etc/a.conf", "mine")},
		"",
		transaction.Options{},
		"", nil,
	},
	"config where nobody's file is, noreplace": {
		nil,
		[]pkg{{Name: "a", Files: []file{conf(noreplace, "1")}}},
		[]func(*testing.T, string){write("etc/a.conf", "mine")},
		"",
		transaction.Options{},
		"", nil,
	},
	"ghosts": {
		[]pkg{{Name: "a", Files: []file{{Path: "/var/log/a", Ghost: true}, {Path: "/etc/b", Ghost: true, Config: config}, {Path: "/etc/c", Ghost: true}}}},
		[]pkg{{Name: "a", Version: "2", Files: []file{{Path: "/var/log/a", Ghost: true}, {Path: "/var/log/b", Ghost: true}}}},
		[]func(*testing.T, string){write("var/log/a", "x"), write("etc/b", "x"), write("etc/c", "x")},
		"",
		transaction.Options{},
		"", nil,
	},
	"a file becomes a folder": {
		[]pkg{{Name: "a", Files: []file{{Path: "/usr/lib/x", Content: "1"}}}},
		[]pkg{{Name: "a", Version: "2", Files: []file{{Path: "/usr/lib/x", Folder: true}, {Path: "/usr/lib/x/y", Content: "2"}}}},
		nil, "",
		transaction.Options{},
		"", nil,
	},
	"a folder becomes a file": {
		[]pkg{{Name: "a", Files: []file{{Path: "/usr/lib/x", Folder: true}}}},
		[]pkg{{Name: "a", Version: "2", Files: []file{{Path: "/usr/lib/x", Content: "1"}}}},
		nil, "",
		transaction.Options{},
		"/usr/lib/x", nil,
	},
	"a folder becomes a link": {
		[]pkg{{Name: "a", Files: []file{{Path: "/usr/lib/x", Folder: true}}}},
		[]pkg{{Name: "a", Version: "2", Files: []file{{Path: "/usr/lib/x", Link: "y"}}}},
		nil, "",
		transaction.Options{},
		"/usr/lib/x", nil,
	},
	"a link to a folder becomes a folder": {
		[]pkg{{Name: "a", Files: []file{{Path: "/usr/lib/x", Link: "y"}, {Path: "/usr/lib/y", Folder: true}}}},
		[]pkg{{Name: "a", Version: "2", Files: []file{{Path: "/usr/lib/x", Folder: true}, {Path: "/usr/lib/y", Folder: true}}}},
		nil, "",
		transaction.Options{},
		"/usr/lib/x", nil,
	},
	"a link becomes a file": {
		[]pkg{{Name: "a", Files: []file{{Path: "/usr/lib/x", Link: "y"}}}},
		[]pkg{{Name: "a", Version: "2", Files: []file{{Path: "/usr/lib/x", Content: "1"}}}},
		nil, "",
		transaction.Options{},
		"", nil,
	},
	"capabilities": {
		nil, []pkg{{Name: "a", Files: []file{
			{Path: "/usr/bin/a", Content: "a", Mode: 0o755, Caps: "cap_net_raw,cap_net_admin=ep"},
			{Path: "/usr/bin/b", Content: "b", Mode: 0o755, Caps: "cap_net_bind_service=p"},
			{Path: "/usr/bin/c", Content: "c", Mode: 0o755, Caps: "cap_setuid,cap_setgid=eip"},
		}}}, nil, "", transaction.Options{}, "", nil,
	},
	"hard links": {
		[]pkg{{Name: "a", Files: []file{{Path: "/usr/lib/1", Content: "1"}, {Path: "/usr/lib/2", Hard: "/usr/lib/1"}}}},
		[]pkg{{Name: "a", Version: "2", Files: []file{
			{Path: "/usr/lib/2", Content: "22"},
			{Path: "/usr/lib/3", Hard: "/usr/lib/2"},
			{Path: "/usr/lib/1", Hard: "/usr/lib/2"},
			{Path: "/usr/lib/e1", Content: ""},
			{Path: "/usr/lib/e2", Hard: "/usr/lib/e1"},
		}}},
		nil, "",
		transaction.Options{},
		"", nil,
	},
	"long names": {
		nil, []pkg{{Name: "a", Files: []file{
			{Path: "/usr/lib/" + long + "/" + long, Content: "1"},
			{Path: "/usr/lib/link", Link: long + "/" + long},
			{Path: "/usr/lib/" + long + "/hard", Hard: "/usr/lib/" + long + "/" + long},
		}}}, nil, "", transaction.Options{}, "", nil,
	},
	"5000 files": {
		[]pkg{{Name: "a", Files: many(5000, "x")}}, []pkg{{Name: "a", Version: "2", Files: many(4900, "y")}}, nil, "", transaction.Options{}, "", nil,
	},
	"zstd":  {nil, []pkg{{Name: "a", Files: many(50, "x")}}, nil, "w3.zstdio", transaction.Options{}, "", nil},
	"xz":    {nil, []pkg{{Name: "a", Files: many(50, "x")}}, nil, "w6.xzdio", transaction.Options{}, "", nil},
	"lzma":  {nil, []pkg{{Name: "a", Files: many(50, "x")}}, nil, "w6.lzdio", transaction.Options{}, "", nil},
	"bzip2": {nil, []pkg{{Name: "a", Files: many(50, "x")}}, nil, "w6.bzdio", transaction.Options{}, "", nil},
	"plain": {nil, []pkg{{Name: "a", Files: many(50, "x")}}, nil, "w.ufdio", transaction.Options{}, "", nil},
	"owners": {
		nil, []pkg{{Name: "a", Files: []file{
			{Path: "/var/lib/a", Folder: true, User: "nova", Group: "kvm", Mode: 0o2770},
			{Path: "/usr/bin/a", Content: "a", User: "nobody-known", Group: "kvm", Mode: 0o6755},
			{Path: "/usr/bin/b", Content: "a", User: "nova", Group: "none-known", Mode: 0o6755},
		}}}, nil, "", transaction.Options{}, "", nil,
	},
	"through a link of the image": {
		nil,
		[]pkg{{Name: "a", Files: []file{{Path: "/lib/x/a", Content: "1"}, {Path: "/lib/b", Content: "1"}}}},
		nil, "",
		transaction.Options{},
		"", nil,
	},
	"into a linked folder": {
		[]pkg{{Name: "a", Files: []file{{Path: "/var/log/a", Folder: true}}}},
		[]pkg{{Name: "a", Version: "2", Files: []file{{Path: "/var/log/a", Folder: true, Mode: 0o700}, {Path: "/var/log/a/x", Content: "1"}}}},
		[]func(*testing.T, string){write("var/log/other/mine", "1"), link("other", "var/log/a")},
		"",
		transaction.Options{},
		"", nil,
	},
	"a folder with somebody's file stays": {
		[]pkg{{Name: "a", Files: []file{{Path: "/usr/lib/x", Folder: true}, {Path: "/usr/lib/x/y", Content: "1"}, {Path: "/usr/lib/z", Folder: true}}}},
		[]pkg{{Name: "a", Version: "2"}},
		[]func(*testing.T, string){write("usr/lib/x/mine", "x")},
		"",
		transaction.Options{},
		"", nil,
	},
	"a file that two share": {
		[]pkg{{Name: "a", Files: []file{{Path: "/usr/lib/x", Content: "1"}}}, {Name: "b", Files: []file{{Path: "/usr/lib/x", Content: "1"}}}},
		[]pkg{{Name: "a", Version: "2"}},
		nil, "",
		transaction.Options{},
		"", nil,
	},
	"a file of another package": {
		[]pkg{{Name: "b", Files: []file{{Path: "/usr/lib/x", Content: "1"}}}},
		[]pkg{{Name: "a", Files: []file{{Path: "/usr/lib/x", Content: "2"}}}},
		nil, "",
		transaction.Options{},
		"/usr/lib/x", nil,
	},
	"a file of another package, taken over": {
		[]pkg{{Name: "b", Files: []file{{Path: "/usr/lib/w", Content: "1"}, {Path: "/usr/lib/x", Content: "1"}}}},
		[]pkg{{Name: "a", Files: []file{{Path: "/usr/lib/x", Content: "2"}}}},
		nil, "",
		transaction.Options{ReplaceFiles: true},
		"",
		[]string{"--replacefiles"},
	},
	"files of two new packages": {
		nil, []pkg{
			{Name: "a", Files: []file{{Path: "/usr/lib/x", Content: "1", Mode: 0o600}}}, {Name: "b", Files: []file{{Path: "/usr/lib/x", Content: "1"}}},
		}, nil, "", transaction.Options{}, "/usr/lib/x", nil,
	},
	"a missing dependency": {nil, []pkg{{Name: "a", Requires: []string{"b >= 2"}}}, nil, "", transaction.Options{}, "b >= 2", nil},
	"a dependency that comes along": {
		[]pkg{{Name: "b"}}, []pkg{{Name: "a", Requires: []string{"b >= 2"}}, {Name: "b", Version: "2"}}, nil, "", transaction.Options{}, "", nil,
	},
	"a dependency on a file": {
		[]pkg{{Name: "b", Files: []file{{Path: "/usr/lib/x", Content: "1"}}}}, []pkg{{Name: "a", Requires: []string{"/usr/lib/x"}}}, nil, "", transaction.Options{}, "", nil,
	},
	"a dependency that breaks": {
		[]pkg{{Name: "b"}, {Name: "c", Requires: []string{"b = 1"}}}, []pkg{{Name: "b", Version: "2"}}, nil, "", transaction.Options{}, "b = 1", nil,
	},
	"a file dependency that breaks": {
		[]pkg{{Name: "b", Files: []file{{Path: "/usr/lib/x", Content: "1"}}}, {Name: "c", Requires: []string{"/usr/lib/x"}}},
		[]pkg{{Name: "b", Version: "2"}},
		nil, "",
		transaction.Options{},
		"/usr/lib/x", nil,
	},
	"rich dependencies": {
		[]pkg{{Name: "b", Version: "3"}},
		[]pkg{{
			Name:     "a",
			Requires: []string{"(b >= 2 or c)", "(x if y)", "(b if a else z)", "(b with b >= 1)", "(b and (a or q))", "(b without b > 4)"},
			Provides: []string{"p(x) = 1"},
		}},
		nil, "",
		transaction.Options{},
		"", nil,
	},
	"a rich dependency that is missing": {[]pkg{{Name: "b"}}, []pkg{{Name: "a", Requires: []string{"(c if b)"}}}, nil, "", transaction.Options{}, "(c if b)", nil},
	"a conflict":                        {[]pkg{{Name: "b"}}, []pkg{{Name: "a", Conflicts: []string{"b < 2"}}}, nil, "", transaction.Options{}, "b < 2", nil},
	"a conflict of an installed one":    {[]pkg{{Name: "b", Conflicts: []string{"a"}}}, []pkg{{Name: "a"}}, nil, "", transaction.Options{}, "conflicts", nil},
	"a conflict with itself":            {nil, []pkg{{Name: "a", Provides: []string{"v"}, Conflicts: []string{"v"}}}, nil, "", transaction.Options{}, "", nil},
	"obsoleted by an installed one":     {[]pkg{{Name: "b", Obsoletes: []string{"a"}}}, []pkg{{Name: "a"}}, nil, "", transaction.Options{}, "obsoletes", nil},
	"weak dependencies": {
		nil,
		[]pkg{{Name: "a", Recommends: []string{"r", "(r if q)"}, Suggest: []string{"s"}, Supplements: []string{"(b and c)"}, Enhances: []string{"e"}}},
		nil, "",
		transaction.Options{},
		"", nil,
	},
	"a file was deleted in the image": {
		[]pkg{{Name: "a", Files: []file{{Path: "/usr/share/a", Folder: true}, {Path: "/usr/share/a/x", Content: "1"}}}},
		[]pkg{{Name: "a", Version: "2", Files: []file{{Path: "/usr/share/b", Content: "1"}}}},
		[]func(*testing.T, string){remove("usr/share/a")},
		"",
		transaction.Options{},
		"", nil,
	},
	"documentation": {
		nil,
		[]pkg{{Name: "a", Files: []file{{Path: "/usr/share/doc/a/README", Content: "x", Doc: true}}}},
		nil, "",
		transaction.Options{},
		"", nil,
	},
}

// TestAsRPM compares each case with rpm: whether it is refused, files, database, answers.
func TestAsRPM(t *testing.T) {
	t.Parallel()
	rpmtest.Need(t)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var folders []string
			if len(c.before) > 0 {
				folders = append(folders, rpmtest.Build(t, "", c.before...))
			}
			base := rpmtest.NewRoot(t, folders...)
			root := rpmtest.Copy(t, base)
			for _, change := range c.change {
				change(t, root)
			}
			p := compare(t, base, root, rpmtest.Build(t, c.payload, c.after...), c.o, c.flags...)
			switch err := p.Err(); {
			case c.problem == "" && err != nil:
				t.Errorf("it is refused: %v", err)
			case c.problem != "" && (err == nil || !strings.Contains(err.Error(), c.problem)):
				t.Errorf("got %v, want it refused because of %s", err, c.problem)
			}
		})
	}
}
