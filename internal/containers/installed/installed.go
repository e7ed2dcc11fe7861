// Package installed tells which packages images in registries have, by their package database: no
// container runs, and no layer is fetched below the one that has the database.
package installed

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/remote"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rootfs"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/install"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Want is a package that images should have.
type Want struct {
	Text    string
	atLeast rpm.Dependency // where a version may be newer
}

// Parse reads a package as rpm -q takes it: NAME, NAME-VERSION or NAME-VERSION-RELEASE, with the epoch
// before the version and the architecture at the end or not; or NAME>=VERSION.
func Parse(text string) (Want, error) {
	w := Want{Text: text}
	if name, version, ok := strings.Cut(text, ">="); ok {
		w.atLeast = rpm.Dependency{Name: strings.TrimSpace(name), EVR: strings.TrimSpace(version), Flags: rpm.Greater | rpm.Equal}
		if w.atLeast.Name == "" || w.atLeast.EVR == "" {
			return w, fault.New(fault.Usage, "", "package %q: a name or version is missing", text)
		}
		return w, nil
	}
	if text == "" || strings.ContainsAny(text, " \t\n<>=/") {
		return w, fault.New(fault.Usage, "", "package %q: neither NAME, NAME-VERSION, NAME-VERSION-RELEASE nor NAME>=VERSION", text)
	}
	return w, nil
}

// Has reports whether the package is the wanted one.
func (w Want) Has(p *rpm.Package) bool {
	if w.atLeast.Name != "" {
		return w.atLeast.Overlaps(p.Self())
	}
	epoch := rpm.EVR{Epoch: p.Epoch, Version: p.Version}
	for _, version := range []string{p.Version, p.Version + "-" + p.Release, epoch.String(), p.EVR().String()} {
		if w.Text == p.Name+"-"+version || w.Text == p.Name+"-"+version+"."+p.Arch {
			return true
		}
	}
	return w.Text == p.Name || w.Text == p.Name+"."+p.Arch
}

// near reports whether the package is another version of the wanted one.
func (w Want) near(p *rpm.Package) bool {
	return w.atLeast.Name == p.Name || strings.HasPrefix(w.Text, p.Name+"-")
}

// Checked is what one image has.
type Checked struct {
	Image      reference.Reference
	Digest     string
	Layers, Of int   // that were read
	Packages   int   // that are installed
	Found      []Got // one for each wanted package
	Err        error
}

// Got is whether an image has a package, and as what.
type Got struct {
	Want
	Installed []string // NAME-VERSION-RELEASE.ARCH: the wanted one, else others of its name
	OK        bool
}

// Check looks for the packages in the images. It also tells how many bytes of layers were fetched.
func Check(ctx context.Context, s remote.Source, images []reference.Reference, wants []Want) (all []*Checked, fetched int64, err error) {
	dir, err := os.MkdirTemp("", "packages-")
	if err != nil {
		return nil, 0, fmt.Errorf("folder for layers: %w", err)
	}
	defer os.RemoveAll(dir)
	cache := rootfs.NewCache(dir, install.Keep)
	var group errgroup.Group
	group.SetLimit(4)
	for n, image := range images {
		one := &Checked{Image: image}
		all = append(all, one)
		group.Go(func() error {
			one.Err = one.check(ctx, s, cache, filepath.Join(dir, "image-"+strconv.Itoa(n)), wants)
			return nil
		})
	}
	_ = group.Wait() // images keep their own errors
	if ctx.Err() != nil {
		return nil, 0, context.Cause(ctx)
	}
	return all, cache.Read(), nil
}

func (c *Checked) check(ctx context.Context, s remote.Source, cache *rootfs.Cache, dir string, wants []Want) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	image, err := remote.Load(ctx, s, remote.Image(c.Image))
	if err != nil {
		return err
	}
	digest, err := image.Digest()
	if err != nil {
		return err
	}
	c.Digest = digest.String()
	root, err := rootfs.Open(cache, image)
	if err != nil {
		return err
	}
	db, err := install.ReadDatabase(ctx, root, dir)
	if err != nil {
		return err
	}
	c.Layers, c.Of = root.Layers()
	c.Packages = len(db.Installed)
	for _, w := range wants {
		c.Found = append(c.Found, w.find(db))
	}
	return nil
}

func (w Want) find(db *install.Database) Got {
	g := Got{Want: w}
	var others []string
	for _, i := range db.Installed {
		switch {
		case w.Has(i.Package):
			g.OK = true
			g.Installed = append(g.Installed, i.String())
		case w.near(i.Package):
			others = append(others, i.String())
		}
	}
	if !g.OK {
		g.Installed = others
	}
	slices.Sort(g.Installed)
	return g
}
