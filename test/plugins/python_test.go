package plugins

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/released"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/python"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// What the SDK's file for Python has for images does what imgctl's own commands do.
func TestPythonImages(t *testing.T) {
	t.Parallel()
	needPython(t)
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/python")); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"imgctl_plugin.py": python.Module, "imgctl-plugin-v1.json": released.V1} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bin := t.TempDir()
	run(t, root, "go", "build", "-trimpath", "-o", filepath.Join(bin, "imgctl"), "./cmd/imgctl")
	run(t, dir, "/usr/bin/python3", "-m", "zipapp", dir, "-p", "/usr/bin/python3", "-o", filepath.Join(bin, "imgctl-looking"))
	s := sandboxtest.Start(t)
	add := func(i sandbox.Image) string {
		t.Helper()
		id, err := s.AddImage(i)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	web := add(sandbox.Image{Project: "demo", Name: "web"})
	add(sandbox.Image{Project: "demo", Name: "WEB"})
	add(sandbox.Image{Project: "other", Name: "web", Visibility: sandbox.Public})
	hidden := add(sandbox.Image{Project: "demo", Name: "archive: web,1", Hidden: true})
	for range 2 {
		add(sandbox.Image{Project: "demo", Name: "twice"})
	}
	for n := range 1100 { // more than a page
		add(sandbox.Image{Project: "demo", Name: fmt.Sprintf("many-%04d", n)})
	}
	i := installed(t, s, filepath.Join(bin, "imgctl"), filepath.Join(bin, "imgctl-looking"))
	for image, want := range map[string]string{
		"web": web + "\nended with 0", web: web + "\nended with 0", "archive: web,1": hidden + "\nended with 0",
		"twice": "ended with 5", "we": "ended with 4", "11111111-1111-4111-8111-111111111111": "ended with 4",
	} {
		if said := i.run(t, "", "looking", image, "-f", "value"); said != want {
			t.Errorf("looking for %q gives %s, want %s", image, said, want)
		}
	}
	for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} { // in passing
		s.Faults().Add(sandbox.Rule{Path: "/image/v2/images", Fault: sandbox.Status(status), Count: 1})
	}
	s.Faults().Add(sandbox.Rule{Path: "/image/v2/images", Fault: sandbox.Fault{Do: sandbox.Truncate}, Count: 1})
	if said := i.run(t, "", "looking", "web", "-f", "value"); said != web+"\nended with 0" {
		t.Errorf("after 429, 503 and half an answer: %s", said)
	}
	// The oldest are on the second page.
	if said := i.run(t, "", "__complete", "looking", "many-000"); strings.Count(said, "many-000") != 10 {
		t.Errorf("many-000 completes to %s", said)
	}
	if said := i.run(t, "", "__complete", "looking", "w"); !strings.Contains(said, "web\t") || strings.Contains(said, "many-") {
		t.Errorf("w completes to %s", said)
	}
}
