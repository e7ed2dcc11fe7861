// Package imagelist knows which container images an OpenStack deployment is made of: from our own
// list of a release, or from a user's template in TripleO's format.
package imagelist

import (
	"context"
	"maps"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
)

// Image is one image of a list, as its template gives it.
type Image struct {
	Name     string   // with registry, namespace and the tag to start from
	Source   string   // who makes it, such as "tripleo" or "ceph"
	Params   []string // the heat parameters that name it
	Services []string // whole names, such as "OS::TripleO::Services::NovaApi"
}

// Variables are what names are made of: nil, bool, int64 or string by the variable's name.
type Variables map[string]any

// List gives the images for a set of variables, in an order in which of two images with one
// parameter the later counts.
type List interface {
	Render(ctx context.Context, v Variables) ([]Image, error)
}

// With is v with over's values laid over it, and one hyphen between a prefix or suffix and the name.
func (v Variables) With(over Variables) Variables {
	all := maps.Clone(v)
	if all == nil {
		all = Variables{}
	}
	maps.Copy(all, over)
	if prefix := text(all["name_prefix"]); prefix != "" && !strings.HasSuffix(prefix, "-") {
		all["name_prefix"] = prefix + "-"
	}
	if suffix := text(all["name_suffix"]); suffix != "" && !strings.HasPrefix(suffix, "-") {
		all["name_suffix"] = "-" + suffix
	}
	return all
}

// fromDocument takes the images out of what a template rendered.
func fromDocument(root *foreignfile.Value) ([]Image, error) {
	const key = "container_images_template"
	list := root.Get(key)
	if list.IsNull() {
		return nil, root.Errorf("the template renders no %s", key)
	}
	if list.Kind != foreignfile.List {
		return nil, list.Errorf("%s has to be a list, not %s", key, list.Kind)
	}
	images := make([]Image, 0, len(list.Items))
	for _, item := range list.Items {
		image, err := fromItem(item)
		if err != nil {
			return nil, err
		}
		images = append(images, image)
	}
	return images, nil
}

func fromItem(item *foreignfile.Value) (i Image, err error) {
	if i.Name, err = item.Get("imagename").Scalar("imagename"); err != nil {
		return i, err
	}
	if i.Name == "" {
		return i, item.Errorf("an image has no imagename")
	}
	if i.Source, err = item.Get("image_source").Scalar("image_source"); err != nil {
		return i, err
	}
	if i.Params, err = item.Get("params").Texts("params"); err != nil {
		return i, err
	}
	i.Services, err = item.Get("services").Texts("services")
	return i, err
}
