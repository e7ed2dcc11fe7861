package sync

import (
	"context"
	"os"
	"path/filepath"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
	"github.com/imgctl/packer-plugin-openstack/internal/image/boottest"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/image/sync/store"
	"github.com/imgctl/packer-plugin-openstack/internal/image/upload"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
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
	// Registry is the client of registries.
	Registry *registry.Client

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
		"simplestreams": kind(readStreams), "artifact": kind(readArtifact),
		"visibility": foreignfile.OneOf(&f.Visibility, glance.Public, glance.Private, glance.Community, glance.Shared),
		"properties": foreignfile.TextMap(&f.Properties), "tags": foreignfile.Texts(&f.Tags),
		"via":          foreignfile.OneOf(&f.Via, Ways...),
		"convert":      foreignfile.OneOf(&f.Convert, upload.ToRaw),
		"archive_name": foreignfile.Text(&f.ArchiveName),
		"old_action":   foreignfile.OneOf(&f.OldAction, promote.Keep, promote.Hide, promote.Deactivate),
	})
	if err == nil && kinds != 1 {
		return n.Errorf("a store has exactly one of chameleon, chameleon_headers, osism, distribution, simplestreams, folder, cloud " +
			"and artifact")
	}
	if err != nil {
		return err
	}
	if f.Convert != "" && f.Via == upload.WebDownload {
		return n.Errorf("convert: what the cloud fetches by itself (via: %s) isn't converted here", upload.WebDownload)
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
