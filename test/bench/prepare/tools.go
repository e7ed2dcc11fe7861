package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// tool is one that copies images; copy and labels give its arguments.
type tool struct {
	name, program string
	copy, labels  func(*bench) ([]string, error)
}

func tools(slow bool) []tool {
	all := []tool{
		{"imgctl", "imgctl", pushAll, findTags},
		{"skopeo", "skopeo", skopeoSync, nil},
		{"crane, one image after the other", "sh", nil, craneLabels},
	}
	if slow {
		all[2].copy = craneCopy
		all = append(all, tool{"regsync", "regsync", regsync, nil})
	}
	return all
}

func (b *bench) path(n int) string { return fmt.Sprintf("ns/openstack-service-%d", n) }

func pushAll(b *bench) ([]string, error) {
	args := []string{"prepare", "push", "--registry-url", b.to.host, "-q"}
	for n := range b.images {
		args = append(args, b.from.host+"/"+b.path(n)+":current")
	}
	return args, nil
}

// findTags prepares a template of all images whose tags come from a label.
func findTags(b *bench) ([]string, error) {
	var list strings.Builder
	list.WriteString("container_images_template:\n")
	for n := range b.images {
		fmt.Fprintf(&list, "- {imagename: '%s/%s:current', params: [Service%d]}\n", b.from.host, b.path(n), n)
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
	fmt.Fprintf(&text, "%q:\n  tls-verify: false\n  images:\n", b.from.host)
	for n := range b.images {
		fmt.Fprintf(&text, "    %s: [current]\n", b.path(n))
	}
	err := os.WriteFile(filepath.Join(b.dir, "sync.yaml"), []byte(text.String()), 0o600)
	return []string{"sync", "--src", "yaml", "--dest", "docker", "--dest-tls-verify=false", "sync.yaml", b.to.host + "/ns"}, err
}

func craneLabels(b *bench) ([]string, error) {
	return []string{"-ec", fmt.Sprintf("n=0; while [ $n -lt %d ]; do crane config --insecure %s/ns/openstack-service-$n:current; "+
		"n=$((n+1)); done",
		b.images, b.from.host)}, nil
}

func craneCopy(b *bench) ([]string, error) {
	return []string{"-ec", fmt.Sprintf("n=0; while [ $n -lt %d ]; do p=ns/openstack-service-$n:current; crane copy --insecure %s/$p "+
		"%s/$p; n=$((n+1)); done",
		b.images, b.from.host, b.to.host)}, nil
}

func regsync(b *bench) ([]string, error) {
	var text strings.Builder
	fmt.Fprintf(&text, "version: 1\ncreds:\n- {registry: '%s', tls: disabled}\n- {registry: '%s', tls: disabled}\ndefaults: {parallel: "+
		"4}\nsync:\n",
		b.from.host, b.to.host)
	for n := range b.images {
		fmt.Fprintf(&text, "- {source: '%s/%s:current', target: '%s/%s:current', type: image}\n", b.from.host, b.path(n),
			b.to.host, b.path(n))
	}
	err := os.WriteFile(filepath.Join(b.dir, "regsync.yaml"), []byte(text.String()), 0o600)
	return []string{"once", "-c", "regsync.yaml"}, err
}

// print writes medians, with the ratio of ours to the tool's.
func (b *bench) print(to io.Writer) {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "what\ttool\tmedian\trange\timgctl is\trequests\tMB sent")
	for _, key := range b.order {
		what, name, _ := strings.Cut(key, "|")
		wall := walls(b.results[key])
		ratio := ""
		if ours := walls(b.results[what+"|imgctl"]); name != "imgctl" && len(ours) > 0 {
			ratio = fmt.Sprintf("%.2f of it", float64(ours[len(ours)/2])/float64(wall[len(wall)/2]))
		}
		last := b.results[key][len(b.results[key])-1]
		fmt.Fprintf(w, "%s\t%s\t%.2f s\t%.2f–%.2f\t%s\t%d\t%.1f\n", what, name, wall[len(wall)/2].Seconds(), wall[0].Seconds(),
			wall[len(wall)-1].Seconds(), ratio, last.requests, float64(last.sent)/1e6)
	}
	w.Flush()
}

func walls(results []result) (all []time.Duration) {
	for _, r := range results {
		all = append(all, r.wall)
	}
	slices.Sort(all)
	return all
}
