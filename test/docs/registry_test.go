package docs

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/imgctl/packer-plugin-openstack/test/packertest"
)

// integration is .web-docs/metadata.hcl, as HashiCorp's registry of integrations reads it.
type integration struct {
	Integration struct {
		Name        string   `hcl:"name"`
		Description string   `hcl:"description"`
		Identifier  string   `hcl:"identifier"`
		Flags       []string `hcl:"flags,optional"`
		Docs        *struct {
			ProcessDocs    bool   `hcl:"process_docs,optional"`
			ReadmeLocation string `hcl:"readme_location,optional"`
			ExternalURL    string `hcl:"external_url,optional"`
		} `hcl:"docs,block"`
		License *struct {
			Type string `hcl:"type"`
			URL  string `hcl:"url"`
		} `hcl:"license,block"`
		Components []struct {
			Type string `hcl:"type"`
			Name string `hcl:"name"`
			Slug string `hcl:"slug"`
		} `hcl:"component,block"`
	} `hcl:"integration,block"`
}

// The registry shows each component that the program has, and no other, on a page whose links lead.
func TestRegistryPages(t *testing.T) {
	t.Parallel()
	const metadata = ".web-docs/metadata.hcl"
	file, diags := hclsyntax.ParseConfig([]byte(read(t, metadata)), metadata, hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	var told integration
	if diags := gohcl.DecodeBody(file.Body, nil, &told); diags.HasErrors() {
		t.Fatal(diags)
	}
	if got := told.Integration.Identifier; got != "packer/imgctl/openstack" {
		t.Errorf("the integration is %q, `packer init` finds github.com/imgctl/openstack", got)
	}
	var listed []string
	for _, c := range told.Integration.Components {
		listed = append(listed, c.Type+"/"+c.Slug)
	}
	slices.Sort(listed)
	if has := components(t); !slices.Equal(listed, has) {
		t.Errorf("%s lists %v, the program has %v", metadata, listed, has)
	}

	root := packertest.Root()
	pages, err := filepath.Glob(filepath.Join(root, ".web-docs/components/*/*/README.md"))
	if err != nil || len(pages) != len(listed) {
		t.Errorf("%d pages (%v) for %d components: run make generate", len(pages), err, len(listed))
	}
	for _, page := range append(pages, filepath.Join(root, ".web-docs/README.md")) {
		name, _ := filepath.Rel(root, page)
		text := read(t, name)
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			at, inRegistry := strings.CutPrefix(target, "/packer/integrations/imgctl/openstack/latest/components/")
			path, inRepository := strings.CutPrefix(target, "https://github.com/imgctl/packer-plugin-openstack/blob/main/")
			switch {
			case inRegistry:
				if !slices.Contains(listed, at) {
					t.Errorf("%s links to the component %s, which isn't listed", name, at)
				}
			case inRepository:
				if _, err := os.Stat(filepath.Join(root, path)); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			case target == "":
				if !anchors(text)[anchor] {
					t.Errorf("%s links to #%s, which it doesn't have", name, anchor)
				}
			case !strings.HasPrefix(target, "https://"):
				t.Errorf("%s links to %s, which the registry can't follow", name, target)
			}
		}
	}
}

// components are the program's, as the registry calls them.
func components(t *testing.T) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), filepath.Join(packertest.Root(), "bin", "packer-plugin-openstack"), "describe").Output()
	if err != nil {
		t.Fatal(err)
	}
	var has struct {
		Builders       []string `json:"builders"`
		PostProcessors []string `json:"post_processors"`
		Provisioners   []string `json:"provisioners"`
		Datasources    []string `json:"datasources"`
	}
	if err := json.Unmarshal(out, &has); err != nil {
		t.Fatal(err)
	}
	var all []string
	for kind, names := range map[string][]string{
		"builder": has.Builders, "post-processor": has.PostProcessors, "provisioner": has.Provisioners, "data-source": has.Datasources,
	} {
		for _, name := range names {
			slug := "openstack-" + name
			if name == "-packer-default-plugin-name-" {
				slug = "openstack"
			}
			all = append(all, kind+"/"+slug)
		}
	}
	slices.Sort(all)
	return all
}
