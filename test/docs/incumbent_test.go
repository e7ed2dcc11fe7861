package docs

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/test/packertest"
)

// The plugin whose templates have to work here unchanged.
const incumbent = "github.com/hashicorp/packer-plugin-openstack@v1.1.4"

// download fetches the module's source; nothing of it is kept here.
func download(t *testing.T, module string) (dir string) {
	t.Helper()
	cmd := exec.Command("go", "mod", "download", "-json", module)
	cmd.Dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(cmd.Dir, "go.mod"), []byte("module scratch\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("%s can't be fetched from the module proxy: %v", module, err)
	}
	var answer struct{ Dir string }
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Dir
}

// pluginBlock is the part of a template that has to change.
const pluginBlock = `packer {
  required_plugins {
    openstack = {
      source  = "github.com/imgctl/openstack"
      version = ">= 0.1.0"
    }
  }
}
`

func TestTemplatesOfTheIncumbentBuild(t *testing.T) {
	t.Parallel()
	packer := packertest.New(t)
	dir := download(t, incumbent)
	page, err := os.ReadFile(filepath.Join(dir, "docs", "builders", "openstack.mdx"))
	if err != nil {
		t.Fatal(err)
	}
	examples := fences("openstack.mdx", string(page))
	file, err := os.ReadFile(filepath.Join(dir, "example", "build.pkr.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	examples = append(examples, block{"build.pkr.hcl", 1, []string{"hcl"}, string(file)})
	n := 0
	for _, b := range examples {
		suffix := map[string]string{"hcl": ".pkr.hcl", "json": ".json"}[b.words[0]]
		if suffix == "" {
			continue
		}
		n++
		t.Run(b.String(), func(t *testing.T) {
			t.Parallel()
			cloud := cloudWithImage(t)
			path := filepath.Join(t.TempDir(), "template"+suffix)
			text := fillIn(t, b.text, values(cloud))
			if suffix == ".pkr.hcl" {
				text = pluginBlock + text
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, verb := range []string{"validate", "build"} {
				if out, err := packer.Run(t, cloud.FlatEnv("demo"), verb, path); err != nil {
					t.Fatalf("%v\n%s\n%s", err, out, text)
				}
			}
		})
	}
	if n != 9 {
		t.Errorf("found %d examples, and there are 9", n)
	}
}

// values are what a user has to fill into the examples: the cloud's own addresses, names, ids
// and secrets. The network of the volume example is a text where a list is needed; neither
// plugin takes it as it is printed.
func values(c *sandbox.Cloud) map[string]string {
	return map[string]string{
		"identity_endpoint": strconv.Quote(c.URL() + "/identity/v3"),
		"username":          `"demo"`, "password": strconv.Quote(c.Password("demo")),
		"tenant_name": `"demo"`, "tenant_id": strconv.Quote(c.ProjectID("demo")), "domain_name": `"Default"`,
		"region":       `"RegionOne"`,
		"source_image": strconv.Quote(webBase),
		"flavor":       `"m1.tiny"`, "networks": `["private"]`, "availability_zone": `"nova"`, "volume_type": `"fast"`,
	}
}

// fillIn puts values in place of those that the example has for the same options. In both
// languages an option stands on a line of its own.
func fillIn(t *testing.T, text string, values map[string]string) string {
	t.Helper()
	for _, option := range slices.Sorted(maps.Keys(values)) {
		line := regexp.MustCompile(`(?m)^(\s*"?` + option + `"?\s*[:=]\s*)("[^"]*"|\[[^\]]*\])`)
		text = line.ReplaceAllStringFunc(text, func(found string) string {
			return line.FindStringSubmatch(found)[1] + values[option]
		})
	}
	// Servers of the sandbox listen on a port that needs no privilege.
	port := regexp.MustCompile(`(?m)^(\s*)("?)ssh_username("?)(\s*[:=]\s*)("[^"]*")(,?)$`)
	if !port.MatchString(text) {
		t.Fatalf("no ssh_username in\n%s", text)
	}
	return port.ReplaceAllString(text, "$0\n${1}${2}ssh_port${3}${4}"+strconv.Itoa(sshPort)+"$6")
}

func TestFillIn(t *testing.T) {
	t.Parallel()
	values := map[string]string{"flavor": `"m1.tiny"`, "networks": `["n"]`}
	for text, want := range map[string]string{
		"  flavor = \"2\"\n  ssh_username = \"root\"\n":       "  flavor = \"m1.tiny\"\n  ssh_username = \"root\"\n  ssh_port = 2222\n",
		"\"networks\": \"x\",\n\"ssh_username\": \"root\",\n": "\"networks\": [\"n\"],\n\"ssh_username\": \"root\",\n\"ssh_port\": 2222,\n",
	} {
		if got := fillIn(t, text, values); strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(want, " ", "") {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}
