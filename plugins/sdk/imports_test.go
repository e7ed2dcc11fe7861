package sdk_test

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const sdkPath = "github.com/imgctl/packer-plugin-openstack/plugins/sdk"

// What the SDK imports, every plugin has to build, so that the list is short and stays so.
var (
	mayImport = []string{
		"github.com/hashicorp/go-hclog", "github.com/hashicorp/go-plugin", "google.golang.org/grpc", "google.golang.org/protobuf",
		"github.com/imgctl/packer-plugin-openstack/internal/outbound", // who may be sent what, and how often
	}
	mayImportToo = map[string]string{
		sdkPath + "/openstack":          "github.com/gophercloud/gophercloud/v2",
		sdkPath + "/plugintest/hostile": "github.com/gophercloud/gophercloud/v2",
	}
	// mayNeed are the modules that come with those.
	mayNeed = []string{
		"github.com/fatih/color", "github.com/golang/protobuf", "github.com/hashicorp/yamux", "github.com/mattn/go-colorable",
		"github.com/mattn/go-isatty", "github.com/oklog/run", "golang.org/x/net", "golang.org/x/sys", "golang.org/x/text",
		"google.golang.org/genproto/googleapis/rpc",
	}
)

func TestImportsArePinned(t *testing.T) {
	t.Parallel()
	packages := strings.Split(strings.TrimSpace(goList(t, "-f", `{{.ImportPath}} {{join .Imports " "}}`, sdkPath+"/...")), "\n")
	if len(packages) < 8 {
		t.Fatalf("there are %d packages only", len(packages))
	}
	for _, line := range packages {
		p, imports, _ := strings.Cut(line, " ")
		for i := range strings.FieldsSeq(imports) {
			std := !strings.Contains(strings.Split(i, "/")[0], ".")
			if !std && !within(i, sdkPath) && !slices.ContainsFunc(mayImport, func(m string) bool { return within(i, m) }) &&
				!within(i, mayImportToo[p]) {
				t.Errorf("%s imports %s", p, i)
			}
		}
	}
	type dependency struct {
		Module *struct{ Path string }
	}
	d := json.NewDecoder(strings.NewReader(goList(t, "-deps", "-json=Module", sdkPath)))
	for d.More() {
		var one dependency
		if err := d.Decode(&one); err != nil {
			t.Fatal(err)
		}
		if m := one.Module; m != nil && !within(sdkPath, m.Path) && !slices.Contains(mayImport, m.Path) &&
			!slices.Contains(mayNeed, m.Path) {
			t.Errorf("the SDK needs module %s", m.Path)
		}
	}
}

// within reports whether the package is in the module or below the package of that path.
func within(pkg, path string) bool {
	return path != "" && (pkg == path || strings.HasPrefix(pkg, path+"/"))
}

func goList(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...).Output()
	if err != nil {
		t.Fatalf("go list %v: %v", args, err)
	}
	return string(out)
}
