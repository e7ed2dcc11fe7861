package registrytest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Layers are random ones of so many bytes each.
func Layers(sizes ...int64) (all []v1.Layer, err error) {
	for _, size := range sizes {
		l, err := random.Layer(size, types.DockerLayer)
		if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}

// Image is an image with labels, of the layers.
func Image(labels map[string]string, layers ...v1.Layer) (v1.Image, error) {
	image, err := mutate.AppendLayers(empty.Image, layers...)
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.Config.Labels, config.OS, config.Architecture = labels, "linux", "amd64"
	return mutate.ConfigFile(image, config)
}

// Push stores the image under the tags.
func (r *Registry) Push(ctx context.Context, image v1.Image, path string, tags ...string) error {
	options, err := r.options(ctx)
	if err != nil {
		return err
	}
	for _, tag := range tags {
		ref, err := r.ref(path + ":" + tag)
		if err != nil {
			return err
		}
		if err := remote.Write(ref, image, options...); err != nil {
			return fmt.Errorf("storing %s: %w", ref, err)
		}
	}
	return nil
}

// PushLayer stores the image with a layer more, which may be read only once.
func (r *Registry) PushLayer(ctx context.Context, image v1.Image, layer v1.Layer, path, tag string) error {
	options, err := r.options(ctx)
	if err != nil {
		return err
	}
	if image, err = mutate.AppendLayers(image, layer); err != nil {
		return err
	}
	ref, err := r.ref(path + ":" + tag)
	if err != nil {
		return err
	}
	return remote.Write(ref, image, options...)
}

// Digest is that of PATH:TAG.
func (r *Registry) Digest(ctx context.Context, image string) (string, error) {
	options, err := r.options(ctx)
	if err != nil {
		return "", err
	}
	ref, err := r.ref(image)
	if err != nil {
		return "", err
	}
	d, err := remote.Head(ref, options...)
	if err != nil {
		return "", err
	}
	return d.Digest.String(), nil
}

func (r *Registry) ref(image string) (name.Reference, error) {
	var options []name.Option
	if !r.o.TLS {
		options = append(options, name.Insecure)
	}
	return name.ParseReference(r.Host+"/"+image, options...)
}

func (r *Registry) options(ctx context.Context) ([]remote.Option, error) {
	options := []remote.Option{remote.WithContext(ctx)}
	if r.o.Password != "" {
		options = append(options, remote.WithAuth(&authn.Basic{Username: "u", Password: r.o.Password}))
	}
	if r.o.TLS {
		text, err := os.ReadFile(r.CA)
		if err != nil {
			return nil, err
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(text)
		options = append(options, remote.WithTransport(&http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		}))
	}
	return options, nil
}
