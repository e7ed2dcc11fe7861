package modify

import (
	"archive/tar"
	"errors"
	"io"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// mounted is where a container finds what it is given. It isn't part of the image.
const mounted = "/run/imgctl-modify"

// cleaned is the layer without what the container was given.
func (w *work) cleaned(l v1.Layer, n int) (v1.Layer, error) {
	body, err := l.Uncompressed()
	if err != nil {
		return nil, err
	}
	defer body.Close()
	file := filepath.Join(w.folder, "layer-"+strconv.Itoa(n)+".tar")
	kept := archive(func(to *tar.Writer) error { return clean(tar.NewReader(body), to) })
	if err := kept.to(file); err != nil {
		return nil, err
	}
	kind, err := w.layerType()
	if err != nil {
		return nil, err
	}
	return tarball.LayerFromFile(file, tarball.WithMediaType(kind))
}

func clean(from *tar.Reader, to *tar.Writer) error {
	for {
		h, err := from.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if given(h) {
			continue
		}
		if err := to.WriteHeader(h); err != nil {
			return err
		}
		if _, err := io.Copy(to, from); err != nil {
			return err
		}
	}
}

// given reports whether a file is only there because something was mounted on it.
func given(h *tar.Header) bool {
	name := path.Clean("/" + h.Name)
	switch name {
	case "/etc/hosts", "/etc/hostname", "/etc/resolv.conf":
		return h.Typeflag == tar.TypeReg && h.Size == 0
	case "/dev", "/proc", "/sys":
		return h.Typeflag == tar.TypeDir
	}
	return name == mounted || strings.HasPrefix(name, mounted+"/")
}
