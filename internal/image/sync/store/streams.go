package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp/clearsign"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/upload"
)

// Streams is a simplestreams index of images, such as Ubuntu's.
type Streams struct {
	Get    *Getter
	Index  string // address of index.json, or of index.sjson, which is signed
	Keys   []byte // that have to have signed it
	Images []Wish
}

// Wish is a product that is wanted, in its newest version.
type Wish struct {
	Release    string // such as noble, or 24.04
	Arch       string // such as amd64
	Type       string // of the file, such as disk1.img
	Name       string // of the image
	Properties map[string]string
}

type streamsIndex struct {
	Index map[string]struct {
		DataType string   `json:"datatype"`
		Path     string   `json:"path"`
		Products []string `json:"products"`
	} `json:"index"`
}

type streamsProducts struct {
	Products map[string]struct {
		Arch     string `json:"arch"`
		OS       string `json:"os"`
		Release  string `json:"release"`
		Version  string `json:"version"`
		Versions map[string]struct {
			Items map[string]struct {
				Type   string `json:"ftype"`
				Path   string `json:"path"`
				SHA256 string `json:"sha256"`
				MD5    string `json:"md5"`
				Size   int64  `json:"size"`
			} `json:"items"`
		} `json:"versions"`
	} `json:"products"`
}

// Offers implements Store.
func (s *Streams) Offers(ctx context.Context) ([]*Offer, error) {
	at := strings.LastIndex(s.Index, "/streams/")
	if at < 0 {
		return nil, fault.New(fault.Usage, "", "%s has no folder streams, which simplestreams need", upload.Shown(s.Index))
	}
	base := s.Index[:at+1]
	var index streamsIndex
	if err := s.read(ctx, s.Index, &index); err != nil {
		return nil, err
	}
	var all []streamsProducts
	for _, one := range index.Index {
		if one.DataType != "image-downloads" {
			continue
		}
		address, err := below(base, one.Path)
		if err != nil {
			return nil, err
		}
		var products streamsProducts
		if err := s.read(ctx, address, &products); err != nil {
			return nil, err
		}
		all = append(all, products)
	}
	var offers []*Offer
	for _, w := range s.Images {
		o := &Offer{Name: w.Name, From: upload.Shown(s.Index)}
		o.Image.Properties = w.Properties
		o.Problem = s.find(o, &w, all, base)
		offers = append(offers, o)
	}
	return checked(offers), nil
}

// find fills in the newest version of the product that is wanted.
func (s *Streams) find(o *Offer, w *Wish, all []streamsProducts, base string) error {
	best := ""
	for _, products := range all {
		for _, p := range products.Products {
			if p.Arch != w.Arch || p.Release != w.Release && p.Version != w.Release {
				continue
			}
			for version, v := range p.Versions {
				for _, item := range v.Items {
					if item.Type != w.Type || natural(version, best) <= 0 {
						continue
					}
					address, err := below(base, item.Path)
					if err != nil {
						return err
					}
					best = version
					o.Release, o.Distro, o.Version = version, p.OS, p.Version
					o.Source = s.Get.Web(address)
					o.Source.Size, o.Source.Sums = item.Size, upload.Sums{}
					if err := o.Source.Sums.Add("sha256", item.SHA256); err != nil {
						return err
					}
				}
			}
		}
	}
	if best == "" {
		return fault.New(fault.NotFound, "", "%s has no file %q of release %s for %s", o.From, w.Type, w.Release, w.Arch)
	}
	return nil
}

// below is the address of a path that a server names, which has to stay below the base.
func below(base, path string) (string, error) {
	if path == "" || strings.HasPrefix(path, "/") || strings.Contains(path, `\`) || slices.Contains(strings.Split(path, "/"), "..") {
		return "", fault.New(fault.Forbidden, "", "the path %q leads out of %s", path, upload.Shown(base))
	}
	u, err := url.Parse(path)
	if err != nil || u.IsAbs() {
		return "", fault.New(fault.Forbidden, "", "the path %q leads out of %s", path, upload.Shown(base))
	}
	return joinPath(base, path), nil
}

// read reads JSON, which is signed if there are keys.
func (s *Streams) read(ctx context.Context, address string, into any) error {
	text, err := s.Get.get(ctx, address, maxText)
	if err != nil {
		return err
	}
	if len(s.Keys) > 0 {
		if text, err = opened(text, s.Keys); err != nil {
			return fmt.Errorf("%s: %w", upload.Shown(address), err)
		}
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fault.New(fault.Forbidden, "", "%s is not the JSON that is expected there: %w", upload.Shown(address), err)
	}
	return nil
}

// opened is the text inside a clear signature.
func opened(text, keys []byte) ([]byte, error) {
	ring, err := keyRing(keys)
	if err != nil {
		return nil, err
	}
	block, _ := clearsign.Decode(text)
	if block == nil {
		return nil, fault.New(fault.Forbidden, "name the signed index, which ends in .sjson", "it is not signed")
	}
	if _, err := block.VerifySignature(ring, nil); err != nil {
		return nil, fault.New(fault.Forbidden, "check that the key is the publisher's", "it is not signed by the given key: %w", err)
	}
	return bytes.TrimSpace(block.Plaintext), nil
}
