package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// version is what the images' label says.
const version = "35414701c176_43527485"

// images are the names of those that the demo makes.
var images = []string{
	"keystone", "glance-api", "nova-api", "nova-conductor", "nova-scheduler", "placement-api", "horizon", "mariadb",
	"rabbitmq", "memcached",
}

// registry is one in this process, in memory, that counts.
type registry struct {
	host        string
	sum         int64 // bytes of all images, each counted by itself
	given, puts atomic.Int64
}

func serve() (*registry, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it lives as long as the program
	if err != nil {
		return nil, err
	}
	r := &registry{host: l.Addr().String()}
	inner := ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0)))
	server := &http.Server{
		ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if q.Method == http.MethodGet && strings.Contains(q.URL.Path, "/blobs/") {
				w = &counter{w, &r.given}
			}
			if q.Method != http.MethodGet && q.Method != http.MethodHead {
				r.puts.Add(1)
			}
			inner.ServeHTTP(w, q)
		}),
	}
	go func() { _ = server.Serve(l) }()
	return r, nil
}

type counter struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.n.Add(int64(n))
	return n, err
}

func (r *registry) reset() {
	r.given.Store(0)
	r.puts.Store(0)
}

func (r *registry) sent() int64   { return r.given.Load() }
func (r *registry) writes() int64 { return r.puts.Load() }

// fill makes the images: two layers that all have, and one of their own.
func (r *registry) fill() error {
	var base []v1.Layer
	for _, size := range []int64{8 << 20, 2 << 20} {
		l, err := random.Layer(size, types.DockerLayer)
		if err != nil {
			return err
		}
		base = append(base, l)
	}
	for _, image := range images {
		if err := r.store("wallaby/openstack-"+image, base, "current-tripleo", version); err != nil {
			return err
		}
	}
	return r.store("hotfix/openstack-nova-api", base, "fixed")
}

func (r *registry) store(path string, base []v1.Layer, tags ...string) error {
	own, err := random.Layer(300<<10, types.DockerLayer)
	if err != nil {
		return err
	}
	image, err := mutate.AppendLayers(empty.Image, append(append([]v1.Layer{}, base...), own)...)
	if err != nil {
		return err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return err
	}
	config = config.DeepCopy()
	config.Config.Labels = map[string]string{"rdo_version": version}
	if image, err = mutate.ConfigFile(image, config); err != nil {
		return err
	}
	r.sum += 10<<20 + 300<<10
	for _, tag := range tags {
		ref, err := name.ParseReference(r.host + "/" + path + ":" + tag)
		if err != nil {
			return err
		}
		if err := remote.Write(ref, image); err != nil {
			return fmt.Errorf("storing %s: %w", ref, err)
		}
	}
	return nil
}
