package sync

import (
	"fmt"

	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
	"github.com/imgctl/packer-plugin-openstack/internal/image/sync/store"
)

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

func readStreams(n *foreignfile.Node) (opener, error) {
	var s store.Streams
	var key string
	err := n.Map(foreignfile.Keys{
		"index": foreignfile.Text(&s.Index), "key": foreignfile.Text(&key),
		"images": foreignfile.Some(func(n *foreignfile.Node) error {
			w := store.Wish{Arch: "amd64"}
			err := n.Map(foreignfile.Keys{
				"release": foreignfile.Text(&w.Release), "arch": foreignfile.Text(&w.Arch), "type": foreignfile.Text(&w.Type),
				"name": foreignfile.Text(&w.Name), "properties": foreignfile.TextMap(&w.Properties),
			}, "release", "type", "name")
			s.Images = append(s.Images, w)
			return err
		}),
	}, "index", "images")
	return func(o *Opening) (_ store.Store, err error) {
		opened := s
		opened.Get = o.get
		if key != "" {
			opened.Keys, err = o.file(key)
		}
		return &opened, err
	}, err
}

func readArtifact(n *foreignfile.Node) (opener, error) {
	var a store.Artifact
	err := n.Map(foreignfile.Keys{
		"reference": foreignfile.Text(&a.Reference), "name": foreignfile.Text(&a.Name),
	}, "reference", "name")
	return func(o *Opening) (store.Store, error) {
		opened := a
		opened.Registry = o.Registry
		return &opened, nil
	}, err
}
