package imageserve

import (
	"context"
	"errors"
	"io/fs"
	"path"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/disk"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// Prune is a plan to remove what no tag needs.
type Prune struct {
	f    *Folder
	rows []*garbage
	err  []error
	done bool
}

// PlanPrune finds manifests and blobs that no tag needs, and what killed writers left. A repository of
// which something can't be read is left alone, and Apply tells so at the end.
func (f *Folder) PlanPrune(ctx context.Context) (*Prune, error) {
	p := &Prune{f: f}
	return p, p.look(ctx)
}

// Done reports whether there is nothing to remove.
func (p *Prune) Done() bool { return !p.done && len(p.rows) == 0 && len(p.err) == 0 }

// Loss asks nothing: no tag needs what is removed.
func (*Prune) Loss() string { return "" }

// Notes name what can't be read.
func (p *Prune) Notes() (notes []fault.Advice) {
	for _, err := range p.err {
		notes = append(notes, fault.Advise("%v: nothing of this repository is removed", err))
	}
	return notes
}

// Rows are what is removed. Bytes are those that become free: a blob that another repository has, too,
// has none.
func (p *Prune) Rows() []change.Row {
	rows := make([]change.Row, 0, len(p.rows))
	for _, g := range p.rows {
		rows = append(rows, change.Row{
			{Key: "repository", Value: g.repository},
			{Key: "kind", Value: g.kind},
			{Key: "name", Value: path.Base(g.name)},
			{Key: "bytes", Value: g.bytes},
			{Key: "outcome", Value: g.outcome},
		})
	}
	return rows
}

// Apply removes it, while nobody writes.
func (p *Prune) Apply(ctx context.Context, rep report.Reporter) error {
	if len(p.rows) == 0 {
		return p.failed()
	}
	lock, err := p.f.openLock()
	if err != nil {
		return err
	}
	defer disk.Unlock(lock)
	if err := disk.Own(lock); err != nil {
		return err
	}
	// Somebody may have written since.
	if err := p.look(ctx); err != nil {
		return err
	}
	p.done = true
	for n, g := range p.rows {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		rep.Progress("Removing", int64(n), int64(len(p.rows)))
		g.outcome = "removed"
		if err := p.f.root.RemoveAll(g.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			g.outcome = "failed"
			p.err = append(p.err, disk.Explain(g.name, err))
		}
	}
	p.f.removeEmpty(p.rows)
	return errors.Join(p.failed(), p.f.catalog(ctx))
}

func (p *Prune) failed() error {
	if len(p.err) == 0 {
		return nil
	}
	return fault.Wrap(fault.Partial, "", errors.Join(p.err...))
}
