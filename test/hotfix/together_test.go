package hotfix_test

import (
	"bytes"
	"errors"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/hotfix"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/layout"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/test/hotfix/rpmtest"
)

// TestOneLayoutTwoRuns has two runs open a layout before either writes its list: images of both are in
// it, and an image that both make is the first one's.
func TestOneLayoutTwoRuns(t *testing.T) {
	t.Parallel()
	rpmtest.Need(t)
	dir, host := newLayout(t)
	fixes := []string{"2", "3"}
	for tag, of := range map[string][]string{"17.1-apart": {"nova-group", "nova-passwd"}, "17.1-same": {"nova-group", "nova-group"}} {
		same := of[0] == of[1]
		var plans []*hotfix.Plan
		var layouts []*layout.Layout
		for n, image := range of {
			l, err := layout.Create(dir, false)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			source, err := reference.Parse(host + "/ns/" + image + ":17.1")
			if err != nil {
				t.Fatal(err)
			}
			job := hotfix.Job{Source: source, Target: source.WithTag(tag), SourceFolder: dir, TargetFolder: dir}
			stores := transfer.Stores{Registries: connect(t), Folders: map[string]transfer.Folder{dir: l}}
			p, err := hotfix.NewPlan(t.Context(), stores, []hotfix.Job{job}, packages(t, nova(fixes[n])), hotfix.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			plans, layouts = append(plans, p), append(layouts, l)
		}
		for _, p := range plans {
			if err := p.Apply(t.Context(), quiet); err != nil {
				t.Fatal(err)
			}
		}
		first, second := layouts[0].Finish(t.Context(), false), layouts[1].Finish(t.Context(), false)
		if first != nil || fault.Is(second, fault.Conflict) != same || !same && second != nil {
			t.Errorf("%s: the runs say %v and %v", tag, first, second)
		}
		got := inLayout(t, dir)
		if got[host+"/ns/nova-group:"+tag] != plans[0].Images[0].Digest {
			t.Errorf("%s: the first one's image isn't there: %v", tag, got)
		}
		if !same && got[host+"/ns/nova-passwd:"+tag] != plans[1].Images[0].Digest {
			t.Errorf("%s: the second one's image isn't there: %v", tag, got)
		}
	}
}

// TestTwoProcessesAtOnce has processes that really run at once make one image from different packages,
// in a registry and in a layout: it is one of the two that they make alone.
func TestTwoProcessesAtOnce(t *testing.T) {
	t.Parallel()
	rpmtest.Need(t)
	fixes := []string{rpmtest.Build(t, "", nova("2")), rpmtest.Build(t, "", nova("3"))}
	s := serve(t)
	images(t, s)
	dir, host := newLayout(t)
	for _, where := range []struct {
		name, host, layout string
		digest             func(name string) string
	}{
		{"registry", s.host, "", func(name string) string { return s.digest(t, name) }},
		{"layout", host, dir, func(name string) string { return inLayout(t, dir)[host+"/"+name] }},
	} {
		var alone []string
		for n, fix := range fixes {
			name := "ns/nova-group:alone-" + strconv.Itoa(n)
			child{where.host + "/ns/nova-group:17.1", where.host + "/" + name, where.layout, fix}.succeed(t)
			alone = append(alone, where.digest(name))
		}
		for round := range 6 {
			name := "ns/nova-group:round-" + strconv.Itoa(round)
			var running []*exec.Cmd
			var said [2]bytes.Buffer
			for n, fix := range fixes {
				cmd := child{where.host + "/ns/nova-group:17.1", where.host + "/" + name, where.layout, fix}.command(t)
				cmd.Stderr = &said[n]
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				running = append(running, cmd)
			}
			for n, cmd := range running {
				err := cmd.Wait()
				var exit *exec.ExitError
				if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != conflicted) {
					t.Errorf("%s: %v %s", where.name, err, strings.TrimSpace(said[n].String()))
				}
			}
			if got := where.digest(name); !slices.Contains(alone, got) {
				t.Errorf("%s: the image is %q, and neither of %q", where.name, got, alone)
			}
		}
	}
}
