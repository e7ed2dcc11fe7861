package main

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// neighbours are the projects, by their entry in the clouds.yaml, that the image is shared with,
// and what they say to it.
var neighbours = map[string]string{"member-a": glance.Accepted, "member-b": glance.Pending}

// survey looks at the images of one project.
type survey struct {
	client   *glance.Client
	owner    string            // the project's id
	projects map[string]string // other projects' names by id
}

// seed makes the image, shares it, and lets the projects answer.
func (s *survey) seed(ctx context.Context) error {
	image, err := s.client.Create(ctx, map[string]any{
		"name": name, "visibility": glance.Shared, "disk_format": "raw", "container_format": "bare",
		"os_distro": "demo",
	}, "os_distro", "demo")
	if err != nil {
		return err
	}
	if err := s.client.Upload(ctx, image.ID, rootFS()); err != nil {
		return err
	}
	for entry, status := range neighbours {
		c, err := cloud.Connect(ctx, cloud.Access{Cloud: entry})
		if err != nil {
			return err
		}
		s.projects[c.Project().ID] = c.Project().Name
		if err := s.client.AddMember(ctx, image.ID, c.Project().ID); err != nil {
			return err
		}
		if status == glance.Pending {
			continue
		}
		images, err := c.Image()
		if err != nil {
			return err
		}
		if err := glance.New(images).SetMemberStatus(ctx, image.ID, c.Project().ID, status); err != nil {
			return err
		}
	}
	return nil
}

// rootFS is the smallest image there is: a root file system of one file. The sandbox brings a
// shell where an image has none.
func rootFS() io.Reader {
	const text = "NAME=\"web-base, the first\"\n"
	var b bytes.Buffer // takes all that is written
	w := tar.NewWriter(&b)
	_ = w.WriteHeader(&tar.Header{Name: "etc/os-release", Mode: 0o644, Size: int64(len(text))})
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return &b
}

// state is what the project has at one time.
type state struct {
	images  []*glance.Image
	members map[string]map[string]string // by image id: status by the project's name
}

func (s *survey) take(ctx context.Context) (*state, error) {
	images, err := s.client.Images(ctx, glance.Query{Owner: s.owner, BothHidden: true})
	if err != nil {
		return nil, err
	}
	images = slices.DeleteFunc(images, func(i *glance.Image) bool { return i.Owner != s.owner })
	// The current image first; by age it would be a matter of luck, since Glance counts seconds.
	slices.SortFunc(images, func(a, b *glance.Image) int {
		return cmp.Or(cmp.Compare(a.Properties[promote.ArchivedAtKey], b.Properties[promote.ArchivedAtKey]), cmp.Compare(a.Name, b.Name))
	})
	now := &state{images, map[string]map[string]string{}}
	for _, i := range images {
		if i.Visibility != glance.Shared {
			continue
		}
		members, err := s.client.Members(ctx, i.ID)
		if err != nil {
			return nil, err
		}
		now.members[i.ID] = map[string]string{}
		for _, m := range members {
			now.members[i.ID][s.projects[m.ProjectID]] = m.Status
		}
	}
	return now, nil
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

// succeeds checks that the name passed from one image to another with all that hung on it, and
// gives the id of the image that has it now.
func (s *state) succeeds(before *state) (id string, err error) {
	was, now := before.named(name), s.named(name)
	if len(was) != 1 || len(now) != 1 {
		return "", fmt.Errorf("%d images were named %q before and %d are now, both have to be 1", len(was), name, len(now))
	}
	old, current := was[0], now[0]
	switch {
	case old.ID == current.ID:
		return "", fmt.Errorf("%q is still the image it was", name)
	case current.Status != glance.StatusActive || current.Visibility != glance.Shared || current.Hidden:
		return "", fmt.Errorf("%q is %s and %s (hidden: %v), not active and shared", name, current.Status, current.Visibility,
			current.Hidden)
	}
	var errs []error
	for project, status := range neighbours {
		if got := s.members[current.ID][project]; got != status {
			errs = append(errs, fmt.Errorf("project %s was %s and is %q now", project, status, got))
		}
	}
	archived := slices.ContainsFunc(s.images, func(i *glance.Image) bool { return i.ID == old.ID && strings.Contains(i.Name, "archive") })
	if !archived {
		errs = append(errs, fmt.Errorf("the image before (%s) is not archived", old.ID))
	}
	return current.ID, errors.Join(errs...)
}

func (s *state) named(name string) (found []*glance.Image) {
	for _, i := range s.images {
		if i.Name == name {
			found = append(found, i)
		}
	}
	return found
}
