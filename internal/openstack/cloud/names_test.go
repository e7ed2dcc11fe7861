package cloud_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

func TestNames(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clouds.yaml")
	t.Setenv("OS_CLIENT_CONFIG_FILE", path)
	if names, err := cloud.Names(); !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), path) {
		t.Errorf("with OS_CLIENT_CONFIG_FILE that isn't there: %q, %v", names, err)
	}
	if err := os.WriteFile(path, []byte("clouds: {b: {}, a: {auth: {}}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if names, err := cloud.Names(); err != nil || !slices.Equal(names, []string{"a", "b"}) {
		t.Errorf("%q, %v", names, err)
	}
}
