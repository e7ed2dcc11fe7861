package store

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/upload"
)

// Folder is a folder with images and a file of their checksums, SHA256SUMS or SHA512SUMS. Each image is
// current under its file's name without the extension.
type Folder struct{ Path string }

// Offers implements Store.
func (f *Folder) Offers(context.Context) ([]*Offer, error) {
	list := map[string]upload.Sums{}
	for _, name := range []string{"SHA512SUMS", "SHA256SUMS"} {
		text, err := os.ReadFile(filepath.Join(f.Path, name))
		if os.IsNotExist(err) {
			continue
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
		o.Release = short(o.Source.Sums.Best())
		offers = append(offers, o)
	}
	return checked(offers), nil
}
