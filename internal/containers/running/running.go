// Package running compares what containers run on a host with what registries have.
package running

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/remote"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Container is a container that runs.
type Container struct {
	Name, Image string // the image as it was named when the container was made
	ImageID     string // the digest of the image's configuration
}

const (
	maxAnswer = 32 << 20
	timeout   = time.Minute
)

// Containers are those that run on the host whose engine listens on the socket. Podman and Docker
// answer.
func Containers(ctx context.Context, socket string) ([]Container, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://engine/v1.40/containers/json", http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := transport.RoundTrip(r)
	if err != nil {
		return nil, fault.Wrap(kindOf(err), fault.Advise("start podman.socket, or name the socket with %s", fault.Option("socket")),
			fmt.Errorf("containers on %s: %w", socket, err))
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, fault.Wrap(fault.Unavailable, "", fmt.Errorf("containers on %s: %w", socket, err))
	case resp.StatusCode != http.StatusOK:
		return nil, fault.New(fault.Unavailable, "", "containers on %s: the engine answered %s: %.300s", socket, resp.Status, text)
	case len(text) > maxAnswer:
		return nil, fault.New(fault.Unavailable, "", "containers on %s: the answer is larger than %d MiB", socket, maxAnswer>>20)
	}
	var list []struct {
		Names          []string
		Image, ImageID string
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", fmt.Errorf("containers on %s: the answer is no list: %w", socket, err))
	}
	all := make([]Container, 0, len(list))
	for _, c := range list {
		name := ""
		if len(c.Names) > 0 {
			name = strings.TrimPrefix(c.Names[0], "/")
		}
		id := c.ImageID
		if !strings.Contains(id, ":") {
			id = "sha256:" + id
		}
		all = append(all, Container{name, c.Image, id})
	}
	return all, nil
}

func kindOf(err error) fault.Kind {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.NotFound
	case errors.Is(err, fs.ErrPermission):
		return fault.Forbidden
	}
	return fault.Unavailable
}

// Compared is a container, and the image that it should run.
type Compared struct {
	Container
	Pushed  reference.Reference
	Digest  string // of the pushed manifest
	Want    string // the digest of its configuration
	Current bool
	Err     error
}

// Compare compares containers with images that were pushed: each container of one of the images'
// repositories, whatever its tag. No images are the containers' own.
func Compare(ctx context.Context, s remote.Source, containers []Container, images []reference.Reference) (all []*Compared) {
	known := map[string]*Compared{}
	for _, c := range containers {
		ran, err := reference.Parse(c.Image)
		if err != nil {
			all = append(all, &Compared{Container: c, Err: err})
			continue
		}
		for _, image := range expected(ran, images) {
			one := &Compared{Container: c, Pushed: image}
			looked := known[image.String()]
			if looked == nil {
				looked = &Compared{}
				looked.Digest, looked.Want, looked.Err = pushed(ctx, s, image)
				known[image.String()] = looked
			}
			one.Digest, one.Want, one.Err = looked.Digest, looked.Want, looked.Err
			one.Current = one.Err == nil && one.Want == c.ImageID
			all = append(all, one)
		}
	}
	return all
}

func expected(ran reference.Reference, images []reference.Reference) (all []reference.Reference) {
	if len(images) == 0 {
		return []reference.Reference{ran}
	}
	for _, image := range images {
		if image.Registry() == ran.Registry() && image.Repository() == ran.Repository() {
			all = append(all, image)
		}
	}
	return all
}

func pushed(ctx context.Context, s remote.Source, image reference.Reference) (digest, config string, err error) {
	loaded, err := remote.Load(ctx, s, remote.Image(image))
	if err != nil {
		return "", "", err
	}
	d, err := loaded.Digest()
	if err != nil {
		return "", "", err
	}
	c, err := loaded.ConfigName()
	return d.String(), c.String(), err
}
