package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// loop shares an image with the projects of clouds in the way of scripts: the two steps that are
// the same for all projects once, three for each.
const loop = `set -e
image=$(openstack --os-cloud source image list --private -f value | grep "$NAME" | cut -d' ' -f1)
openstack --os-cloud source image set --shared "$image"
for target in $TARGETS; do
	project=$(openstack --os-cloud "$target" token issue -c project_id -f value)
	openstack --os-cloud source image add project "$image" "$project" >/dev/null
	openstack --os-cloud "$target" image set --accept "$image"
done
`

// lists is how often the listing of an empty project is measured.
const lists = 5

// sharing measures imgctl share against the openstack client, on one sandbox. Where there is no
// client it says why.
func sharing(ctx context.Context, projects int) (string, error) {
	if err := client(ctx); err != nil {
		return fmt.Sprintf("\nSharing is not measured: %v.\n", err), nil
	}
	s, targets := sharingSeed(projects)
	cloud, err := sandbox.Start(ctx, sandbox.Options{Seed: s})
	if err != nil {
		return "", err
	}
	defer cloud.Close()
	images := map[string]string{} // ids by name
	for _, name := range []string{"by-loop", "by-imgctl"} {
		image := sandbox.Image{Project: "source", Data: []byte("x"), Name: name, Visibility: sandbox.Private}
		if images[name], err = cloud.AddImage(image); err != nil {
			return "", err
		}
	}
	w, err := newShell(cloud)
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(w.home)
	if _, err := w.timed(ctx, "imgctl", "share", "list", "--from", "empty"); err != nil { // fills the cache of manifests
		return "", err
	}
	var theirs, ours []time.Duration
	for range lists {
		t, err := w.timed(ctx, "openstack", "--os-cloud", "empty", "image", "list")
		if err != nil {
			return "", err
		}
		o, err := w.timed(ctx, "imgctl", "share", "list", "--from", "empty")
		if err != nil {
			return "", err
		}
		theirs, ours = append(theirs, t), append(ours, o)
	}
	fmt.Fprintf(os.Stderr, "sharing one image with %d projects in a shell loop, which takes minutes\n", projects)
	w.env = append(w.env, "NAME=by-loop", "TARGETS="+strings.Join(targets, " "))
	looped, err := w.timed(ctx, "bash", "-c", loop)
	if err != nil {
		return "", err
	}
	added, err := w.timed(ctx, "imgctl", "share", "add", "by-imgctl", "--from", "source", "--to", strings.Join(targets, ","))
	if err != nil {
		return "", err
	}
	for name, id := range images {
		if n := accepted(cloud, id); n != projects {
			return "", fmt.Errorf("image %q is shared with %d projects instead of %d", name, n, projects)
		}
	}
	rows := []row{
		{
			"sharing an image with " + strconv.Itoa(projects) + " projects, accepted", looped.Seconds(), added.Seconds(), "s",
			looped.Seconds() / 30,
		},
		{"listing an empty project: `share list`, `image list`", seconds(theirs), seconds(ours), "s", seconds(theirs) / 20},
	}
	started, err := w.starting(ctx, cloud, ours)
	if err != nil {
		return "", err
	}
	return render("whole processes", "openstack client", append(rows, started...)), nil
}

// client makes sure that there is the openstack client of the distribution.
func client(ctx context.Context) error {
	if _, err := exec.LookPath("openstack"); err == nil {
		return nil
	}
	if os.Geteuid() != 0 {
		return errors.New("there is no openstack client, and installing python3-openstackclient needs root")
	}
	install := exec.CommandContext(ctx, "apt-get", "install", "-y", "--no-install-recommends", "python3-openstackclient")
	install.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if out, err := install.CombinedOutput(); err != nil {
		return fmt.Errorf("there is no openstack client, and installing python3-openstackclient fails: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// sharingSeed is a cloud with an owner of images, a project without any, and those to share with.
func sharingSeed(projects int) (s sandbox.Seed, targets []string) {
	s.Users = []sandbox.User{
		{Name: "admin", Project: "admin", Role: sandbox.RoleAdmin},
		{Name: "source", Project: "source", Role: sandbox.RoleMember},
		{Name: "empty", Project: "empty", Role: sandbox.RoleMember},
	}
	for n := range projects {
		name := fmt.Sprintf("target-%02d", n+1)
		targets = append(targets, name)
		s.Users = append(s.Users, sandbox.User{Name: name, Project: name, Role: sandbox.RoleMember})
	}
	return s, targets
}

// accepted counts the projects that have accepted an image.
func accepted(cloud *sandbox.Cloud, id string) (n int) {
	for _, status := range cloud.Members(id) {
		if status == "accepted" {
			n++
		}
	}
	return n
}

// shell runs commands as a user of the sandbox does.
type shell struct {
	home string
	env  []string
}

func newShell(cloud *sandbox.Cloud) (*shell, error) {
	bin, err := filepath.Abs("bin")
	if err != nil {
		return nil, err
	}
	home, err := os.MkdirTemp("", "imgctl-bench-")
	if err != nil {
		return nil, err
	}
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "OS_") || strings.HasPrefix(v, "XDG_") || strings.HasPrefix(v, "HOME=") || strings.HasPrefix(v, "PATH=")
	})
	return &shell{home, append(env, "HOME="+home, "PATH="+bin+":"+os.Getenv("PATH"), "OS_CLIENT_CONFIG_FILE="+cloud.CloudsYAML())}, nil
}

// timed runs a program and tells how long it took.
func (s *shell) timed(ctx context.Context, program string, args ...string) (time.Duration, error) {
	if program == "imgctl" {
		program = filepath.Join("bin", "imgctl") // the one of this tree, and no other on the PATH
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = s.env
	start := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(start)
	if err != nil {
		return took, fmt.Errorf("running %s: %w\n%s", program, err, out)
	}
	return took, nil
}
