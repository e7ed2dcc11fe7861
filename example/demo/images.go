package main

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/imgctl/packer-plugin-openstack/internal/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/sandbox"
	store "github.com/imgctl/packer-plugin-openstack/internal/sandbox/glance"
)

// neighbours are the projects that the image is shared with, and what they said to that.
var neighbours = map[string]string{"member-a": glance.Accepted, "member-b": glance.Pending}

// seed is the sandbox's own projects, and project demo's image.
func seed() sandbox.Seed {
	s := sandbox.DefaultSeed()
	s.Images = []sandbox.Image{{
		Project: "demo", Data: rootFS(), Members: neighbours,
		Spec: store.Spec{Name: name, Visibility: glance.Shared, Properties: map[string]string{"os_distro": "demo"}},
	}}
	return s
}

// rootFS is the smallest image there is: a root file system of one file. The sandbox brings a
// shell where an image has none.
func rootFS() []byte {
	const text = "NAME=\"web-base, the first\"\n"
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	_ = w.WriteHeader(&tar.Header{Name: "etc/os-release", Mode: 0o644, Size: int64(len(text))}) // a buffer takes all
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.Bytes()
}

// state is what project demo has, by its own view.
type state struct {
	images  []*glance.Image
	members map[string]map[string]string // by image id: status by the project's name
}

func survey(ctx context.Context, sb *sandbox.Cloud, c *cloud.Cloud) (*state, error) {
	sc, err := c.Image()
	if err != nil {
		return nil, err
	}
	client := glance.New(sc)
	s := &state{members: map[string]map[string]string{}}
	if s.images, err = client.Images(ctx, glance.Query{Owner: c.Project().ID, BothHidden: true}); err != nil {
		return nil, err
	}
	glance.NewestFirst(s.images)
	for _, i := range s.images {
		if i.Visibility != glance.Shared {
			continue
		}
		members, err := client.Members(ctx, i.ID)
		if err != nil {
			return nil, err
		}
		s.members[i.ID] = map[string]string{}
		for _, m := range members {
			s.members[i.ID][projectName(sb, m.ProjectID)] = m.Status
		}
	}
	return s, nil
}

func projectName(sb *sandbox.Cloud, id string) string {
	for project := range neighbours {
		if sb.ProjectID(project) == id {
			return project
		}
	}
	return id
}

func (s *state) named(name string) (found []*glance.Image) {
	for _, i := range s.images {
		if i.Name == name {
			found = append(found, i)
		}
	}
	return found
}

func (s *state) byID(id string) *glance.Image {
	for _, i := range s.images {
		if i.ID == id {
			return i
		}
	}
	return nil
}

func (s *state) print(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "NAME\tID\tSTATUS\tVISIBILITY\tMEMBERS")
	for _, i := range s.images {
		var members []string
		for _, project := range slices.Sorted(maps.Keys(s.members[i.ID])) {
			members = append(members, project+" "+s.members[i.ID][project])
		}
		fmt.Fprintf(w, "%s\t%.8s\t%s\t%s\t%s\n", i.Name, i.ID, i.Status, i.Visibility, strings.Join(members, ", "))
	}
	_ = w.Flush()
}
