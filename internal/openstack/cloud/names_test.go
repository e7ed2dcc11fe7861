package cloud_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

func TestNames(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clouds.yaml")
	t.Setenv("OS_CLIENT_CONFIG_FILE", path)
	if names, err := cloud.Names(); err != nil || len(names) != 0 {
		t.Errorf("without a file: %q, %v", names, err)
	}
	if err := os.WriteFile(path, []byte("clouds: {b: {}, a: {auth: {}}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if names, err := cloud.Names(); err != nil || !slices.Equal(names, []string{"a", "b"}) {
		t.Errorf("%q, %v", names, err)
	}
}
