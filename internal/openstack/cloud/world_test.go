package cloud_test

import (
	"os"
	"path/filepath"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// entry makes a clouds.yaml whose only entry, t, is the sandbox's entry of that name after the
// change. It has no authentication URL but the sandbox's, unless change gives it another one.
func entry(t *testing.T, sb *sandbox.Cloud, name string, change func(entry, auth map[string]any)) {
	t.Helper()
	text, err := os.ReadFile(sb.CloudsYAML())
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Clouds map[string]map[string]any }
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	e := file.Clouds[name]
	change(e, e["auth"].(map[string]any))
	if text, err = yaml.Marshal(map[string]any{"clouds": map[string]any{"t": e}}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "clouds.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("OS_CLIENT_CONFIG_FILE", path)
	t.Setenv("OS_CLOUD", "t")
}
