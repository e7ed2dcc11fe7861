package sandbox

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/glance"
)

// Visibilities of images.
const (
	Private   = glance.Private
	Shared    = glance.Shared
	Community = glance.Community
	Public    = glance.Public
)

// Image is an image with its data.
type Image struct {
	ID                          string // "" = a new one
	Name                        string
	Project                     string // name or id of the owner; "" = the first user's project, admin in the default seed
	Visibility                  string // "" = shared
	DiskFormat, ContainerFormat string // "" = raw and bare if there is data
	MinDisk, MinRAM             int    // GiB, MiB
	Protected, Hidden           bool
	Tags                        []string
	Properties                  map[string]string
	CreatedAt                   time.Time // zero = now

	Data []byte // of the image
	File string // path of the data, instead of Data; without either the image stays queued

	Members map[string]string // status (pending, accepted or rejected) by the member project's name or id
}

// AddImage adds an image, as if its project had uploaded and shared it, and returns its id. It checks neither
// quotas nor reserved names.
func (c *Cloud) AddImage(i Image) (string, error) {
	id, err := c.addImage(i)
	if err != nil {
		return "", fmt.Errorf("adding image %q: %w", i.Name, err)
	}
	return id, nil
}

func (c *Cloud) addImage(i Image) (string, error) {
	data, err := i.open()
	if err != nil {
		return "", err
	}
	if data != nil {
		defer data.Close()
		i.DiskFormat, i.ContainerFormat = cmp.Or(i.DiskFormat, "raw"), cmp.Or(i.ContainerFormat, "bare")
	}
	owner, err := c.project(cmp.Or(i.Project, c.logins[0].project.Name))
	if err != nil {
		return "", err
	}
	id, err := c.services.Image.CreateQueued(front.Caller{ProjectID: owner}, glance.Spec{
		ID: i.ID, Name: i.Name, Owner: owner, Visibility: i.Visibility, DiskFormat: i.DiskFormat, ContainerFormat: i.ContainerFormat,
		MinDisk: i.MinDisk, MinRAM: i.MinRAM, Protected: i.Protected, Hidden: i.Hidden,
		Tags: i.Tags, Properties: i.Properties, CreatedAt: i.CreatedAt,
	})
	if err != nil {
		return "", err
	}
	if data != nil {
		if err := c.services.Image.Upload(id, data); err != nil {
			return "", err
		}
	}
	for project, status := range i.Members {
		if err := c.SetMember(id, project, status); err != nil {
			return "", err
		}
	}
	return id, nil
}

// open returns the image's data, nil if it has none.
func (i Image) open() (io.ReadCloser, error) {
	switch {
	case i.Data != nil:
		return io.NopCloser(bytes.NewReader(i.Data)), nil
	case i.File != "":
		return os.Open(i.File)
	}
	return nil, nil //nolint:nilnil // no data is no error
}

// Image is the current state of an image, without its data and members; ok is false if there is none.
func (c *Cloud) Image(id string) (Image, bool) {
	i, ok := c.services.Image.Image(id)
	return Image{
		ID: i.ID, Name: i.Name, Project: i.Owner, Visibility: i.Visibility, DiskFormat: i.DiskFormat, ContainerFormat: i.ContainerFormat,
		MinDisk: i.MinDisk, MinRAM: i.MinRAM, Protected: i.Protected, Hidden: i.Hidden,
		Tags: i.Tags, Properties: i.Properties, CreatedAt: i.CreatedAt,
	}, ok
}

// Members are the statuses of an image's members by their projects' ids.
func (c *Cloud) Members(image string) map[string]string { return c.services.Image.Members(image) }

// SetMember makes a project (name or id) a member of an image with a status: pending, accepted or rejected.
func (c *Cloud) SetMember(image, project, status string) error {
	id, err := c.project(project)
	if err != nil {
		return err
	}
	return c.services.Image.SetMember(image, id, status)
}

// SetHash makes Glance report a hash that needn't be that of the image's data.
func (c *Cloud) SetHash(image, algorithm, value string) error {
	return c.services.Image.Update(image, func(i *glance.Image) { i.HashAlgo, i.HashValue = algorithm, value })
}
