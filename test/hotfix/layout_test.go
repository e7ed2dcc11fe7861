package hotfix_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	ggcr "github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/hotfix"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/layout"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
	"github.com/imgctl/packer-plugin-openstack/test/hotfix/rpmtest"
)

// TestImagesInALayout changes an image in an OCI layout, and puts the result there.
func TestImagesInALayout(t *testing.T) {
	t.Parallel()
	rpmtest.Need(t)
	s := serve(t)
	images(t, s)
	dir := filepath.Join(t.TempDir(), "layout")
	l, err := layout.Create(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	stores := transfer.Stores{Registries: connect(t), Folders: map[string]transfer.Folder{dir: l}}
	source := s.ref(t, "ns/nova-group:17.1")
	copies := []transfer.Job{{Source: source, Target: source, TargetFolder: dir}}
	plan, err := transfer.NewPlan(t.Context(), stores, copies, transfer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.Apply(t.Context(), quiet); err != nil {
		t.Fatal(err)
	}
	job := hotfix.Job{Source: source, Target: source.WithTag("17.1-fix"), SourceFolder: dir, TargetFolder: dir}
	s.rule(nil)
	p, err := hotfix.NewPlan(t.Context(), stores, []hotfix.Job{job}, packages(t, nova("2")), hotfix.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.Apply(t.Context(), quiet); err != nil {
		t.Fatal(err)
	}
	if err := l.Finish(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if n := s.asked("GET", "") + s.asked("HEAD", ""); n > 0 {
		t.Errorf("the registry was asked %d times", n)
	}
	text, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil || !strings.Contains(string(text), p.Images[0].Digest) || !strings.Contains(string(text), "17.1-fix") {
		t.Errorf("the layout lists %s, %v", text, err)
	}
	index, err := ggcr.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
}
