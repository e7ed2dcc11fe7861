package sandbox

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/glance"
)

// Population is a cloud's content for tests of scale. What differs from object to object comes from Seed, so the
// same population is the same again.
type Population struct {
	// Images are how many there are: versions of families such as "family-0042", made over the last three
	// years, some hidden, none with data.
	Images int
	// Servers are how many boot from them, most from newer ones, in all states and projects.
	Servers int
	// VolumeBooted are how many further servers boot from volumes made from the images.
	VolumeBooted int
	Seed         uint64
	// Now is the time of the newest image; zero = the clock's.
	Now time.Time
	// Image may change an image before it is added; nil = as it is. n counts from 0, the oldest.
	Image func(n int, i *Image)
}

// perFamily is how many versions a family of images has.
const perFamily = 25

var populatedStates = []string{
	"ACTIVE", "ACTIVE", "ACTIVE", "ACTIVE", "ACTIVE", "ACTIVE", "SHUTOFF", "SHUTOFF", "ERROR", "PAUSED", "SUSPENDED",
	"SHELVED_OFFLOADED", "VERIFY_RESIZE",
}

// Populate adds a population, and returns the images' ids, from the oldest to the newest.
func (c *Cloud) Populate(p Population) (images []string, err error) {
	random := rand.New(rand.NewPCG(p.Seed, 42))
	id := func() string {
		var b uuid.UUID
		for k := range b {
			b[k] = byte(random.Uint32())
		}
		b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
		return b.String()
	}
	now := p.Now
	if now.IsZero() {
		now = c.clock.Now()
	}
	project := func() string { return c.logins[random.IntN(len(c.logins))].project.ID }
	families := max(1, (p.Images+perFamily-1)/perFamily)
	records := make([]glance.Image, 0, p.Images)
	for n := range p.Images {
		i := Image{
			ID: id(), Name: fmt.Sprintf("family-%04d", n%families), Project: c.logins[n%families%len(c.logins)].project.ID,
			Visibility: []string{Private, Shared, Public, Community}[n%families%4], DiskFormat: "qcow2", ContainerFormat: "bare",
			CreatedAt: now.Add(-3 * 365 * 24 * time.Hour / time.Duration(p.Images) * time.Duration(p.Images-n)),
			Hidden:    random.IntN(20) == 0,
			Properties: map[string]string{
				"os_distro": "debian", "family": fmt.Sprintf("family-%04d", n%families), "version": strconv.Itoa(n / families),
			},
		}
		if p.Image != nil {
			p.Image(n, &i)
		}
		images = append(images, i.ID)
		records = append(records, glance.Image{
			ID: i.ID, Name: i.Name, Owner: i.Project, Visibility: i.Visibility, DiskFormat: i.DiskFormat,
			ContainerFormat: i.ContainerFormat, MinDisk: i.MinDisk, MinRAM: i.MinRAM, Protected: i.Protected, Hidden: i.Hidden,
			Tags: i.Tags, Properties: i.Properties, CreatedAt: i.CreatedAt.UTC().Truncate(time.Second),
			Size: 500<<20 + random.Int64N(4<<30),
		})
	}
	c.services.Image.Fill(records)
	if p.Images == 0 {
		return nil, nil
	}
	var servers []Server
	var volumes []Volume
	for n := range p.Servers + p.VolumeBooted {
		// The largest of two makes newer images likelier.
		image := images[max(random.IntN(len(images)), random.IntN(len(images)))]
		s := Server{
			ID: id(), Name: fmt.Sprintf("server-%05d", n), Project: project(), Image: image,
			Status:    populatedStates[random.IntN(len(populatedStates))],
			CreatedAt: now.Add(-time.Duration(random.Int64N(int64(3 * 365 * 24 * time.Hour)))),
		}
		if n >= p.Servers {
			s.Image = ""
			volumes = append(volumes, Volume{
				ID: id(), Name: s.Name, Project: s.Project, Image: image, Server: s.ID, CreatedAt: s.CreatedAt,
			})
		}
		servers = append(servers, s)
	}
	if _, err := c.AddServers(servers...); err != nil {
		return nil, err
	}
	_, err = c.AddVolumes(volumes...)
	return images, err
}
