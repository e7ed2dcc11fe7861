package watch

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/nova"
)

// Options say what to measure.
type Options struct {
	Since  time.Time // servers that were asked for later count; the sample before
	Upload int64     // bytes of an image to upload, and to delete; 0 for none
	Run    cloud.Run // marks that image
	At     time.Time
}

// MaxUpload limits the image that is uploaded.
const MaxUpload = 10 << 30

// Validate checks what can be known without asking the cloud.
func (o Options) Validate() error {
	if o.Upload < 0 || o.Upload > MaxUpload {
		return fault.Bad("upload", "use a size such as 64MiB, of at most 10 GiB", "%d bytes can't be uploaded", o.Upload)
	}
	return nil
}

// rounds is how often each list is asked for.
const rounds = 4

// Measure takes a sample. A list that fails counts; the sample has an error only if nothing could be measured.
func Measure(ctx context.Context, c *cloud.Cloud, o Options) (Sample, error) {
	if err := o.Validate(); err != nil {
		return Sample{}, err
	}
	s := Sample{At: o.At.UTC().Truncate(time.Second)}
	if err := s.lists(ctx, c); err != nil {
		return s, err
	}
	if err := s.boots(ctx, c, o.Since); err != nil {
		return s, err
	}
	if o.Upload > 0 {
		if err := s.upload(ctx, c, o); err != nil {
			return s, err
		}
	}
	return s, nil
}

// lists asks the services for short lists. A request that is repeated because it failed counts as failed.
func (s *Sample) lists(ctx context.Context, c *cloud.Cloud) error {
	type list struct {
		client func() (*gophercloud.ServiceClient, error)
		path   string
	}
	var took []float64
	var last error
	before := c.Traffic().Requests
	answered := 0
	for range rounds {
		for _, l := range []list{
			{c.Compute, "servers?limit=1"},
			{c.Compute, "flavors?limit=1"},
			{c.Image, "images?limit=1"},
			{c.Network, "networks?limit=1"},
			{c.Network, "ports?limit=1"},
		} {
			sc, err := l.client()
			if err != nil {
				last = err
				continue
			}
			start := time.Now()
			response, err := sc.Get(ctx, sc.ServiceURL(l.path), nil, &gophercloud.RequestOpts{KeepResponseBody: true})
			if err == nil {
				_, err = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20))
				response.Body.Close()
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err != nil {
				last = cloud.Classify(err)
				continue
			}
			answered++
			took = append(took, time.Since(start).Seconds())
		}
	}
	s.Requests = int(c.Traffic().Requests - before)
	s.Failed = s.Requests - answered
	s.API = percentile(took, 95)
	if answered == 0 {
		return fmt.Errorf("asking cloud %q: %w", c.Name(), last)
	}
	return nil
}

// boots reads how long Nova took for the servers that are there. It boots none.
func (s *Sample) boots(ctx context.Context, c *cloud.Cloud, since time.Time) error {
	sc, err := c.Compute()
	if err != nil {
		return err
	}
	all, err := nova.Servers(ctx, sc)
	if err != nil {
		return err
	}
	var took []float64
	for _, server := range all {
		switch {
		case server.Created.Before(since):
		case server.Status == "ERROR" && server.LaunchedAt.IsZero():
			s.Broken++
		case !server.LaunchedAt.IsZero() && !server.LaunchedAt.Before(server.Created):
			took = append(took, server.LaunchedAt.Sub(server.Created).Seconds())
		}
	}
	s.Boots, s.Boot = len(took), median(took)
	return nil
}

// upload uploads an image of random bytes, which can't be compressed on the way, and deletes it whatever happens.
func (s *Sample) upload(ctx context.Context, c *cloud.Cloud, o Options) (err error) {
	sc, err := c.Image()
	if err != nil {
		return err
	}
	images := glance.New(sc)
	run := o.Run
	if run == "" {
		run = cloud.NewRun()
	}
	thing := &cloud.Thing{
		Kind: "image",
		Find: func(ctx context.Context) (ids []string, err error) {
			found, err := images.Images(ctx, glance.Query{Name: run.Name(), Owner: c.Project().ID, BothHidden: true})
			for _, i := range found {
				ids = append(ids, i.ID)
			}
			return ids, err
		},
		Delete: images.Delete,
	}
	var left cloud.Leftovers
	left.Expect(thing)
	defer func() {
		if e := left.Remove(context.WithoutCancel(ctx), removal); e != nil {
			err = errors.Join(err, fault.Wrap(fault.Partial, fault.Advise("remove it with %s", fault.Do("sweep", "")), e))
		}
	}()
	attributes := map[string]any{
		"name": run.Name(), "disk_format": "raw", "container_format": "bare", "visibility": "private", "os_hidden": true,
	}
	for key, value := range run.Metadata(o.At.Add(deadline)) {
		attributes[key] = value
	}
	image, err := images.Create(ctx, attributes, cloud.RunKey, string(run))
	if err != nil {
		return fmt.Errorf("creating an image to upload: %w", err)
	}
	thing.Made(image.ID)
	start := time.Now()
	if err := images.Upload(ctx, image.ID, io.LimitReader(rand.Reader, o.Upload)); err != nil {
		return fmt.Errorf("uploading an image: %w", err)
	}
	s.Upload = float64(o.Upload) / (1 << 20) / max(time.Since(start).Seconds(), 1e-6)
	return nil
}

const (
	removal  = 2 * time.Minute
	deadline = 6 * time.Hour // of the image, after which anybody's sweep may take it
)
