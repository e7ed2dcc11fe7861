package main

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// imageName is what the factory calls the image of a personality.
func imageName(personality string) string { return "sl7x-x86_64 " + personality }

// site is the project that the images are in.
type site struct {
	images  *glance.Client
	project string
}

func open(ctx context.Context) (*site, error) {
	c, err := cloud.Connect(ctx, cloud.Access{})
	if err != nil {
		return nil, err
	}
	images, err := c.Image()
	if err != nil {
		return nil, err
	}
	return &site{glance.New(images), c.Project().ID}, nil
}

// seed makes the image that the others start from: a root file system of one file. The sandbox brings a shell.
func (s *site) seed(ctx context.Context) (id string, err error) {
	image, err := s.images.Create(ctx, map[string]any{
		"name": "sl7x-x86_64", "disk_format": "raw", "container_format": "bare", "os_distro": "sl",
	}, "os_distro", "sl")
	if err != nil {
		return "", err
	}
	const text = "NAME=\"Scientific Linux\"\n"
	var b bytes.Buffer // takes all that is written
	w := tar.NewWriter(&b)
	_ = w.WriteHeader(&tar.Header{Name: "etc/os-release", Mode: 0o644, Size: int64(len(text))})
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return image.ID, s.images.Upload(ctx, image.ID, &b)
}

// current waits until an image other than the one given is current under a name.
func (s *site) current(ctx context.Context, name, not string) (id string, err error) {
	for {
		all, err := s.images.Images(ctx, glance.Query{Owner: s.project, Name: name, Status: glance.StatusActive})
		if err != nil {
			return "", err
		}
		for _, i := range all {
			if i.ID != not && i.Properties[promote.PromotedKey] != "" {
				return i.ID, nil
			}
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("no new image is current under %q", name)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// print prints the images, the latest promotions last.
func (s *site) print(ctx context.Context, out io.Writer) error {
	all, err := s.images.Images(ctx, glance.Query{Owner: s.project, BothHidden: true})
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b *glance.Image) int {
		return strings.Compare(a.Properties[promote.PromotedKey], b.Properties[promote.PromotedKey])
	})
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "NAME\tID\tCURRENT SINCE")
	for _, i := range all {
		fmt.Fprintf(w, "%s\t%.8s\t%s\n", i.Name, i.ID, i.Properties[promote.PromotedKey])
	}
	return w.Flush()
}
