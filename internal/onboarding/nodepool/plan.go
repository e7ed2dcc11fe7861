package nodepool

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/internal/wholefile"
)

// Plan is a change of a configuration file. It sends no requests, so the suite that kills every change at each of its
// requests has nothing to kill here; this package's tests end it between its two files instead.
type Plan struct {
	Changes []Change

	config *Config // as it was read
	after  []byte
	notes  []fault.Advice

	record        *Record // what the record says afterwards; nil if there is none
	recordPath    string
	restores      bool // the file is written before the record: the former values outlive a crash
	recordChanged bool

	subject, body string // of the commit
	at            time.Time

	patches string // folder to write patches to instead of the file
	author  Author
}

// Change is one changed value.
type Change struct {
	Provider, Place string // Place is a pool, or a diskimage
	Key             string
	Before, After   string // as they are spelled; "" for a key that isn't there
	Line            int    // in the file as it was
}

// After is the file's text after the change.
func (p *Plan) After() []byte { return p.after }

// Done reports whether the file stays as it is.
func (p *Plan) Done() bool { return len(p.Changes) == 0 }

// Loss is nothing: former values are kept.
func (p *Plan) Loss() string { return "" }

// Notes say what else is worth knowing.
func (p *Plan) Notes() []fault.Advice { return p.notes }

// Rows are a changed value each.
func (p *Plan) Rows() []change.Row {
	rows := make([]change.Row, 0, len(p.Changes))
	for _, c := range p.Changes {
		rows = append(rows, change.Row{
			{Key: "provider", Value: c.Provider},
			{Key: "place", Value: c.Place},
			{Key: "setting", Value: c.Key},
			{Key: "before", Value: short(c.Before)},
			{Key: "after", Value: short(c.After)},
			{Key: "line", Value: c.Line},
		})
	}
	return rows
}

// Apply writes the file, or the patches. A file that was changed since it was read is left alone.
func (p *Plan) Apply(ctx context.Context, rep report.Reporter) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if p.patches != "" && !p.Done() {
		if err := p.writePatches(rep); err != nil {
			return err
		}
		if p.restores {
			return nil // until the patch is applied, the values are needed
		}
		return p.writeRecord()
	}
	if !p.restores {
		if err := p.writeRecord(); err != nil {
			return err
		}
	}
	if !p.Done() {
		now, err := foreignfile.ReadText(p.config.Path)
		if err != nil {
			return err
		}
		if !bytes.Equal(now, p.config.Text) {
			return fault.New(fault.Conflict, "run it again", "%s was changed since it was read", p.config.Path)
		}
		if err := wholefile.Replace(p.config.Path, p.config.mode, p.after); err != nil {
			return err
		}
		rep.Step("Changed %s", p.config.Path)
	}
	if p.restores {
		return p.writeRecord()
	}
	return nil
}

func (p *Plan) writeRecord() error {
	if p.record == nil || !p.recordChanged {
		return nil
	}
	return p.record.write(p.recordPath)
}

// writePatches writes the change and its revert.
func (p *Plan) writePatches(rep report.Reporter) error {
	forward, revert, err := p.Patches(p.author)
	if err != nil {
		return err
	}
	for _, patch := range []Patch{forward, revert} {
		path := filepath.Join(p.patches, patch.Name)
		if err := wholefile.Replace(path, defaultMode, patch.Text); err != nil {
			return err
		}
		rep.Step("Wrote %s", path)
	}
	return nil
}

// edit applies edits to the file and confirms that they say want. what names the change in errors.
func (c *Config) edit(edits []edit, want any, what string) ([]byte, error) {
	after, err := edited(c.Text, edits)
	if err != nil {
		return nil, fault.New(fault.Conflict, "give the provider values of its own, without an anchor or a merge key", "%s: %s: %w", c.Path,
			what, err)
	}
	if _, err := confirm(c.Path, after, want); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return after, nil
}
