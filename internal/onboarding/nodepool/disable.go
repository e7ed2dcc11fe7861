package nodepool

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
)

const (
	maxServers = "max-servers"
	pause      = "pause"
	diskimages = "diskimages"
	off        = "0" // of max-servers: nodepool starts no server, and those that run finish
)

// Options say what to disable or enable.
type Options struct {
	Provider string
	Pools    []string // none means all
	Reason   string
	Until    time.Time
	At       time.Time // default: now

	// PauseUploads also pauses the uploads of the provider's diskimages.
	PauseUploads bool

	// Values are max-servers by pool, for enabling a provider that somebody disabled by hand.
	Values map[string]int

	// Record is the path of the record; default: RecordPath.
	Record string

	// Patches is a folder. If it is given, the change and its revert are written there as patches for git am,
	// and the file stays as it is.
	Patches string
	Author  Author
}

// Validate checks what can be known without reading a file. Errors begin with the option's name.
func (o Options) Validate() []error {
	var errs []error
	if strings.ContainsFunc(o.Reason, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' }) {
		errs = append(errs, fault.Bad("reason", "", "it contains control characters"))
	}
	at := o.At
	if at.IsZero() {
		at = time.Now()
	}
	if !o.Until.IsZero() && o.Until.Before(at) {
		errs = append(errs, fault.Bad("until", "give a time to come", "%s is over", o.Until.UTC().Format(time.RFC3339)))
	}
	for _, name := range sortedKeys(o.Values) {
		if o.Values[name] <= 0 {
			errs = append(errs, fault.Bad("max_servers", "give a number of servers for each pool, such as main=100",
				"%s: %d is no number of "+
					"servers to enable with", name, o.Values[name]))
		}
	}
	return errs
}

// Disable plans to set max-servers to 0 in a provider's pools. What they had is kept in the record.
func (c *Config) Disable(o Options) (*Plan, error) {
	p, s, err := c.begin(&o)
	if err != nil {
		return nil, err
	}
	b := &builder{plan: p, source: newSource(c.Text), provider: o.Provider, want: c.tree.Any()}
	was := p.record.Providers[o.Provider]
	if !slices.ContainsFunc(was.Values, func(f Former) bool { return !b.untouched(s, f) }) {
		was = Disabled{} // of an outage that is over
	}
	d := Disabled{Since: was.Since, Until: o.Until, Reason: oneLine(o.Reason), Values: slices.Clone(was.Values)}
	d.Patched = was.Patched || o.Patches != ""
	if d.Until.IsZero() {
		d.Until = was.Until
	}
	if d.Reason == "" {
		d.Reason = was.Reason
	}
	pools, err := b.choose(c, s, o)
	if err != nil {
		return nil, err
	}
	for _, pool := range pools {
		if err := b.set(pool, Former{Pool: nameOf(pool), Key: maxServers, With: off}); err != nil {
			return nil, err
		}
	}
	if o.PauseUploads {
		if err := b.pauseUploads(s, was.Values); err != nil {
			return nil, err
		}
	}
	for _, f := range b.former { // what was recorded before is the older value, unless it was enabled by hand since
		d.Values = slices.DeleteFunc(d.Values, f.same)
		d.Values = append(d.Values, f)
	}
	if len(p.Changes) > 0 {
		d.Since = o.At.UTC().Truncate(time.Second)
	}
	if p.after, err = c.edit(b.edits, b.want, "disabling provider "+o.Provider); err != nil {
		return nil, err
	}
	p.record = p.record.with(o.Provider, &d)
	p.recordChanged = len(p.Changes) > 0 || (o.Reason != "" || !o.Until.IsZero()) && len(d.Values) > 0
	p.describe("Disable nodepool provider "+o.Provider, d, o)
	return p, nil
}

// begin checks the options, finds the provider and reads the record.
func (c *Config) begin(o *Options) (*Plan, *foreignfile.Value, error) {
	if o.At.IsZero() {
		o.At = time.Now()
	}
	for _, err := range o.Validate() {
		return nil, nil, err
	}
	s, err := c.provider(o.Provider)
	if err != nil {
		return nil, nil, err
	}
	if o.Record == "" {
		o.Record = RecordPath(c.Path)
	}
	record, err := ReadRecord(o.Record)
	if err != nil {
		return nil, nil, err
	}
	return &Plan{config: c, after: c.Text, record: record, recordPath: o.Record, at: o.At, patches: o.Patches, author: o.Author}, s, nil
}

// describe writes the commit message.
func (p *Plan) describe(subject string, d Disabled, o Options) {
	p.subject = subject
	var lines []string
	if len(o.Pools) > 0 {
		lines = append(lines, "Pools: "+strings.Join(o.Pools, ", "))
	}
	if d.Reason != "" {
		lines = append(lines, "Reason: "+d.Reason)
	}
	if !d.Until.IsZero() {
		lines = append(lines, "Until: "+d.Until.UTC().Format(time.RFC3339))
	}
	for _, c := range p.Changes {
		place := c.Key
		if c.Place != "" {
			place = c.Place + ": " + c.Key
		}
		lines = append(lines, fmt.Sprintf("%s: %s to %s", place, shown(c.Before), shown(c.After)))
	}
	p.body = strings.Join(lines, "\n")
}

func shown(value string) string { return cmp.Or(short(value), "not set") }

// short is a value on one line that has room in a table.
func short(value string) string {
	const most = 40
	value = oneLine(value)
	if runes := []rune(value); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return value
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
