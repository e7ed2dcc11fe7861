package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// registry is a docker-registry.
type registry struct {
	dir, host string
	cmd       *exec.Cmd
}

func startRegistry(ctx context.Context, dir string) (*registry, error) {
	if _, err := exec.LookPath("docker-registry"); err != nil {
		return nil, fmt.Errorf("%w: apt-get install docker-registry", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // only to find a free port
	if err != nil {
		return nil, err
	}
	r := &registry{dir: dir, host: l.Addr().String()}
	l.Close()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	config := "version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n" +
		"storage: {filesystem: {rootdirectory: " + dir + "/data}, cache: {blobdescriptor: inmemory}, delete: {enabled: true}}\n" +
		"http: {addr: '" + r.host + "'}\n"
	if err := os.WriteFile(filepath.Join(dir, "config.yml"), []byte(config), 0o600); err != nil {
		return nil, err
	}
	return r, r.start(ctx)
}

func (r *registry) start(ctx context.Context) error {
	r.cmd = exec.CommandContext(ctx, "docker-registry", "serve", filepath.Join(r.dir, "config.yml"))
	if err := r.cmd.Start(); err != nil {
		return err
	}
	for range 500 {
		if c, err := net.Dial("tcp", r.host); err == nil { //nolint:noctx // it answers at once or not
			return c.Close()
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return fmt.Errorf("docker-registry doesn't listen on %s", r.host)
}

func (r *registry) stop() {
	if r != nil && r.cmd.Process != nil {
		_ = r.cmd.Process.Kill()
		_ = r.cmd.Wait()
	}
}

// wipe starts it anew without images.
func (r *registry) wipe(ctx context.Context) error {
	r.stop()
	if err := os.RemoveAll(filepath.Join(r.dir, "data")); err != nil {
		return err
	}
	return r.start(ctx)
}

// fill stores images with five layers that all have, one of eight that a family has, and one of
// their own.
func (r *registry) fill(images int, unit int64) error {
	base, err := layers(unit, 70, 40, 30, 20, 10)
	if err != nil {
		return err
	}
	family, err := layers(unit, 15, 15, 15, 15, 15, 15, 15, 15)
	if err != nil {
		return err
	}
	for n := range images {
		own, err := layers(unit, int64(3+n%6))
		if err != nil {
			return err
		}
		image, err := mutate.AppendLayers(empty.Image, append(append([]v1.Layer{}, base...), family[n%8], own[0])...)
		if err != nil {
			return err
		}
		config, err := image.ConfigFile()
		if err != nil {
			return err
		}
		config = config.DeepCopy()
		config.Config.Labels = map[string]string{"rdo_version": fmt.Sprintf("v%d", n)}
		if image, err = mutate.ConfigFile(image, config); err != nil {
			return err
		}
		for _, tag := range []string{"current", fmt.Sprintf("v%d", n)} {
			ref, err := name.ParseReference(fmt.Sprintf("%s/ns/openstack-service-%d:%s", r.host, n, tag))
			if err != nil {
				return err
			}
			if err := remote.Write(ref, image); err != nil {
				return err
			}
		}
	}
	return nil
}

func layers(unit int64, megabytes ...int64) (all []v1.Layer, err error) {
	for _, mb := range megabytes {
		l, err := random.Layer(mb*unit, types.DockerLayer)
		if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}

// proxy stands before a registry, counts, and delays.
type proxy struct {
	host            string
	server          *http.Server
	requests, bytes atomic.Int64
}

func (r *registry) before(delay time.Duration) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it lives as long as the program
	if err != nil {
		return nil, err
	}
	p := &proxy{host: l.Addr().String()}
	reverse := &httputil.ReverseProxy{
		Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true},
		Rewrite: func(q *httputil.ProxyRequest) {
			q.SetURL(&url.URL{Scheme: "http", Host: r.host})
			q.Out.Host = q.In.Host
		},
	}
	p.server = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		p.requests.Add(1)
		q.Body = &counter{q.Body, &p.bytes}
		if delay > 0 {
			select {
			case <-time.After(delay):
			case <-q.Context().Done():
			}
		}
		reverse.ServeHTTP(w, q)
	})}
	go func() { _ = p.server.Serve(l) }()
	return p, nil
}

type counter struct {
	io.ReadCloser
	n *atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n.Add(int64(n))
	return n, err
}

func (p *proxy) reset() {
	p.requests.Store(0)
	p.bytes.Store(0)
}

// through puts proxies with that delay before both registries.
func (b *bench) through(delay time.Duration) (err error) {
	if b.from != nil {
		b.from.server.Close()
		b.to.server.Close()
	}
	if b.from, err = b.source.before(delay); err != nil {
		return err
	}
	b.to, err = b.target.before(delay)
	return err
}

func (b *bench) close() {
	b.source.stop()
	b.target.stop()
}
