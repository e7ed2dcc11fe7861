package modify

import (
	"context"
	"errors"
	"os"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/install"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/rpmfile"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/transaction"
)

// rpmFiles are the RPMs that are to be installed, read once for all images.
func (c *recipe) rpmFiles(ctx context.Context) ([]*rpmfile.File, error) {
	c.read.Do(func() { c.files, c.filesErr = rpmfile.Folder(ctx, c.rpms, nil) })
	return c.files, c.filesErr
}

// rpmOptions are how RPMs are installed.
type rpmOptions transaction.Options

// whatever is as the role installs: whatever versions the image has, and whose files they are.
var whatever = rpmOptions{Downgrade: true, Reinstall: true, ReplaceFiles: true}

// options are those of rpm.
func (o rpmOptions) options() (all []string) {
	for _, one := range []struct {
		on    bool
		names []string
	}{
		{o.Downgrade, []string{"oldpackage"}},
		{o.Reinstall, []string{"replacepkgs"}},
		{o.ReplaceFiles, []string{"replacefiles"}},
		{o.IgnoreDependencies, []string{"nodeps"}},
		{o.IgnoreScripts, []string{"noscripts", "notriggers"}},
	} {
		for _, name := range one.names {
			if one.on {
				all = append(all, opt(name))
			}
		}
	}
	return all
}

// installs works out the installation of RPMs without a container, or says why it needs one.
func (p *Plan) installs(ctx context.Context, i *Image) (executor, string, error) {
	files, err := i.recipe.rpmFiles(ctx)
	if err != nil {
		return nil, "", err
	}
	s, err := p.space()
	if err != nil {
		return nil, "", err
	}
	folder, err := os.MkdirTemp(s.folder, "install-")
	if err != nil {
		return nil, "", err
	}
	o := whatever
	o.IgnoreScripts = true
	plan, err := install.NewPlan(ctx, p.cache, i.base, files, folder, transaction.Options(o))
	if errors.Is(err, install.ErrOtherDatabase) {
		return nil, err.Error(), nil
	}
	if err != nil {
		return nil, "", err
	}
	for _, script := range plan.Scripts {
		if !script.Harmless {
			return nil, script.String() + " has to run", nil
		}
	}
	return installation{plan}, "", plan.Err()
}

// installation has worked out what installing RPMs changes.
type installation struct{ plan *install.Plan }

func (n installation) modify(ctx context.Context, w *work) (v1.Image, error) {
	for _, note := range n.plan.Notes {
		w.rep.Warn("%s: %s", w.Target, note)
	}
	return n.plan.Image(ctx, "rpm -U "+strings.Join(n.plan.Names(), " "), nil)
}
