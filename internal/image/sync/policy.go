package sync

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
	"github.com/imgctl/packer-plugin-openstack/internal/image/boottest"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/image/sync/store"
	"github.com/imgctl/packer-plugin-openstack/internal/image/upload"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Policy is a policy file: the stores, and how their images are to be in the cloud.
type Policy struct {
	Name string
	From []FromPolicy

	bootTest *boottest.Options // nil for none
}

// FromPolicy is one store of a policy.
type FromPolicy struct {
	From
	open func(*Opening) (store.Store, error)
}

// Opening is what stores are opened with.
type Opening struct {
	Folder string // that the policy's relative paths are in
	Scope  string // of Chameleon's store, in place of the site's
	// Images opens the Image service of another cloud.
	Images func(name string) (*glance.Client, error)

	get *store.Getter
}

const example = "version: 1"

// Ways are how data gets into a cloud.
var Ways = []string{upload.Direct, upload.GlanceDirect, upload.WebDownload}

// ReadPolicy reads a policy, or a site.yaml of Chameleon's image tools.
func ReadPolicy(text []byte) (*Policy, error) {
	top, err := foreignfile.Parse(text, example)
	if err != nil {
		return nil, err
	}
	p := &Policy{Name: "sync"}
	if top.Has("object_store_url") {
		p.From = []FromPolicy{{From{Visibility: glance.Public}, func(o *Opening) (store.Store, error) { return o.chameleon(text) }}}
		return p, nil
	}
	version := 0
	err = top.Map(foreignfile.Keys{
		"version": foreignfile.Int(&version, 1), "name": foreignfile.Text(&p.Name), "boot_test": readBootTest(&p.bootTest),
		"stores": foreignfile.Some(func(n *foreignfile.Node) error {
			var f FromPolicy
			err := f.read(n)
			p.From = append(p.From, f)
			return err
		}),
	}, "version", "stores")
	if err == nil && version != 1 {
		return nil, top.Errorf("version: only 1 is known")
	}
	return p, err
}

// read reads a store: one key says what it is, the others are the same for all.
func (f *FromPolicy) read(n *foreignfile.Node) error {
	kinds := 0
	kind := func(read func(n *foreignfile.Node) (func(*Opening) (store.Store, error), error)) foreignfile.Reader {
		return func(n *foreignfile.Node) (err error) {
			kinds++
			f.open, err = read(n)
			return err
		}
	}
	err := n.Map(foreignfile.Keys{
		"chameleon": kind(readChameleon), "chameleon_headers": kind(readHeaders), "osism": kind(readOsism),
		"distribution": kind(readDistribution), "folder": kind(readFolder), "cloud": kind(readCloud),
		"visibility": foreignfile.OneOf(&f.Visibility, glance.Public, glance.Private, glance.Community, glance.Shared),
		"properties": foreignfile.TextMap(&f.Properties), "tags": foreignfile.Texts(&f.Tags),
		"via":          foreignfile.OneOf(&f.Via, Ways...),
		"archive_name": foreignfile.Text(&f.ArchiveName),
		"old_action":   foreignfile.OneOf(&f.OldAction, promote.Keep, promote.Hide, promote.Deactivate),
	})
	if err == nil && kinds != 1 {
		return n.Errorf("a store has exactly one of chameleon, chameleon_headers, osism, distribution, folder, cloud")
	}
	if err != nil {
		return err
	}
	for k := range f.Properties {
		if glance.Reserved(k) || glance.Attribute(k) {
			return n.Errorf("properties: %q is not for users to set", k)
		}
	}
	for _, err := range (promote.Options{ArchiveName: f.ArchiveName, OldAction: f.OldAction}).Validate() {
		return n.Errorf("%w", err)
	}
	return nil
}

type opener = func(*Opening) (store.Store, error)

func readChameleon(n *foreignfile.Node) (opener, error) {
	var site string
	err := n.Map(foreignfile.Keys{"site": foreignfile.Text(&site)}, "site")
	return func(o *Opening) (store.Store, error) {
		text, err := o.file(site)
		if err != nil {
			return nil, err
		}
		return o.chameleon(text)
	}, err
}

func (o *Opening) chameleon(text []byte) (store.Store, error) {
	site, err := store.ReadChameleonSite(text)
	if err != nil {
		return nil, err
	}
	if o.Scope != "" {
		site.Scope = o.Scope
	}
	return &store.Chameleon{Get: o.get, Site: site}, nil
}

func readHeaders(n *foreignfile.Node) (opener, error) {
	var container, supports string
	err := n.Map(foreignfile.Keys{
		"container": foreignfile.Text(&container), "supports": foreignfile.Text(&supports),
	}, "container", "supports")
	return func(o *Opening) (store.Store, error) {
		text, err := o.file(supports)
		if err != nil {
			return nil, err
		}
		known, err := store.ReadSupports(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", supports, err)
		}
		return &store.Headers{Get: o.get, Container: container, Supports: known}, nil
	}, err
}

func readOsism(n *foreignfile.Node) (opener, error) {
	var catalogue string
	err := n.Map(foreignfile.Keys{"catalogue": foreignfile.Text(&catalogue)}, "catalogue")
	return func(o *Opening) (store.Store, error) {
		text, err := o.file(catalogue)
		return &store.Osism{Get: o.get, Text: text, From: catalogue}, err
	}, err
}

func readDistribution(n *foreignfile.Node) (opener, error) {
	var d store.Distribution
	var key string
	err := n.Map(foreignfile.Keys{
		"checksums": foreignfile.Text(&d.Sums), "signature": foreignfile.Text(&d.Signature), "key": foreignfile.Text(&key),
		"images": foreignfile.Some(func(n *foreignfile.Node) error {
			var p store.Pick
			err := n.Map(foreignfile.Keys{
				"file": foreignfile.Text(&p.File), "name": foreignfile.Text(&p.Name), "properties": foreignfile.TextMap(&p.Properties),
			}, "file", "name")
			d.Images = append(d.Images, p)
			return err
		}),
	}, "checksums", "images")
	return func(o *Opening) (_ store.Store, err error) {
		opened := d
		opened.Get = o.get
		if key != "" {
			opened.Keys, err = o.file(key)
		}
		return &opened, err
	}, err
}

func readFolder(n *foreignfile.Node) (opener, error) {
	var path string
	err := n.Map(foreignfile.Keys{"path": foreignfile.Text(&path)}, "path")
	return func(o *Opening) (store.Store, error) { return &store.Folder{Path: o.path(path)}, nil }, err
}

func readCloud(n *foreignfile.Node) (opener, error) {
	var c store.Cloud
	err := n.Map(foreignfile.Keys{
		"name": foreignfile.Text(&c.Name), "owner": foreignfile.Text(&c.Owner),
		"images": foreignfile.Some(func(n *foreignfile.Node) error {
			var name string
			err := foreignfile.Text(&name)(n)
			c.Wanted = append(c.Wanted, name)
			return err
		}),
	}, "name", "images")
	return func(o *Opening) (_ store.Store, err error) {
		opened := c
		opened.Images, err = o.Images(c.Name)
		return &opened, err
	}, err
}

func (o *Opening) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(o.Folder, name)
}

func (o *Opening) file(name string) ([]byte, error) {
	text, err := os.ReadFile(o.path(name))
	if err != nil {
		return nil, fault.Wrap(fault.Usage, "name a readable file", err)
	}
	return text, nil
}

// Open opens the policy's stores. It reads files, and sends no requests except to sign in to other clouds.
func (p *Policy) Open(_ context.Context, o Opening) (all []From, err error) {
	o.get = store.NewGetter()
	for _, f := range p.From {
		from := f.From
		if from.Store, err = f.open(&o); err != nil {
			return nil, err
		}
		all = append(all, from)
	}
	return all, nil
}
