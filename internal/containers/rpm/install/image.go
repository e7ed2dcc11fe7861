package install

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/rpmdb"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/transaction"
)

// Image is the image with the packages: one more layer, what made it in its history, and further
// labels. Its layer is a file in the plan's folder. The same image and packages give the same digest.
func (p *Plan) Image(ctx context.Context, by string, labels map[string]string) (v1.Image, error) {
	l, err := p.Layer(ctx)
	if err != nil {
		return nil, err
	}
	before, err := p.image.ConfigFile()
	if err != nil {
		return nil, err
	}
	at := v1.Time{Time: p.time}
	if before.Created.After(at.Time) {
		at = before.Created
	}
	image, err := mutate.Append(p.image, mutate.Addendum{Layer: l, History: v1.History{Created: at, CreatedBy: by}})
	if err != nil {
		return nil, fmt.Errorf("adding the layer: %w", err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.Created = at
	for k, v := range labels {
		if config.Config.Labels == nil {
			config.Config.Labels = map[string]string{}
		}
		config.Config.Labels[k] = v
	}
	return mutate.ConfigFile(image, config)
}

// Layer writes the layer into the plan's folder.
func (p *Plan) Layer(ctx context.Context) (v1.Layer, error) {
	if err := p.Err(); err != nil {
		return nil, err
	}
	extras, err := p.update(ctx)
	if err != nil {
		return nil, err
	}
	media, err := p.image.MediaType()
	if err != nil {
		return nil, err
	}
	l := &layer{file: filepath.Join(p.dir, "layer.tar.gz"), media: types.DockerLayer}
	if media == types.OCIManifestSchema1 {
		l.media = types.OCILayer
	}
	if err := l.write(func(w io.Writer) error { return p.Write(ctx, w, extras...) }); err != nil {
		return nil, err
	}
	return l, nil
}

// update changes the database, and gives its files for the layer.
func (p *Plan) update(ctx context.Context) ([]transaction.Extra, error) {
	change, err := p.Transaction.Database()
	if err != nil {
		return nil, err
	}
	db, err := rpmdb.Open(ctx, p.Database.file)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(db.Apply(ctx, change), db.Close(ctx)); err != nil {
		return nil, err
	}
	extras := []transaction.Extra{{Entry: p.Database.entry, File: p.Database.file}}
	for _, c := range p.Database.companions {
		extras = append(extras, transaction.Extra{Entry: c}) // a log of an older database would spoil the new one
	}
	return extras, nil
}

// layer is one in a file.
type layer struct {
	file         string
	media        types.MediaType
	digest, diff v1.Hash
	size         int64
}

func (l *layer) write(content func(io.Writer) error) (err error) {
	f, err := os.Create(l.file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	packed, plain := sha256.New(), sha256.New()
	z := gzip.NewWriter(io.MultiWriter(f, packed))
	if err := content(io.MultiWriter(z, plain)); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	l.size, l.digest, l.diff = info.Size(), hashOf(packed), hashOf(plain)
	return nil
}

func hashOf(h hash.Hash) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(h.Sum(nil))}
}

// Digest is the digest of the compressed layer.
func (l *layer) Digest() (v1.Hash, error) { return l.digest, nil }

// DiffID is the digest of the layer itself.
func (l *layer) DiffID() (v1.Hash, error) { return l.diff, nil }

// Size is that of the compressed layer, in bytes.
func (l *layer) Size() (int64, error) { return l.size, nil }

// MediaType is a gzipped layer's, of Docker's kind or OCI's, as the image's others.
func (l *layer) MediaType() (types.MediaType, error) { return l.media, nil }

// Compressed opens the file.
func (l *layer) Compressed() (io.ReadCloser, error) { return os.Open(l.file) }

// Uncompressed opens the file and unpacks it.
func (l *layer) Uncompressed() (io.ReadCloser, error) {
	f, err := os.Open(l.file)
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &unpacked{z, f}, nil
}

type unpacked struct {
	io.Reader
	file *os.File
}

// Close closes the file.
func (u *unpacked) Close() error { return u.file.Close() }
