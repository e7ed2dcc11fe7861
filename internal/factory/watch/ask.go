package watch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/aquilon/profile"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/queue"
)

// maxRun bounds the profiles that one run sends, in bytes; those beyond it are left for the next run.
const maxRun = 512 << 20

// ask reads those of the profiles that may have changed.
func (p *Plan) ask(ctx context.Context, all []listed) (findings []finding, err error) {
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(parallel)
	total := 0
	for _, l := range all {
		k := p.state.Profiles[l.name]
		if k != nil && k.Gone.IsZero() && !k.Unread && l.mark != "" && l.mark == k.Mark && p.sameSource {
			continue
		}
		group.Go(func() error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			f, body := p.one(ctx, l, k)
			mu.Lock()
			defer mu.Unlock()
			if body != nil && total+len(body) > maxRun {
				f.kind, f.known = isFailed, nil
				f.err = fault.New(fault.Unavailable, "", "%s is left for the next run: there are more than %d MiB of changes",
					l.name, maxRun>>20)
			} else if body != nil {
				total += len(body)
				f.message = len(p.messages)
				p.messages = append(p.messages, queue.Message{Subject: f.image, Body: body})
			}
			findings = append(findings, f)
			return nil
		})
	}
	_ = group.Wait() // it fails only if ctx ends
	return findings, fault.Wrap(fault.Cancelled, "", context.Cause(ctx))
}

// one reads a profile. Body is what to send; nil if it is built already. k is nil if it isn't known.
func (p *Plan) one(ctx context.Context, l listed, k *known) (f finding, body []byte) {
	f = finding{name: l.name, message: -1}
	built := k == nil && p.state.first() && p.counts(l) || k != nil && k.Unread && k.Mark == l.mark
	err := checkName(l.name)
	if err == nil {
		f.known, body, err = p.compare(ctx, l, k)
	}
	if err != nil {
		f.kind, f.err = isFailed, err
		if built && l.mark != "" && !fault.Is(err, fault.Usage) {
			f.known = &known{Mark: l.mark, Unread: true}
		}
		return f, nil
	}
	f.image = f.known.Image
	switch {
	case built && body != nil:
		f.kind = isBuilt
		return f, nil
	case body != nil && k == nil:
		f.kind = isNew
	case body != nil:
		f.kind = isChanged
	}
	return f, body
}

// compare reads a profile and compares it with what is known of it; body is nil if it is the same.
func (p *Plan) compare(ctx context.Context, l listed, k *known) (now *known, body []byte, err error) {
	location, err := beside(p.o.Profiles, l.name)
	if err != nil {
		return nil, nil, err
	}
	var had version
	if k != nil && p.sameSource && !k.Unread {
		had = k.Version
	}
	text, v, err := p.reader.read(ctx, location, "application/json", maxProfile, had)
	if err != nil {
		return nil, nil, err
	}
	now = &known{Mark: l.mark, Version: v}
	if text != nil {
		sum := sha256.Sum256(text)
		now.Bytes = hex.EncodeToString(sum[:])
	}
	if k != nil && !k.Unread && (text == nil || now.Bytes == k.Bytes) {
		now.Bytes, now.Digest, now.Image = k.Bytes, k.Digest, k.Image
		return now, nil, nil
	}
	d, err := profile.ParseDocument(shown(location), text)
	if err != nil {
		return nil, nil, err
	}
	host, err := d.Profile()
	if err != nil {
		return nil, nil, err
	}
	if now.Image, err = subject(host, p.o.NameStyle); err != nil {
		return nil, nil, err
	}
	if now.Digest, err = d.Digest(p.skip); err != nil {
		return nil, nil, err
	}
	if k != nil && now.Digest == k.Digest || k == nil && p.former.has(l.name, now.Digest, p.skip) {
		return now, nil, nil
	}
	return now, text, nil
}

// counts tells whether a profile counts as built on the first run.
func (p *Plan) counts(l listed) bool {
	if p.former != nil {
		return p.former.marks[l.name] == l.mark && l.mark != ""
	}
	return !p.o.BuildAll
}

func shown(location string) string { return profile.Shown(location) }
