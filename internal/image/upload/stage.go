package upload

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// The ways into the Image service.
const (
	Direct       = "upload"        // send the data to the image; the default
	GlanceDirect = "glance-direct" // stage the data, then have the service import it, which may convert it
	WebDownload  = "web-download"  // have the service fetch the data from Source.URL
)

// Properties of an image that is uploaded.
const (
	VerifiedKey = "imgctl_verified"    // the checksum that the data was found to have, as "sha256:ab12…"
	BeatKey     = "imgctl_upload_beat" // changes while the data is sent
)

// Options say what image is made, and how.
type Options struct {
	// Run identifies this one image, so that it is found after its creation was interrupted. It is the
	// run id of one image, not of several.
	Run  cloud.Run
	Life time.Duration // after which a sweep may remove the image as a dead run's; default a day

	Image Image

	Via       string        // Direct (default), GlanceDirect or WebDownload
	Convert   string        // ToRaw, or "" for no conversion
	Unchecked bool          // take data without a checksum
	Timeout   time.Duration // of an import by the service; default two hours
}

// Image is the record that is made. Fields that are empty are the service's defaults.
type Image struct {
	Name       string // default is the run's staging name
	Owner      string // project id; only administrators may name another than their own
	MinDisk    int    // GiB; raised to what the data's virtual size needs
	MinRAM     int    // MiB
	Tags       []string
	Properties map[string]string
}

const (
	tries    = 3
	lifetime = 24 * time.Hour
	patience = 2 * time.Hour
	gib      = 1 << 30
)

// Beats is how often an image shows that its upload is under way.
const Beats = 5 * time.Second

// Alive reports whether the run that uploads an image is still at it, at a time of the service's clock.
func Alive(img *glance.Image, at time.Time) bool { return at.Sub(img.UpdatedAt) < 4*Beats }

// Validate checks a source and options without any request.
func (o Options) Validate(source Source) error {
	switch {
	case !o.Run.Valid():
		return fault.New(fault.Usage, "", "run %q is no run id", o.Run)
	case len(source.Sums) == 0 && !o.Unchecked:
		return fault.New(fault.Forbidden,
			fault.Advise("name its checksum, or take it as it is with %s", fault.Option("insecure_no_checksum")),
			"%s has no checksum to verify it by", source.Name)
	case o.Via != "" && o.Via != Direct && o.Via != GlanceDirect && o.Via != WebDownload:
		return fault.Bad("via", "", "%q is none of %s, %s, %s", o.Via, Direct, GlanceDirect, WebDownload)
	case o.Via == WebDownload && source.URL == "":
		return fault.Bad("via", fault.Advise("leave %s out", fault.Option("via")), "no cloud could fetch %s by itself", source.Name)
	case o.Via == WebDownload && o.Convert != "":
		return fault.Bad("via", "", "what a cloud fetches by itself isn't converted here")
	}
	return canConvert(source, o.Convert)
}

// Stage makes a hidden, private image with the source's data. It returns the image once the service has
// stored all of the data and it is verified; otherwise no image is left.
func Stage(ctx context.Context, images *glance.Client, source Source, o Options, rep report.Reporter) (*glance.Image, error) {
	if err := o.Validate(source); err != nil {
		return nil, err
	}
	if o.Life == 0 {
		o.Life = lifetime
	}
	if o.Timeout == 0 {
		o.Timeout = patience
	}
	s := &staging{images: images, source: source, options: o, rep: rep}
	if o.Convert != "" {
		disk, sum, done, err := converted(ctx, source, rep)
		if err != nil {
			return nil, err
		}
		defer done()
		s.source, s.original = disk, sum
	}
	for try := 1; ; try++ {
		img, err := s.once(ctx)
		if err == nil || try == tries || ctx.Err() != nil || s.unreadable || !fault.Is(err, fault.Unavailable) {
			return img, err
		}
		rep.Warn("uploading %s: %v; starting again", source.Name, err)
		s.options.Run = cloud.NewRun() // the one before may still appear
	}
}

type staging struct {
	images  *glance.Client
	source  Source
	options Options
	rep     report.Reporter

	original   string // checksum of what the source was converted from, "" if it wasn't
	unreadable bool   // reading the source failed, which was retried already
}

// once makes one image, or leaves none.
func (s *staging) once(ctx context.Context) (*glance.Image, error) {
	data, err := open(ctx, s.source, s.rep)
	if err != nil {
		s.unreadable = true
		return nil, err
	}
	defer data.close()
	mark := string(s.options.Run)
	img, err := s.images.Create(ctx, s.attributes(data), cloud.RunKey, mark)
	if err != nil {
		return nil, s.takeBack(ctx, mark, "", err)
	}
	id := img.ID
	stop := s.beat(ctx, id)
	verified, err := s.send(ctx, id, data)
	stop()
	if err == nil {
		img, err = s.verify(ctx, id, data, verified)
	}
	if err != nil {
		return nil, s.takeBack(ctx, mark, id, err)
	}
	return img, nil
}

func (s *staging) attributes(data *stream) map[string]any {
	o, disk := s.options.Image, data.format.Disk
	a := map[string]any{
		"name": o.Name, "disk_format": disk, "container_format": container(disk), "visibility": glance.Private, "os_hidden": true,
		"min_disk": max(o.MinDisk, minDisk(data.format.VirtualSize)), "min_ram": o.MinRAM,
	}
	if o.Name == "" {
		a["name"] = s.options.Run.Name()
	}
	if o.Owner != "" {
		a["owner"] = o.Owner
	}
	if len(o.Tags) > 0 {
		a["tags"] = o.Tags
	}
	for k, v := range o.Properties {
		a[k] = v
	}
	for k, v := range s.options.Run.Metadata(time.Now().Add(s.options.Life)) {
		a[k] = v
	}
	return a
}

// minDisk is the smallest disk, in GiB, that so many bytes fit on.
func minDisk(size int64) int { return int((size + gib - 1) / gib) }

// beat shows that the upload is under way, until stop is called.
func (s *staging) beat(ctx context.Context, id string) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	group.Go(func() {
		for n := 1; change.Sleep(ctx, Beats); n++ {
			// One that fails is made up for by the next.
			_, _ = s.images.Update(ctx, id, glance.Patch{}.Set(BeatKey, strconv.Itoa(n)))
		}
	})
	return func() {
		cancel()
		group.Wait()
	}
}

// send brings the data into the image. It returns the checksums that the data had on its way, none if it
// didn't come by here.
func (s *staging) send(ctx context.Context, id string, data *stream) (Sums, error) {
	if s.options.Via == WebDownload {
		data.close()
		return nil, s.images.Import(ctx, id, glance.ImportMethod{Name: WebDownload, URI: s.source.URL}, s.options.Timeout)
	}
	data.start("sha512") // by which most services keep what they stored
	put := s.images.Upload
	if s.options.Via == GlanceDirect {
		put = s.images.Stage
	}
	err := put(ctx, id, data)
	data.close()
	switch {
	case data.failed != nil && ctx.Err() == nil:
		s.unreadable = true
		return nil, data.failed // the reason, where err is what it led to
	case err != nil:
		return nil, err
	case data.sums == nil:
		return nil, fault.New(fault.Unavailable, "", "the service answered before it had read all of the data")
	case s.options.Via == GlanceDirect:
		err = s.images.Import(ctx, id, glance.ImportMethod{Name: GlanceDirect}, s.options.Timeout)
	}
	return data.sums, err
}

// takeBack deletes what a failed upload left, even if the context has ended.
func (s *staging) takeBack(ctx context.Context, mark, id string, why error) error {
	var undo change.Undo
	undo.Add("the upload of "+s.source.Name, func(ctx context.Context) (bool, error) {
		if id != "" {
			return true, s.images.Delete(ctx, id)
		}
		found, err := s.images.Images(ctx, glance.Query{BothHidden: true, Properties: map[string]string{cloud.RunKey: mark}})
		if err != nil {
			return false, err
		}
		for _, img := range found {
			if err := s.images.Delete(ctx, img.ID); err != nil {
				return true, err
			}
		}
		return len(found) > 0, nil
	})
	_, err := undo.TakeBack(ctx, why, fault.Advise("remove it when its deadline is over: %s", fault.Do("sweep", "")))
	if err != why { //nolint:errorlint // it is the same error if nothing is left
		err = fmt.Errorf("image %s: %w", mark, err)
	}
	return err
}
