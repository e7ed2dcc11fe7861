package upload

import (
	"cmp"
	"context"
	"io"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// verify compares what the service stored with the source, and notes on the image that it is what it
// should be. seen are the checksums that the data had on its way.
func (s *staging) verify(ctx context.Context, id string, data *stream, seen Sums) (*glance.Image, error) {
	img, err := s.images.Image(ctx, id)
	if err != nil {
		return nil, err
	}
	want, size := seen, data.done
	if seen == nil {
		want, size = s.source.Sums, s.source.Size
	}
	stored := storedSums(img)
	switch known, differs := want.Compare(stored); {
	case img.Status != glance.StatusActive:
		return nil, fault.New(fault.Unavailable, "", "image %s has status %q after its data was stored", img, img.Status)
	case differs != "":
		return nil, fault.New(fault.Unavailable, "run it again", "image %s: the service stored data with the %s %s, not %s", img,
			differs, stored[differs], want[differs])
	case size > 0 && img.Size != size && s.options.Via != GlanceDirect:
		return nil, fault.New(fault.Unavailable, "run it again", "image %s: the service stored %d bytes, not %d", img, img.Size, size)
	case s.options.Via == WebDownload, !known && s.options.Via != GlanceDirect:
		if err := s.readBack(ctx, img, known); err != nil {
			return nil, err
		}
	}
	patch := glance.Patch{}.Set(VerifiedKey, cmp.Or(s.original, s.source.Sums.Best(), want.Best(), stored.Best()))
	if _, beats := img.Properties[BeatKey]; beats {
		patch = patch.Remove(BeatKey)
	}
	virtual := data.format.VirtualSize
	if virtual == 0 && img.DiskFormat == raw {
		virtual = img.Size
	}
	if least := minDisk(virtual); least > img.MinDisk {
		patch = patch.MinDisk(least)
	}
	return s.images.Update(ctx, id, patch)
}

// readBack reads what the service stored: its format, and all of it if no checksum that the service keeps
// could be compared.
func (s *staging) readBack(ctx context.Context, img *glance.Image, known bool) error {
	stored := Stored(s.images, img)
	stored.Sums = s.source.Sums
	quiet := report.Discard
	if !known && len(stored.Sums) > 0 {
		s.rep.Step("Reading %s back, because the service keeps no checksum to compare", img)
		quiet = s.rep
	}
	data, err := open(ctx, stored, quiet)
	if err != nil {
		return err
	}
	defer data.close()
	if known || len(stored.Sums) == 0 {
		return nil
	}
	data.start()
	_, err = io.Copy(io.Discard, data)
	return err
}

// Holds reports whether an image has data that a source with these checksums would give, as far as the
// records of both tell: known is false if they have no checksum in common.
func Holds(img *glance.Image, sums Sums) (same, known bool) {
	// The service's are others if the data was converted on its way.
	verified, _ := ParseSums(img.Properties[VerifiedKey]) // none, if it is none
	known, differs := sums.Compare(verified)
	if !known {
		known, differs = sums.Compare(storedSums(img))
	}
	return known && differs == "" && img.Status == glance.StatusActive, known
}

// Discard deletes an image that Stage made and that isn't wanted any more, even if the context has ended.
func Discard(ctx context.Context, images *glance.Client, id string) error {
	late, done := cloud.Grace(ctx)
	defer done()
	return images.Delete(late, id)
}
