package watch

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/queue"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// Plan is what one run will send.
type Plan struct {
	o          Options
	skip       func([]string) bool
	release    func()
	reader     *reader
	state      *state
	former     *former
	sameSource bool

	listed    int
	unmatched int       // profiles whose names Match isn't in
	findings  []finding // by name
	messages  []queue.Message
	applied   bool
	sent      bool
}

var (
	_ change.Plan       = (*Plan)(nil)
	_ change.Incomplete = (*Plan)(nil)
)

// Close lets other runs have the cache.
func (p *Plan) Close() { p.release() }

// Done reports whether there is nothing to send.
func (p *Plan) Done() bool { return len(p.messages) == 0 }

// Loss is "".
func (p *Plan) Loss() string { return "" }

// Notes say that a first run builds nothing.
func (p *Plan) Notes() []fault.Advice {
	built := 0
	for _, f := range p.findings {
		if f.kind == isBuilt {
			built++
		}
	}
	switch {
	case p.none():
		return []fault.Advice{fault.Advise("PROFILE_MATCH %q is in the name of none of the %d profiles: nothing is watched", p.o.Match,
			p.unmatched)}
	case built == 0:
		return nil
	case p.former != nil:
		return []fault.Advice{fault.Advise("taking over from packuilon: %d profiles that haven't changed since count as built", built)}
	}
	return []fault.Advice{fault.Advise("on this first run, %d profiles count as built, and only later changes are sent; to build all "+
		"of them, use %s", built, fault.Set("first_run", "build-all"))}
}

// none reports whether there are profiles, but none of them counts: the configuration is wrong.
func (p *Plan) none() bool { return p.listed == 0 && p.unmatched > 0 }

// Rows are the profiles that changed, left or failed.
func (p *Plan) Rows() []change.Row {
	rows := []change.Row{}
	for _, f := range p.findings {
		if f.kind == "" || f.kind == isBuilt {
			continue
		}
		state, problem := "", any(nil)
		if f.message >= 0 {
			state = "would send"
			switch {
			case p.sent:
				state = "sent"
			case p.applied:
				state = "not sent"
			}
		}
		if f.err != nil {
			problem = f.err.Error()
		}
		rows = append(rows, change.Row{
			{Key: "profile", Value: f.name},
			{Key: "change", Value: f.kind},
			{Key: "image", Value: f.image},
			{Key: "state", Value: state},
			{Key: "problem", Value: problem},
		})
	}
	return rows
}

// LeftOut is the error of the profiles that can't be used: fault.Partial, or their own kind if no other is listed.
func (p *Plan) LeftOut() error {
	bad := 0
	var first error
	for _, f := range p.findings {
		if f.err == nil {
			continue
		}
		if bad++; first == nil {
			first = f.err
		}
	}
	kind := fault.Partial
	switch bad {
	case 0:
		return nil
	case p.listed:
		kind = fault.KindOf(first)
	}
	return fault.New(kind, "", "reading %d profiles: %d can't be used", p.listed, bad)
}

// Apply sends the messages, and then remembers that it did. If it ends in between, the next run sends them again.
func (p *Plan) Apply(ctx context.Context, rep report.Reporter) error {
	if p.o.ReadOnly {
		return fault.New(fault.Internal, "", "this plan was made to be looked at")
	}
	p.applied = true
	if p.none() && p.state.first() {
		return nil // the first run is yet to come
	}
	if len(p.messages) > 0 {
		rep.Step("Images to build: %d", len(p.messages))
		var err error
		if p.state.Sequence, err = p.o.Sink.sendNewest(ctx, p.messages, p.state.Sequence); err != nil {
			return err
		}
		p.sent = true
	}
	for _, f := range p.findings {
		if f.known != nil {
			p.state.Profiles[f.name] = f.known
		}
	}
	if err := p.state.save(p.o.Cache); err != nil {
		return err
	}
	return p.LeftOut()
}
