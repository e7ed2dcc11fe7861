package share

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Copy is an image that a project on another Image service gets of its own.
type Copy struct {
	Image *glance.Image
	Made  string // the copy's id, "" before it is made

	from, to *Tenancy
	before   string // None, or "copied" where it was there already
}

const copied = "copied"

const (
	copyTries = 3
	copyLife  = 24 * time.Hour // after which a copy that was never finished may be swept
)

// origin is what a copy has in SourceKey.
func origin(from *Tenancy, img *glance.Image) string {
	_, sum := digest(img)
	return from.Cloud + "/" + img.ID + "/" + sum
}

// digest is the strongest checksum that the service keeps of the image's data.
func digest(img *glance.Image) (algorithm, sum string) {
	if img.HashValue != "" {
		return img.HashAlgo, img.HashValue
	}
	return "md5", img.Checksum
}

func hasher(algorithm string) hash.Hash {
	switch algorithm {
	case "sha512":
		return sha512.New()
	case "sha256":
		return sha256.New()
	case "md5":
		return md5.New()
	}
	return nil
}

// planCopies finds out which of the targets have a copy of the image's data already.
func planCopies(ctx context.Context, source *Tenancy, img *glance.Image, to []Target) ([]*Copy, error) {
	var copies []*Copy
	for _, t := range to {
		algorithm, sum := digest(img)
		switch {
		case img.Status != glance.StatusActive:
			return nil, fault.New(fault.Conflict, "reactivate it first", "image %s is %s: its data can't be read", img, img.Status)
		case img.Tied() != "":
			return nil, fault.New(fault.Conflict, "share it without a copy, with projects of its own cloud",
				"a copy of image %s would be of no use: it needs %s, which can't be copied", img, img.Tied())
		case sum == "" || hasher(algorithm) == nil:
			return nil, fault.New(fault.Conflict, "", "image %s has no checksum that a copy could be verified by (%q)", img, algorithm)
		}
		found, err := finishedCopies(ctx, source, t.site, img)
		if err != nil {
			return nil, err
		}
		c := &Copy{Image: img, from: source, to: t.site, before: None}
		if len(found) > 0 {
			c.Made, c.before = found[0].ID, copied
		}
		copies = append(copies, c)
	}
	return copies, nil
}

func (c *Copy) row() Row {
	r := Row{
		ImageID: c.Image.ID, Image: c.Image.Name, ProjectID: c.to.Project.ID, Project: c.to.Project.Name, Cloud: c.to.Cloud,
		Before: c.before, After: copied,
	}
	if c.Made != "" {
		r.Note = "image " + c.Made
	}
	return r
}

// copy streams an image from one cloud to the other. The copy is hidden until its data is verified.
func (r *run) copy(ctx context.Context, c *Copy) error {
	if c.Made != "" {
		return nil
	}
	done, err := r.settleOthers(ctx, c)
	if done || err != nil {
		return err
	}
	r.rep.Step("Copying image %s from %s to %s", c.Image, c.from, c.to)
	for range copyTries {
		if err = r.copyOnce(ctx, c); err == nil || ctx.Err() != nil || !fault.Is(err, fault.Unavailable) {
			return err
		}
		r.rep.Warn("copying image %s to %s: %v; starting again", c.Image, c.to, err)
	}
	return err
}

func (r *run) copyOnce(ctx context.Context, c *Copy) error {
	mark := string(cloud.NewRun())
	attributes := map[string]any{
		"name": c.Image.Name, "disk_format": c.Image.DiskFormat, "container_format": c.Image.ContainerFormat,
		"min_disk": c.Image.MinDisk, "min_ram": c.Image.MinRAM, "tags": c.Image.Tags,
		"visibility": glance.Private, "os_hidden": true,
	}
	for k, v := range c.Image.Properties {
		if glance.Copyable(k) {
			attributes[k] = v
		}
	}
	for k, v := range cloud.Run(mark).Metadata(time.Now().Add(copyLife)) {
		attributes[k] = v
	}
	attributes[CopyingKey] = origin(c.from, c.Image)
	undo := r.undo.Add(fmt.Sprintf("the copy of image %s on %s", c.Image, c.to), func(ctx context.Context) (bool, error) {
		return deleteMarked(ctx, c.to, mark)
	})
	img, err := c.to.Images.Create(ctx, attributes, cloud.RunKey, mark)
	if err != nil {
		return err
	}
	stored, err := r.transfer(ctx, c, img.ID)
	if err != nil {
		late, done := cloud.Grace(ctx)
		defer done()
		if e := c.to.Images.Delete(late, img.ID); e == nil {
			undo.Void()
		}
		return err
	}
	patch := glance.Patch{}.Hidden(false).Set(SourceKey, origin(c.from,
		c.Image)).Remove(CopyingKey).Remove(cloud.RunKey).Remove(cloud.DeadlineKey)
	// From here on the copy is known by its id.
	r.undo.Add(fmt.Sprintf("the copy %s of image %s on %s", img.ID, c.Image, c.to), func(ctx context.Context) (bool, error) {
		return true, c.to.Images.Delete(ctx, img.ID)
	})
	if hasProperty(stored, beatKey) {
		patch = patch.Remove(beatKey)
	}
	if _, err := c.to.Images.Update(ctx, img.ID, patch); err != nil {
		return err
	}
	c.Made = img.ID
	return nil
}

// transfer sends the data and compares what both services and the way between them say of it. It gives
// the image as it is then.
func (r *run) transfer(ctx context.Context, c *Copy, id string) (*glance.Image, error) {
	data, err := c.from.Images.Download(ctx, c.Image.ID)
	if err != nil {
		return nil, err
	}
	defer data.Close()
	algorithm, want := digest(c.Image)
	sum := hasher(algorithm)
	moving := &progress{r: io.TeeReader(data, sum), total: c.Image.Size, tell: func(done, total int64) {
		r.rep.Progress("bytes of "+c.Image.Name, done, total)
	}}
	stop := r.beat(ctx, c, id)
	err = c.to.Images.Upload(ctx, id, moving)
	stop()
	if err != nil {
		return nil, err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want {
		return nil, fault.New(fault.Unavailable, "run it again", "image %s: the data that came from %s has the %s %s, not %s", c.Image,
			c.from, algorithm, got, want)
	}
	img, err := c.to.Images.Image(ctx, id)
	if err != nil {
		return nil, err
	}
	gotAlgorithm, got := digest(img)
	if img.Size != c.Image.Size || gotAlgorithm == algorithm && got != want {
		return nil, fault.New(fault.Unavailable, "run it again", "image %s: %s stored %d bytes with the %s %s, not %d with %s", c.Image,
			c.to, img.Size, gotAlgorithm, got, c.Image.Size, want)
	}
	return img, nil
}

// deleteMarked deletes what a copy left that may never have come to be.
func deleteMarked(ctx context.Context, site *Tenancy, mark string) (changed bool, err error) {
	found, err := site.Images.Images(ctx, glance.Query{
		Owner: site.Project.ID, BothHidden: true,
		Properties: map[string]string{cloud.RunKey: mark},
	})
	if err != nil {
		return false, err
	}
	for _, img := range found {
		if err := site.Images.Delete(ctx, img.ID); err != nil {
			return changed, err
		}
		changed = true
	}
	return changed, nil
}

// progress tells how much went through it, at most once per step.
type progress struct {
	r           io.Reader
	done, total int64
	told        int64
	tell        func(done, total int64)
}

const progressStep = 4 << 20 // bytes

func (p *progress) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.done += int64(n)
	if p.done-p.told >= progressStep || err == io.EOF && p.done > p.told {
		p.told = p.done
		p.tell(p.done, p.total)
	}
	return n, err
}
