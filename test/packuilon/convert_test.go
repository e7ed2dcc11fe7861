package packuilon

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/aquilon/convert"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// odd is a personality with all that packuilon's textual replacement stumbled over.
const odd = `o'dd "$IMAGE" ${x} %{y} \ \t $(touch /etc/evil) {{ pwd }} {{{ .Vars }}`

// Packuilon's own templates, converted, build the image that they are about.
func TestConvertedTemplatesBuild(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, file, personality, image, path, want string }{
		{"managed", "managed.json", "web", "sl7x-x86_64 web AQ", "/etc/personality", "web\n"},
		{"unmanaged", "unmanaged.json", odd, "sl7x-x86_64 " + odd, "/etc/issue", "sl7x-x86_64 " + odd + ", unmanaged\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			text, err := os.ReadFile(example("templates", c.file))
			if err != nil {
				t.Fatal(err)
			}
			result, err := convert.Convert([]convert.File{{Name: c.file, Text: text}}, convert.Options{})
			if err != nil {
				t.Fatal(err)
			}
			profile := filepath.Join(t.TempDir(), "profile.json")
			err = os.WriteFile(profile, fmt.Appendf(nil,
				`{"system": {"personality": {"name": %q}, "os": {"distribution": {"name": "sl"}, "version": {"name": "7x"}, "architecture": "x86_64"}}}`, c.personality), 0o600)
			if err != nil {
				t.Fatal(err)
			}
			template := regexp.MustCompile(`(?m)^(\s*)ssh_username\s.*$`).ReplaceAllString(string(result.HCL),
				fmt.Sprintf("$0\n  ssh_port = %d", sshPort))
			out, err := w.run(template, []string{"PKR_VAR_promote_cloud=demo"},
				"-var", "profile="+profile, "-var", "source_images="+example("source-images.json"))
			if err != nil {
				t.Fatalf("%v\n%s\n%s", err, out, template)
			}
			image := w.built(c.image)
			files := w.files(image.ID)
			if files[c.path] != c.want {
				t.Errorf("%s is %q, want %q", c.path, files[c.path], c.want)
			}
			if _, evil := files["/etc/evil"]; evil {
				t.Error("a name was run as a command")
			}
			if promoted := strings.Contains(out, fmt.Sprintf("is current under %q", c.image)); promoted != (c.name == "managed") {
				t.Errorf("promoted: %v\n%s", promoted, out)
			}
			if all, err := w.images.Images(t.Context(), glance.Query{}); err != nil || len(all) != 2 {
				t.Errorf("the project has %v, %v; want the source and the new one", all, err)
			}
		})
	}
}

// What is converted is valid before anything is known of the profile.
func TestConvertedTemplatesAreValid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var files []convert.File
	for _, name := range []string{"managed.json", "unmanaged.json"} {
		text, err := os.ReadFile(example("templates", name))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, convert.File{Name: name, Text: text})
	}
	for _, o := range []convert.Options{{}, {ProfileURL: "http://aquilon.example.com/profiles/{{ .Hostname }}.json"}} {
		result, err := convert.Convert(files, o)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "converted.pkr.hcl")
		if err := os.WriteFile(file, result.HCL, 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := w.packer.Command(t, append(w.Env("demo"), "PKR_VAR_promote_cloud=demo"), "validate", "-var", "profile=/none", file)
		cmd.Dir = example()
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s\n%s", err, out, result.HCL)
		}
	}
	cmd := w.packer.Command(t, w.Env("demo"), "validate", example("packuilon.pkr.hcl"))
	cmd.Dir = t.TempDir()
	before := len(w.Requests())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("the example: %v\n%s", err, out)
	}
	if n := len(w.Requests()) - before; n > 0 {
		t.Errorf("validating made %d requests", n)
	}
}
