package hotfix_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/transaction"
	"github.com/imgctl/packer-plugin-openstack/test/hotfix/rpmtest"
)

// setsEnv is how many sets are generated; make test-hotfix has 200.
const setsEnv = "IMGCTL_HOTFIX_SETS"

// generator makes packages over a small world of paths, so that they meet.
type generator struct{ *rand.Rand }

func (g generator) one(of ...string) string { return of[g.IntN(len(of))] }

func (g generator) odds(of int) bool { return g.IntN(of) == 0 }

// file is one at a path whose kind depends on the seed of the set, so that most packages agree on it.
func (g generator) file(path string) file {
	f := file{Path: path, Content: g.one("", "1", "2", "3")}
	f.User, f.Group = g.one("root", "root", "root", "nova"), g.one("root", "root", "kvm")
	switch {
	case g.odds(8):
		f.Link = g.one("elsewhere", "/usr/lib/elsewhere", "../elsewhere")
	case path[:5] == "/etc/":
		f.Config = g.one("", config, noreplace, noreplace)
		f.MissingOK = f.Config != "" && g.odds(6)
		f.Ghost = g.odds(8)
	case g.odds(10):
		f.Caps, f.Mode = g.one("cap_net_raw=ep", "cap_setuid=p", "cap_net_admin,cap_chown=eip"), 0o755
	case g.odds(12):
		f.Ghost = true
	case g.odds(11):
		f.Doc = true
	}
	if f.Mode == 0 && !g.odds(3) {
		f.Mode = []int{0o644, 0o600, 0o755, 0o4755, 0o2711}[g.IntN(5)]
	}
	return f
}

// files are some of a package's own folder, and few that others may have, too.
func (g generator) files(name string) (all []file) {
	seen := map[string]bool{}
	add := func(f file) {
		if !seen[f.Path] {
			seen[f.Path] = true
			all = append(all, f)
		}
	}
	for _, dir := range []string{"/usr/share/" + name, "/usr/share/" + name + "/sub", "/var/lib/" + name} {
		if g.odds(2) {
			add(file{Path: dir, Folder: true, Mode: []int{0o755, 0o750, 0o1777}[g.IntN(3)], User: g.one("root", "nova")})
		}
		for range g.IntN(4) {
			add(g.file(dir + "/" + g.one("a", "b", "c", "d", "e-with-a-long-name-"+long)))
		}
	}
	for range g.IntN(3) {
		add(g.file("/etc/" + name + "." + g.one("conf", "ini", "d/x")))
	}
	if g.odds(3) && len(all) > 0 {
		for _, f := range all {
			// rpm takes set-user-ID bits and capabilities from other links of a file that it removes; a layer can't.
			if !f.Folder && f.Link == "" && !f.Ghost && f.Config == "" && f.Caps == "" && f.Mode&0o6000 == 0 {
				h := f
				h.Path, h.Hard, h.Content = "/usr/share/"+name+"-hard/"+g.one("1", "2"), f.Path, ""
				add(h)
				break
			}
		}
	}
	if g.odds(3) {
		add(file{Path: "/usr/lib/shared", Content: g.one("same", "same", "same", "other")})
	}
	return all
}

func (g generator) packages(count int, version func() string) (all []pkg) {
	for k := range count {
		name := fmt.Sprintf("p%d", k)
		if g.odds(4) {
			continue
		}
		p := pkg{Name: name, Version: version(), Release: g.one("1", "2"), Arch: g.one("noarch", "noarch", "x86_64"), Files: g.files(name)}
		if g.odds(6) {
			p.Epoch = g.one("1", "2")
		}
		if g.odds(3) {
			p.Provides = append(p.Provides, g.one("virtual", "virtual = 2", "virtual(x) = "+p.Version))
		}
		if g.odds(6) {
			p.Requires = append(p.Requires, g.one("virtual", "p0 >= 1", "/usr/lib/shared", "(p1 or p2)", "(p1 if p2)"))
		}
		if g.odds(10) {
			p.Conflicts = append(p.Conflicts, g.one("virtual > 5", "p0 < 1", "p3"))
		}
		if g.odds(6) {
			p.Obsoletes = append(p.Obsoletes, g.one("p0 < 0.5", "p"+strconv.Itoa(g.IntN(count)), "nothing"))
		}
		if g.odds(5) {
			p.Recommends = append(p.Recommends, "(virtual if p1)")
		}
		all = append(all, p)
	}
	if len(all) == 0 {
		all = append(all, pkg{Name: "p0", Version: version()})
	}
	return all
}

// changes are what an image's maker did after installing packages.
func (g generator) changes(before []pkg) (all []func(*testing.T, string)) {
	for _, p := range before {
		for _, f := range p.Files {
			if f.Folder || !g.odds(5) {
				continue
			}
			switch {
			case f.Ghost || f.Config != "" && g.odds(2):
				all = append(all, write(f.Path, g.one("mine", "1", "2")))
			case f.Config != "" && g.odds(3):
				all = append(all, link("elsewhere", f.Path))
			case g.odds(2):
				all = append(all, remove(f.Path))
			default:
				all = append(all, write(f.Path+".mine", "mine"))
			}
		}
	}
	return all
}

// TestGeneratedSets compares installations of generated packages with rpm's.
func TestGeneratedSets(t *testing.T) {
	t.Parallel()
	rpmtest.Need(t)
	sets := 10
	if text := os.Getenv(setsEnv); text != "" {
		var err error
		if sets, err = strconv.Atoi(text); err != nil {
			t.Fatalf("%s: %v", setsEnv, err)
		}
	}
	for seed := range sets {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			t.Parallel()
			g := generator{rand.New(rand.NewPCG(uint64(seed), 20261126))}
			before := g.packages(5, func() string { return g.one("1", "1.0", "1.1~rc1") })
			after := g.packages(6, func() string { return g.one("1.1", "2", "2.0^git1", "10") })
			base := rpmtest.NewRoot(t, rpmtest.Build(t, "", before...))
			root := rpmtest.Copy(t, base)
			for _, change := range g.changes(before) {
				change(t, root)
			}
			payload := g.one("w1.gzdio", "w1.zstdio", "w0.xzdio")
			o, flags := transaction.Options{}, []string(nil)
			if !g.odds(4) {
				o.IgnoreDependencies, flags = true, append(flags, "--nodeps")
			}
			if !g.odds(4) {
				o.Downgrade, flags = true, append(flags, "--oldpackage")
			}
			if g.odds(2) {
				o.ReplaceFiles, flags = true, append(flags, "--replacefiles")
			}
			p := compare(t, base, root, rpmtest.Build(t, payload, after...), o, flags...)
			t.Logf("%d packages, then %d, %d go; problems: %q", len(before), len(after), len(p.Removed), p.Problems)
		})
	}
}
