package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/imgctl/packer-plugin-openstack"

type pkg struct {
	ImportPath, Name string
	Imports          []string
	TestImports      []string
	XTestImports     []string
	Deps             []string
}

// folder is the package's folder inside the module, "." for the root.
func (p pkg) folder() string { return folder(p.ImportPath) }

func folder(importPath string) string {
	if importPath == module {
		return "."
	}
	return strings.TrimPrefix(importPath, module+"/")
}

func list(t *testing.T) []pkg {
	t.Helper()
	all, err := packages()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// packages are all of the module, asked for once.
var packages = sync.OnceValues(func() (all []pkg, err error) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Name,Imports,TestImports,XTestImports,Deps", module+"/...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("listing packages: %w\n%s", err, stderr.String())
	}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		switch err := d.Decode(&p); {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, fmt.Errorf("reading go list: %w", err)
		}
		all = append(all, p)
	}
})

func TestImportsPointDown(t *testing.T) {
	t.Parallel()
	for _, p := range list(t) {
		may, ok := allowed(p.folder())
		if !ok {
			t.Errorf("%s has no row in the house: give it one, with what it may import", p.folder())
			continue
		}
		for _, breach := range breaches(p, may) {
			t.Error(breach)
		}
	}
}

// breaches are p's imports of ours that may doesn't cover.
func breaches(p pkg, may []string) []string {
	var found []string
	check := func(imports, may []string, who string) {
		for _, i := range imports {
			if i != module && !strings.HasPrefix(i, module+"/") || i == p.ImportPath {
				continue
			}
			if !slices.ContainsFunc(may, func(pattern string) bool { return fits(pattern, folder(i)) }) {
				found = append(found, p.folder()+who+" imports "+folder(i)+", which the layers don't allow")
			}
		}
	}
	check(p.Imports, may, "")
	check(p.TestImports, slices.Concat(may, forTests), " (test)")
	check(p.XTestImports, slices.Concat(may, forTests), " (test)")
	return found
}

func allowed(folder string) (may []string, ok bool) {
	for _, f := range house {
		for _, r := range f.rows {
			if fits(r.folder, folder) {
				return r.may, true
			}
		}
	}
	return nil, false
}

func fits(pattern, folder string) bool {
	dir, below := strings.CutSuffix(pattern, "...")
	if !below {
		return pattern == folder
	}
	return strings.HasPrefix(folder+"/", dir)
}

func TestLayersCatchABreach(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		p      pkg
		breach bool
	}{
		{"down", pkg{ImportPath: module + "/internal/image/promote", Imports: []string{module + "/internal/openstack/glance"}}, false},
		{"up", pkg{ImportPath: module + "/internal/openstack/glance", Imports: []string{module + "/internal/image/promote"}}, true},
		{"sideways", pkg{ImportPath: module + "/datasource/image", Imports: []string{module + "/builder/openstack"}}, true},
		{
			"out of the sandbox",
			pkg{ImportPath: module + "/sandbox/internal/service/nova", Imports: []string{module + "/internal/fault"}},
			true,
		},
		{"product on the sandbox", pkg{ImportPath: module + "/internal/openstack/cloud", Imports: []string{module + "/sandbox"}}, true},
		{"test on the sandbox", pkg{
			ImportPath:   module + "/internal/openstack/cloud",
			XTestImports: []string{module + "/sandbox/sandboxtest"},
		}, false},
		{"somebody else's", pkg{ImportPath: module + "/internal/fault", Imports: []string{"golang.org/x/sync/errgroup"}}, false},
	} {
		may, ok := allowed(c.p.folder())
		if !ok {
			t.Errorf("%s: %s has no layer", c.name, c.p.folder())
		}
		if got := breaches(c.p, may); (len(got) > 0) != c.breach {
			t.Errorf("%s: breaches %q, want some: %v", c.name, got, c.breach)
		}
	}
}

func TestNothingDependsOnWhatStaysOut(t *testing.T) {
	t.Parallel()
	for _, p := range list(t) {
		for _, s := range stays {
			deps := p.Deps
			if s.folder == "..." { // elsewhere tests are clients, too
				deps = slices.Concat(p.Deps, p.TestImports, p.XTestImports)
			}
			folder, product := strings.CutSuffix(s.folder, "!")
			if !fits(folder, p.folder()) || product && strings.HasSuffix(p.Name, "test") {
				continue
			}
			for _, d := range deps {
				if d == s.module || strings.HasPrefix(d, s.module+"/") {
					t.Errorf("%s depends on %s: %s", p.folder(), d, s.why)
				}
			}
		}
	}
}

func TestPackagesAreNamedForWhatTheyDo(t *testing.T) {
	t.Parallel()
	vague := []string{"util", "utils", "common", "helper", "helpers", "types", "misc", "base", "shared", "lib"}
	for _, p := range list(t) {
		if slices.Contains(vague, p.Name) || slices.Contains(vague, path.Base(p.ImportPath)) {
			t.Errorf("%s: the name says nothing; name the package for its one responsibility", p.folder())
		}
	}
}
