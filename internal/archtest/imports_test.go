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

// layers says what each of our folders may import of ours: an import points down, never up and
// never sideways. "dir/..." stands for a folder and all below it. The first row that fits counts.
var layers = []struct {
	folder string
	may    []string
}{
	{".", []string{"builder/...", "post-processor/...", "datasource/...", "provisioner/...", "version"}},
	{"builder/...", packer},
	{"post-processor/promote", slices.Concat(packer, []string{"internal/image/promote"})},
	{"datasource/catalog", slices.Concat(packer, []string{"internal/aquilon/profile"})},
	{"datasource/...", packer},
	{"provisioner/...", slices.Concat(packer, []string{"internal/aquilon/quattor"})},

	{"internal/fault", nil},
	{"internal/report", nil},
	{"internal/openstack/cloud", ground},
	{"internal/openstack/...", clients},
	{"internal/image/promote", clients},
	{"internal/image/share", clients},
	// Only promote can tell the claim of a dead promotion from that of a living one.
	{"internal/image/sweep", slices.Concat(clients, []string{"internal/image/promote"})},
	{"internal/aquilon/profile", clients},
	{"internal/aquilon/convert", slices.Concat(ground, []string{"internal/aquilon/profile"})},
	{"internal/aquilon/quattor", clients},

	{"plugins/sdk/...", []string{"plugins/sdk/..."}},
	{"plugins/internal/bridge", slices.Concat(clients, []string{"internal/image/promote", "plugins/sdk/..."})},
	{"plugins/sandbox", []string{"plugins/sdk/...", "sandbox", "sandbox/program", "internal/fault", "version"}},
	{"plugins/promote", slices.Concat(door, []string{"internal/image/promote"})},
	{"plugins/share", slices.Concat(door, []string{"internal/image/share"})},
	{"plugins/sweep", slices.Concat(door, []string{"internal/image/sweep"})},
	{"plugins/catalog", slices.Concat(door, []string{"internal/aquilon/profile", "internal/aquilon/convert"})},
	{"plugins/...", door},
	{"internal/host/...", []string{"internal/host/...", "internal/openstack/cloud", "internal/openstack/glance", "internal/fault", "internal/report", "plugins/sdk/...", "version"}},
	{"cmd/imgctl", []string{"internal/host/...", "internal/fault", "plugins/sdk/...", "version"}},

	{"sandbox/internal/...", []string{"sandbox/internal/..."}},
	{"sandbox", []string{"sandbox/internal/..."}},
	{"sandbox/...", []string{"sandbox", "sandbox/internal/..."}},
	{"cmd/imgctl-sandbox", []string{"sandbox/program", "version"}},

	{"internal/archtest", nil},
	{"version", nil},

	// What shows or judges the product from outside may use any of it.
	{"example/...", anything},
	{"test/...", anything},
	{"tools/...", anything},
}

var (
	ground   = []string{"internal/fault", "internal/report", "internal/change"}
	clients  = slices.Concat(ground, []string{"internal/openstack/cloud", "internal/openstack/glance"})
	packer   = slices.Concat(clients, []string{"version"})
	door     = slices.Concat(clients, []string{"plugins/sdk/...", "plugins/internal/bridge", "version"})
	anything = []string{"..."}
)

// forTests is what the tests of any package may import on top: a cloud to talk to.
var forTests = []string{"sandbox", "sandbox/sandboxtest"}

// notOurs are modules that no package may depend on, however far down.
var notOurs = map[string]string{
	"github.com/hashicorp/packer":  "Packer itself has another licence and other pins; it belongs to the tools module",
	"github.com/stretchr/testify":  "tests use the standard library and go-cmp",
	"github.com/golang/mock":       "tests talk to the sandbox, not to mocks",
	"go.uber.org/mock":             "tests talk to the sandbox, not to mocks",
	"github.com/gophercloud/utils": "gophercloud v2 reads clouds.yaml itself",
}

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
			t.Errorf("%s has no place in the table of layers: give it one, with what it may import", p.folder())
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
	for _, l := range layers {
		if fits(l.folder, folder) {
			return l.may, true
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
		{"out of the sandbox", pkg{ImportPath: module + "/sandbox/internal/service/nova", Imports: []string{module + "/internal/fault"}}, true},
		{"product on the sandbox", pkg{ImportPath: module + "/internal/openstack/cloud", Imports: []string{module + "/sandbox"}}, true},
		{"test on the sandbox", pkg{ImportPath: module + "/internal/openstack/cloud", XTestImports: []string{module + "/sandbox/sandboxtest"}}, false},
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
		for _, d := range slices.Concat(p.Deps, p.TestImports, p.XTestImports) {
			for out, why := range notOurs {
				if d == out || strings.HasPrefix(d, out+"/") {
					t.Errorf("%s depends on %s: %s", p.folder(), d, why)
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
