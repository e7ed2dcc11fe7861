package watch

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// All reads all profiles that the options watch, whether they have changed or not. Those that can't be read are left
// out, and their errors are the problems. With names, only those profiles are read.
func All(ctx context.Context, o Options, names ...string) (requests []Request, problems []error, err error) {
	o.Cache = cmp.Or(o.Cache, ".") // it isn't used
	if err := o.check(); err != nil {
		return nil, nil, err
	}
	p := &Plan{o: o, state: &state{}, reader: newReader(o.Authorities)}
	defer p.reader.close()
	all, _, err := p.list(ctx, version{})
	if err != nil {
		return nil, nil, err
	}
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(parallel)
	for _, l := range all {
		if len(names) > 0 && !slices.Contains(names, l.name) {
			continue
		}
		group.Go(func() error {
			text, err := p.whole(ctx, l.name)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				problems = append(problems, err)
				return nil
			}
			requests = append(requests, Request{Source: l.name, Text: text})
			return nil
		})
	}
	_ = group.Wait() // what failed is in problems
	slices.SortFunc(requests, func(a, b Request) int { return cmp.Compare(a.Source, b.Source) })
	return requests, problems, fault.Wrap(fault.Cancelled, "", context.Cause(ctx))
}

// whole reads a profile.
func (p *Plan) whole(ctx context.Context, name string) ([]byte, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	location, err := beside(p.o.Profiles, name)
	if err != nil {
		return nil, err
	}
	text, _, err := p.reader.read(ctx, location, "application/json", maxProfile, version{})
	return text, err
}

// Newest is the sequence of the newest request for each of the images, as far as the queue knows.
func Newest(ctx context.Context, sink Sink, images ...string) (newest map[string]int64, err error) {
	q, err := sink.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, q.Close()) }()
	newest = map[string]int64{}
	for _, image := range images {
		if newest[image], err = q.Newest(ctx, image); err != nil {
			return nil, err
		}
	}
	return newest, nil
}

// Ask asks for builds for profiles that were read after the newest requests and the time: what has been asked for
// since is newer than these.
func Ask(ctx context.Context, sink Sink, style string, newest map[string]int64, at time.Time, requests ...Request) error {
	p, err := PlanEnqueue(sink, style, requests...)
	if err != nil {
		return err
	}
	number(p.messages, 0)
	for n := range p.messages {
		p.messages[n].Sequence = max(newest[p.messages[n].Subject]+1, at.UnixMicro())
	}
	return sink.send(ctx, p.messages)
}
