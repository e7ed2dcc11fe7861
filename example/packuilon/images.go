package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/imagedata"
	"github.com/klauspost/compress/zstd"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// sourceImage is the id in source-images.json.
const sourceImage = "6f1d2c3b-7a54-4e0f-9b6d-2f8a1c5e7d01"

// site is the project that owns the images, and one that they are shared with.
type site struct {
	images   *glance.Client
	imageAPI *gophercloud.ServiceClient
	compute  *gophercloud.ServiceClient
	member   *glance.Client
	memberID string // of its project
}

func newSite(owner, member *cloud.Cloud) (*site, error) {
	images, err := owner.Image()
	if err != nil {
		return nil, err
	}
	compute, err := owner.Compute()
	if err != nil {
		return nil, err
	}
	theirs, err := member.Image()
	if err != nil {
		return nil, err
	}
	return &site{glance.New(images), images, compute, glance.New(theirs), member.Project().ID}, nil
}

// seed makes the source image, and the images that the new ones come after, which the other
// project has accepted. It gives their ids by personality.
func (s *site) seed(ctx context.Context, folder string) (map[string]string, error) {
	root, err := rootFS(filepath.Join(folder, "guest"))
	if err != nil {
		return nil, err
	}
	if _, err := s.image(ctx, map[string]any{"id": sourceImage, "name": "sl7x-x86_64", "visibility": glance.Private}, root); err != nil {
		return nil, err
	}
	before := map[string]string{}
	for _, p := range personalities {
		id, err := s.image(ctx, map[string]any{"name": imageName(p), "visibility": glance.Shared}, []byte("of before"))
		if err == nil {
			err = s.images.AddMember(ctx, id, s.memberID)
		}
		if err == nil {
			err = s.member.SetMemberStatus(ctx, id, s.memberID, glance.Accepted)
		}
		if err != nil {
			return nil, err
		}
		before[p] = id
	}
	return before, nil
}

func (s *site) image(ctx context.Context, attributes map[string]any, data []byte) (id string, err error) {
	attributes["disk_format"], attributes["container_format"], attributes["example"] = "raw", "bare", "packuilon"
	image, err := s.images.Create(ctx, attributes, "example", "packuilon")
	if err != nil {
		return "", err
	}
	return image.ID, s.images.Upload(ctx, image.ID, bytes.NewReader(data))
}

// rootFS is Scientific Linux as far as the sandbox needs it, with the stand-ins.
func rootFS(folder string) ([]byte, error) {
	files := map[string]string{"etc/os-release": "NAME=\"Scientific Linux\"\nVERSION_ID=7\n"}
	for name, path := range map[string]string{"quattor": "usr/bin/quattor", "aquilon": "usr/libexec/aquilon"} {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return nil, err
		}
		files[path] = string(text)
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(text))}); err != nil {
			return nil, err
		}
		if _, err := io.WriteString(w, text); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), w.Close()
}

// check fails unless each personality's image is a new one, with its personality inside, shared
// as the previous one.
func (s *site) check(ctx context.Context, out io.Writer, before map[string]string) error {
	var errs []error
	for _, p := range personalities {
		current, err := s.member.One(ctx, glance.Selector{Name: imageName(p)}, false)
		if err != nil {
			errs = append(errs, fmt.Errorf("member-a doesn't see %q: %w", imageName(p), err))
			continue
		}
		inside, err := s.inside(ctx, current.ID, "etc/personality")
		switch {
		case err != nil:
			errs = append(errs, err)
		case current.ID == before[p]:
			errs = append(errs, fmt.Errorf("%s is still the image it was", current))
		case strings.TrimSpace(inside) != p:
			errs = append(errs, fmt.Errorf("%s has the personality %q, not %q", current, inside, p))
		case current.Properties["aq_profile"] == "":
			errs = append(errs, fmt.Errorf("%s doesn't say which profile it is made of", current))
		}
		fmt.Fprintf(out, "%s: has personality %s inside, member-a sees it\n", current, strings.TrimSpace(inside))
	}
	return errors.Join(errs...)
}

// inside is the text of a file in an image's root file system.
func (s *site) inside(ctx context.Context, id, name string) (string, error) {
	data, err := imagedata.Download(ctx, s.imageAPI, id).Extract()
	if err != nil {
		return "", cloud.Classify(err)
	}
	defer data.Close()
	z, err := zstd.NewReader(data)
	if err != nil {
		return "", err
	}
	defer z.Close()
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err != nil {
			return "", fmt.Errorf("looking for %s in image %s: %w", name, id, err)
		}
		if strings.TrimPrefix(h.Name, "./") == name {
			text, err := io.ReadAll(r)
			return string(text), err
		}
	}
}
