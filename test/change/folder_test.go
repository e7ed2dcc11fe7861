package change_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/change/changetest"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/imageserve"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
)

// undercloud is the registry that the folder belongs to. Nobody asks it.
const undercloud = "undercloud.example:8787"

// serving copies images into a folder that a registry serves.
var serving = changetest.Subject{
	Name: "copy to a folder",
	World: func(t *testing.T) *changetest.World {
		r, dir := startRegistries(t), t.TempDir()
		return &changetest.World{Servers: r, Arg: r.from + " " + dir, State: func() string { return folderState(t, dir) }}
	},
	Plan: func(ctx context.Context, _, arg string) (change.Plan, error) {
		from, dir, _ := strings.Cut(arg, " ")
		f, err := imageserve.Create(dir, false)
		if err != nil {
			return nil, err
		}
		s := transfer.Stores{Folders: map[string]transfer.Folder{dir: imageserve.Images{Folder: f}}}
		return planCopy(ctx, s, from, undercloud, func(j *transfer.Job) { j.TargetFolder = dir })
	},
	Doors: []changetest.Door{imgctl(func(w *changetest.World) []string {
		from, dir, _ := strings.Cut(w.Arg, " ")
		return []string{
			"prepare", "push", from + "/" + copied[0], from + "/" + copied[1], "--registry-url", undercloud, "--folder", dir,
		}
	}, copyKeys)},
}

// folderState is every file of a folder of images, by what it has in it. The images are other ones in
// each world, so that only sizes are told of what the digests name. Locks, the answer to /v2/, and what a
// killed run has left unfinished aren't part of it.
func folderState(t *testing.T, dir string) string {
	t.Helper()
	var lines []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		name, _ := filepath.Rel(dir, path)
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".imgctl") || strings.HasSuffix(name, ".partial") ||
			name == "v2/index.json" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		digest := fmt.Sprintf("sha256:%x", sha256.Sum256(text))
		for part := range strings.SplitSeq(name, "/") {
			sum, layer := strings.CutSuffix(part, ".gz")
			if !strings.HasPrefix(sum, "sha256:") {
				continue
			}
			if (layer || part == d.Name() || d.Name() == "index.json") && sum != digest {
				return fmt.Errorf("%s has %s", name, digest)
			}
			name = strings.Replace(name, sum, "DIGEST", 1)
		}
		lines = append(lines, fmt.Sprintf("%s has %d bytes", name, len(text)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines) // the digests that named them are others in each world
	return strings.Join(lines, "\n")
}
