package scenario

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/test/registrytest"
)

// watched is a script's registry, and the proxy that scripts reach it by, unless it has TLS or an
// undercloud's port.
type watched struct {
	*registrytest.Registry
	proxy *registrytest.Proxy
}

func (w *watched) host() string {
	if w.proxy != nil {
		return w.proxy.Host
	}
	return w.Registry.Host
}

// registries starts a script's registries, fills them, and shows what they have and were asked.
func registries(ctx context.Context, s script, out io.Writer, args []string) error {
	if len(args) < 2 {
		return errUsage
	}
	verb, name, args := args[0], args[1], args[2:]
	if verb == "start" {
		return s.startRegistry(ctx, name, args)
	}
	r := s.registries[name]
	if r == nil {
		return fmt.Errorf("there is no registry %s: start it first", name)
	}
	switch {
	case verb == "push" && len(args) > 0:
		return push(ctx, r, out, args[0], args[1:])
	case verb == "digest" && len(args) == 1:
		digest, err := r.Digest(ctx, args[0])
		if err == nil {
			fmt.Fprintln(out, digest)
		}
		return err
	case r.proxy == nil:
		return errors.New("what a registry with TLS, or an undercloud's, was asked isn't known")
	case verb == "forget" && len(args) == 0:
		r.proxy.Reset()
	case verb == "requests" && len(args) == 0:
		fmt.Fprintln(out, strings.Join(r.proxy.Log(), "\n"))
	case verb == "writes" && len(args) == 0:
		fmt.Fprintln(out, strings.Join(r.proxy.Writes(), "\n"))
	default:
		return errUsage
	}
	return nil
}

// startRegistry starts one whose HOST:PORT is then in the variable, and with TLS its certificate in NAME_CA.
func (s script) startRegistry(ctx context.Context, name string, args []string) error {
	dir, err := os.MkdirTemp(s.ts.Getenv("WORK"), ".registry")
	if err != nil {
		return err
	}
	o := registrytest.Options{Dir: dir}
	for _, arg := range args {
		switch {
		case arg == "tls":
			o.TLS = true
		case strings.HasPrefix(arg, "password="):
			o.Password = strings.TrimPrefix(arg, "password=")
		case arg == "undercloud":
			var b [3]byte
			_, _ = rand.Read(b[:])                                            // never fails
			address := fmt.Sprintf("127.%d.%d.%d", 1|b[0], b[1], 1|b[2]&0x7f) // all of 127/8 is loopback
			o.Host = address + ":8787"
			s.ts.Setenv(name+"_ADDRESS", address)
		default:
			return errUsage
		}
	}
	r := &watched{}
	if r.Registry, err = registrytest.Start(ctx, o); err != nil {
		return err
	}
	s.ts.Defer(r.Stop)
	if !o.TLS && o.Host == "" {
		if r.proxy, err = r.Before(0); err != nil {
			return err
		}
		s.ts.Defer(r.proxy.Stop)
	}
	if s.registries == nil {
		s.world.registries = map[string]*watched{}
	}
	s.registries[name] = r
	s.ts.Setenv(name, r.host())
	s.ts.Setenv(name+"_CA", r.CA)
	return nil
}

// push makes an image with a layer of its own and the labels, under all tags of PATH:TAG[,TAG...], and
// prints its digest.
func push(ctx context.Context, r *watched, out io.Writer, where string, labels []string) error {
	path, tags, ok := strings.Cut(where, ":")
	if !ok {
		return errUsage
	}
	with := map[string]string{}
	for _, l := range labels {
		key, value, ok := strings.Cut(l, "=")
		if !ok {
			return fmt.Errorf("%q is not LABEL=VALUE", l)
		}
		with[key] = value
	}
	layers, err := registrytest.Layers(2048)
	if err != nil {
		return err
	}
	image, err := registrytest.Image(with, layers...)
	if err != nil {
		return err
	}
	if err := r.Push(ctx, image, path, strings.Split(tags, ",")...); err != nil {
		return err
	}
	digest, err := image.Digest()
	if err == nil {
		fmt.Fprintln(out, digest)
	}
	return err
}
