package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
	"github.com/imgctl/packer-plugin-openstack/internal/image/upload"
)

// VersionKey is the property by which an image shows which one it is whose store has no checksum of it.
const VersionKey = "image_source_version"

// Folder is a folder with images and a file of their checksums, SHA256SUMS or SHA512SUMS. Each image is
// current under its file's name without the extension.
type Folder struct{ Path string }

// Offers implements Store.
func (f *Folder) Offers(context.Context) ([]*Offer, error) {
	list := map[string]upload.Sums{}
	for _, name := range []string{"SHA512SUMS", "SHA256SUMS"} {
		text, err := foreignfile.ReadText(filepath.Join(f.Path, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil && len(text) > foreignfile.MaxTreeSize {
			err = fault.New(fault.Usage, "", "%s is larger than %d MiB", name, foreignfile.MaxTreeSize>>20)
		}
		if err == nil {
			list, err = readSums(name, text)
		}
		if err != nil {
			return nil, fault.Wrap(fault.Usage, "", err)
		}
		break
	}
	entries, err := os.ReadDir(f.Path)
	if err != nil {
		return nil, fault.Wrap(fault.Usage, "name a readable folder", err)
	}
	var offers []*Offer
	for _, e := range entries {
		file := e.Name()
		if !e.Type().IsRegular() || strings.HasPrefix(file, ".") || strings.HasSuffix(file, "SUMS") {
			continue
		}
		o := &Offer{Name: strings.TrimSuffix(file, filepath.Ext(file)), From: f.Path, Source: upload.File(filepath.Join(f.Path, file))}
		o.Source.Sums = list[file]
		if o.Release = short(o.Source.Sums.Best()); o.Release == "" {
			info, err := e.Info()
			if err != nil {
				continue // it was removed meanwhile
			}
			o.Release = info.ModTime().UTC().Format(time.RFC3339Nano)
			o.Marks = map[string]string{VersionKey: o.Release}
		}
		offers = append(offers, o)
	}
	return checked(offers), nil
}
