package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// tool is one that copies images or reads their labels; copy and labels give its arguments.
type tool struct {
	name, program string
	needs         string // program that has to be there
	copy, labels  func(*bench) ([]string, error)
	slow          bool // sends shared layers once per image
	current       bool // only sees that nothing is to do
}

var tools = []tool{
	{ours, "imgctl", "imgctl", pushAll, findTags, false, false},
	{"skopeo sync", "sh", "skopeo", skopeoSync, nil, false, false},
	{"skopeo, 4 at once", "sh", "skopeo", skopeoCopy, skopeoLabels, false, false},
	{"crane, 4 at once", "sh", "crane", craneCopy, nil, true, false},
	{"crane, in turn", "sh", "crane", nil, craneLabels(1), false, false},
	{"crane, 16 at once", "sh", "crane", nil, craneLabels(16), false, false},
	{"regsync", "regsync", "regsync", regsync, nil, true, false},
	{floor, self(), self(), asFloor, nil, false, true},
}

const ours = "imgctl"

// atHand reports whether the tool's program is installed.
func (t tool) atHand() bool {
	_, err := exec.LookPath(t.needs)
	return err == nil
}

func pushAll(b *bench) ([]string, error) {
	args := []string{"prepare", "push", "--registry-url", b.targetHost(), "-q"}
	for n := range b.images {
		args = append(args, b.sourceHost()+"/"+b.path(n)+":current")
	}
	return args, nil
}

// findTags prepares a template of all images whose tags come from a label.
func findTags(b *bench) ([]string, error) {
	var list strings.Builder
	list.WriteString("container_images_template:\n")
	for n := range b.images {
		fmt.Fprintf(&list, "- {imagename: '%s/%s:current', params: [Service%d]}\n", b.sourceHost(), b.path(n), n)
	}
	env := "parameter_defaults: {ContainerImagePrepare: [{tag_from_label: rdo_version}]}\n"
	for name, text := range map[string]string{"list.j2": list.String(), "env.yaml": env} {
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	return []string{"prepare", "-e", "env.yaml", "--template", "list.j2", "--dry-run"}, nil
}

func skopeoSync(b *bench) ([]string, error) {
	var text strings.Builder
	fmt.Fprintf(&text, "%q:\n  tls-verify: false\n  images:\n", b.sourceHost())
	for n := range b.images {
		fmt.Fprintf(&text, "    %s: [current]\n", b.path(n))
	}
	err := os.WriteFile(filepath.Join(b.dir, "sync.yaml"), []byte(text.String()), 0o600)
	return alone("skopeo sync --src yaml --dest docker --dest-tls-verify=false sync.yaml " + b.targetHost() + "/ns"), err
}

// alone is a script in which skopeo knows nothing of earlier runs. As root, it remembers blobs in
// /var/lib/containers, which is another folder here; else below XDG_DATA_HOME.
func alone(script string) []string {
	own := "cache=$(mktemp -d); trap 'rm -rf $cache' EXIT; export XDG_DATA_HOME=$cache"
	if os.Getuid() != 0 {
		return []string{"-ec", own + "\n" + script}
	}
	return []string{"-ec", own + "; mkdir -p /var/lib/containers\nexport cache; unshare --mount sh -ec 'mount --bind $cache " +
		"/var/lib/containers; " + script + "'"}
}

// each is a script that runs a command for each image, some at once; {} is the image's path.
func (b *bench) each(at int, command string) string {
	return fmt.Sprintf("seq 0 %d | sed s,^,ns/openstack-service-, | xargs -P%d -I{} %s", b.images-1, at, command)
}

func skopeoCopy(b *bench) ([]string, error) {
	return alone(b.each(4, fmt.Sprintf("skopeo copy -q --src-tls-verify=false --dest-tls-verify=false docker://%s/{}:current "+
		"docker://%s/{}:current", b.sourceHost(), b.targetHost()))), nil
}

func skopeoLabels(b *bench) ([]string, error) {
	return alone(b.each(4, "skopeo inspect --config --tls-verify=false docker://"+b.sourceHost()+"/{}:current")), nil
}

func craneLabels(at int) func(*bench) ([]string, error) {
	return func(b *bench) ([]string, error) {
		return []string{"-ec", b.each(at, "crane config --insecure "+b.sourceHost()+"/{}:current")}, nil
	}
}

func craneCopy(b *bench) ([]string, error) {
	return []string{"-ec", b.each(4, fmt.Sprintf("crane copy --insecure %s/{}:current %s/{}:current", b.sourceHost(), b.targetHost()))}, nil
}

func regsync(b *bench) ([]string, error) {
	var text strings.Builder
	fmt.Fprintf(&text, "version: 1\ncreds:\n- {registry: '%s', tls: disabled}\n- {registry: '%s', tls: disabled}\n"+
		"defaults: {parallel: 4}\nsync:\n", b.sourceHost(), b.targetHost())
	for n := range b.images {
		fmt.Fprintf(&text, "- {source: '%s/%s:current', target: '%s/%s:current', type: image}\n", b.sourceHost(), b.path(n),
			b.targetHost(), b.path(n))
	}
	err := os.WriteFile(filepath.Join(b.dir, "regsync.yaml"), []byte(text.String()), 0o600)
	return []string{"once", "-c", "regsync.yaml"}, err
}
