package usage

import (
	"context"
	"errors"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cinder"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// shelf is a cloud's volumes that were made from images.
type shelf struct {
	*answer
	fleet    *fleet
	from     map[string]string // image by volume
	attached []attachment
}

// attachment is a volume made from an image, at a server.
type attachment struct{ image, volume, server, project string }

// askVolumes reads volumes, and their snapshots and backups, whose image is that of their volume.
func (c *collection) askVolumes(from *cloud.Cloud, fleet *fleet) {
	s := &shelf{answer: c.source(Volumes, from), fleet: fleet}
	c.shelves = append(c.shelves, s)
	snapshots, backups := c.source(Snapshots, from), c.source(Backups, from)
	c.wait.Go(func() {
		c.read(s.answer, from.BlockStorage, func(ctx context.Context, sc *gophercloud.ServiceClient) error {
			return s.volumes(ctx, from, sc)
		})
		var unknown error
		if s.State != Read && s.State != Limited {
			unknown = errors.New("the volumes they were made from could not be read")
		}
		c.read(snapshots, from.BlockStorage, func(ctx context.Context, sc *gophercloud.ServiceClient) error {
			return errors.Join(s.snapshots(ctx, from, sc, snapshots), unknown)
		})
		c.read(backups, from.BlockStorage, func(ctx context.Context, sc *gophercloud.ServiceClient) error {
			return errors.Join(s.backups(ctx, from, sc, backups), unknown)
		})
	})
}

// own notes which objects a list of Cinder's showed: where the user may not list all projects', it
// leaves them out without a word.
type own struct {
	project string
	others  bool
}

func (o *own) saw(project string) { o.others = o.others || project != o.project && project != "" }

func (o *own) settle(a *answer, from *cloud.Cloud) {
	if !o.others && !from.IsAdmin() {
		a.limit(from)
	}
}

func (s *shelf) volumes(ctx context.Context, from *cloud.Cloud, sc *gophercloud.ServiceClient) error {
	seen := own{project: from.Project().ID}
	restart := func() {
		s.restart()
		s.from, s.attached = map[string]string{}, nil
	}
	err := cinder.EachVolume(ctx, sc, restart, func(volumes []cinder.Volume) error {
		for _, v := range volumes {
			seen.saw(v.ProjectID)
			s.take(v)
		}
		return nil
	})
	seen.settle(s.answer, from)
	return err
}

func (s *shelf) take(v cinder.Volume) {
	use := Use{Kind: Volume, ID: v.ID, Name: v.Name, Project: v.ProjectID, How: Made, Evidence: "status " + v.Status}
	if image := key(v.ImageMetadata["image_id"]); image != "" {
		s.byID(image, use)
		s.from[v.ID] = image
		for _, at := range v.Attachments {
			s.attached = append(s.attached, attachment{image, v.ID, at.ServerID, v.ProjectID})
		}
	}
	for _, name := range []string{Kernel, Ramdisk} {
		if id := v.ImageMetadata[name]; glance.IsID(id) {
			use.How = name
			s.byID(id, use)
		}
	}
}

func (s *shelf) snapshots(ctx context.Context, from *cloud.Cloud, sc *gophercloud.ServiceClient, a *answer) error {
	seen := own{project: from.Project().ID}
	err := cinder.EachSnapshot(ctx, sc, a.restart, func(snapshots []cinder.Snapshot) error {
		for _, o := range snapshots {
			seen.saw(o.ProjectID)
			if image := s.from[o.VolumeID]; image != "" {
				a.byID(image, Use{
					Kind: Snapshot, ID: o.ID, Name: o.Name, Project: o.ProjectID, How: Made,
					Evidence: "of volume " + o.VolumeID,
				})
			}
		}
		return nil
	})
	seen.settle(a, from)
	return err
}

func (s *shelf) backups(ctx context.Context, from *cloud.Cloud, sc *gophercloud.ServiceClient, a *answer) error {
	seen := own{project: from.Project().ID}
	err := cinder.EachBackup(ctx, sc, a.restart, func(backups []cinder.Backup) error {
		for _, o := range backups {
			seen.saw(o.ProjectID)
			if image := s.from[o.VolumeID]; image != "" {
				a.byID(image, Use{
					Kind: Backup, ID: o.ID, Name: o.Name, Project: o.ProjectID, How: Made,
					Evidence: "of volume " + o.VolumeID, Weak: true, // a backup has all data
				})
			}
		}
		return nil
	})
	seen.settle(a, from)
	return err
}
