package layout_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/disk"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/layout"
)

// TestAnotherProcessKeepsTheLayout has the lists wait only as long as their context, and say for what.
func TestAnotherProcessKeepsTheLayout(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "layout")
	l, err := layout.Create(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	other, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := disk.Lock(t.Context(), other, dir); err != nil {
		t.Fatal(err)
	}
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(enough)
	err = l.Finish(ctx, false)
	if !errors.Is(err, enough) || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v", err)
	}
	other.Close()
	// What is free is taken even if the context has ended: images that are there are listed.
	if err := l.Finish(ctx, false); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "index.json")); err != nil {
		t.Error(err)
	}
}
