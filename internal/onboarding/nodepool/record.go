package nodepool

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
	"github.com/imgctl/packer-plugin-openstack/internal/wholefile"
)

// Record holds what providers had before they were disabled. It is a small file beside the configuration.
type Record struct {
	Version   int                 `json:"version"`
	Providers map[string]Disabled `json:"providers"`
}

// Disabled is what a provider had.
type Disabled struct {
	Since  time.Time `json:"since"`
	Until  time.Time `json:"until,omitzero"`
	Reason string    `json:"reason,omitempty"`
	Values []Former  `json:"values"`
	// Patched says that the values are changed by patches, which may not have been applied yet.
	Patched bool `json:"patched,omitempty"`
}

// Former is a value as it was. Either Pool or Image says whose it is; if neither does, it is the provider's.
type Former struct {
	Pool  string `json:"pool,omitempty"`
	Image string `json:"image,omitempty"`
	Key   string `json:"key"`
	Was   string `json:"was"`             // as it was spelled, "" if the key wasn't there
	With  string `json:"with"`            // as it was written instead
	Added bool   `json:"added,omitempty"` // the key wasn't there
}

func (f Former) same(g Former) bool { return f.Pool == g.Pool && f.Image == g.Image && f.Key == g.Key }

const (
	recordVersion = 1
	maxRecord     = foreignfile.MaxTreeSize // bytes
)

// RecordPath is where the record of a configuration file is, unless somebody chose another place. A symbolic link to
// the file has no record of its own.
func RecordPath(config string) string {
	if info, err := os.Lstat(config); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		config = wholefile.Target(config)
	}
	return config + ".disabled.json"
}

// ReadRecord reads a record. A file that doesn't exist is an empty one.
func ReadRecord(path string) (*Record, error) {
	r := &Record{Version: recordVersion, Providers: map[string]Disabled{}}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return r, nil
	case err != nil:
		return nil, fmt.Errorf("reading the record of disabled providers: %w", err)
	case info.Size() > maxRecord:
		return nil, fault.New(fault.Usage, "", "%s is no record of disabled providers: it has %d bytes", path, info.Size())
	}
	text, err := foreignfile.ReadText(path)
	if err != nil {
		return nil, fmt.Errorf("reading the record of disabled providers: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(r); err != nil {
		return nil, fault.New(fault.Usage, "", "%s is no record of disabled providers: %w", path, err)
	}
	if r.Version != recordVersion {
		return nil, fault.New(fault.Usage, "use a newer version of imgctl", "%s is a record of version %d; this is version %d", path,
			r.Version,
			recordVersion)
	}
	if r.Providers == nil {
		r.Providers = map[string]Disabled{}
	}
	return r, nil
}

// write writes the record, or removes the file if the record is empty.
func (r *Record) write(path string) error {
	if len(r.Providers) == 0 {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing the record of disabled providers: %w", err)
		}
		return nil
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return wholefile.Replace(path, defaultMode, append(text, '\n'))
}

// with is a copy of the record with another entry for a provider; nil removes it.
func (r *Record) with(provider string, d *Disabled) *Record {
	c := &Record{Version: recordVersion, Providers: map[string]Disabled{}}
	maps.Copy(c.Providers, r.Providers)
	delete(c.Providers, provider)
	if d != nil && len(d.Values) > 0 {
		c.Providers[provider] = *d
	}
	return c
}

// Overdue are the providers in a record that were to be back by now, as warnings about the configuration.
func (c *Config) Overdue(r *Record, now time.Time) (all []Problem) {
	for _, name := range sortedKeys(r.Providers) {
		d := r.Providers[name]
		p, err := c.provider(name)
		if err != nil || d.Until.IsZero() || d.Until.After(now) {
			continue
		}
		all = append(all, Problem{
			p.Line, p.Column, Warning, "providers/" + name,
			fmt.Sprintf("provider %q is disabled, and was to be back on %s", name, d.Until.UTC().Format(time.DateOnly)),
		})
	}
	return all
}
