package change_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/random"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/change/changetest"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/imageserve"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/modify"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// modified is the image that is changed on its way.
const modified = "t/openstack-nova-compute:1"

// modifying copies an image, and changes the copy by a Dockerfile.
var modifying = changetest.Subject{
	Name: "modify",
	World: func(t *testing.T) *changetest.World {
		r := &registries{}
		r.from, r.to = r.start(t), r.start(t)
		return &changetest.World{
			Servers: r, Arg: r.toModify(t, r.to), State: func() string { return r.state(t, r.to, modified, modified+"-site") },
		}
	},
	Plan: func(ctx context.Context, _, arg string) (change.Plan, error) {
		return planModify(ctx, arg, "", modify.Options{})
	},
	Doors: []changetest.Door{preparing()},
}

// modifyingFolder does so in a folder that a registry serves.
var modifyingFolder = changetest.Subject{
	Name: "modify in a folder",
	World: func(t *testing.T) *changetest.World {
		r := &registries{}
		r.from, r.to = r.start(t), r.start(t)
		arg := r.toModify(t, undercloud) + " " + t.TempDir()
		return &changetest.World{Servers: r, Arg: arg, State: func() string { return folderState(t, servedFolder(arg)) }}
	},
	Plan: func(ctx context.Context, _, arg string) (change.Plan, error) {
		dir := servedFolder(arg)
		f, err := imageserve.Create(dir, false)
		if err != nil {
			return nil, err
		}
		return planModify(ctx, arg, dir, modify.Options{Folders: map[string]transfer.Folder{dir: imageserve.Images{Folder: f}}})
	},
	Doors: []changetest.Door{preparing("folder")},
}

// servedFolder is where the folder of images is. It isn't beside the Dockerfile, as all that is there goes into the
// image.
func servedFolder(arg string) string { return strings.Fields(arg)[3] }

// toModify pushes an image that is to be changed on its way, writes the files that say how, and gives the world's Arg.
func (r *registries) toModify(t *testing.T, to string) string {
	t.Helper()
	dir := t.TempDir()
	image, err := random.Image(30_000, 2)
	if err != nil {
		t.Fatal(err)
	}
	r.push(t, modified, image)
	for name, text := range map[string]string{
		"Dockerfile": "FROM any\nCOPY site.conf /etc/site.conf\nENV SITE=yes\n", "site.conf": "debug = true\n",
		"roles.yaml": "- name: Compute\n  CountDefault: 1\n  ServicesDefault: ['OS::TripleO::Services::NovaCompute']\n",
		"site.yaml": fmt.Sprintf(`parameter_defaults:
  ContainerImagePrepare:
  - push_destination: %s
    includes: ['nova-compute:']
    set: {namespace: %s/t, tag: '1'}
    modify_role: tripleo-modify-image
    modify_append_tag: -site
    modify_vars: {tasks_from: modify_image.yml, modify_dir_path: %s}
`, to, r.from, dir),
	} {
		file, then := filepath.Join(dir, name), time.Unix(1_700_000_000, 0) // the layer has the file's time
		if err := errors.Join(os.WriteFile(file, []byte(text), 0o600), os.Chtimes(file, then, then)); err != nil {
			t.Fatal(err)
		}
	}
	return strings.Join([]string{r.from, to, dir}, " ")
}

// planModify plans the change that a world's Arg names. The folder has the target's images, if it isn't empty.
func planModify(ctx context.Context, arg, folder string, o modify.Options) (change.Plan, error) {
	words := strings.Fields(arg)
	c, err := registry.New(registry.Options{})
	if err != nil {
		return nil, err
	}
	j := modify.Job{
		Role: modify.Role, AppendTag: "-site", Vars: map[string]any{"modify_dir_path": words[2]}, At: "here", TargetFolder: folder,
	}
	for name, to := range map[string]*reference.Reference{
		words[0] + "/" + modified: &j.Source, words[1] + "/" + modified: &j.Copy, words[1] + "/" + modified + "-site": &j.Target,
	} {
		if *to, err = reference.Parse(name); err != nil {
			return nil, err
		}
	}
	o.Scratch = words[2]
	return modify.NewPlan(ctx, c, nil, []modify.Job{j}, o, transfer.Options{})
}

// preparing is imgctl prepare, which shows parameters and no rows; with "folder", for the folder of the world's Arg.
func preparing(how ...string) changetest.Door {
	d := imgctl(func(w *changetest.World) []string {
		dir := strings.Fields(w.Arg)[2]
		args := []string{
			"prepare", "-e", filepath.Join(dir, "site.yaml"), "-r", filepath.Join(dir, "roles.yaml"), "--scratch", dir, "--modify-by", "native",
		}
		if slices.Contains(how, "folder") {
			args = append(args, "--folder", undercloud+"="+servedFolder(w.Arg))
		}
		return args
	}, nil)
	d.Rows = nil
	return d
}
