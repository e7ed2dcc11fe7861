// Package watch finds Aquilon profiles that have changed, and asks for builds of their images. Nothing is lost on
// the way: what has changed is forgotten only when the queue has it.
package watch

import (
	"cmp"
	"context"
	"crypto/x509"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
	"github.com/imgctl/packer-plugin-openstack/internal/queue"
)

// Options say what is watched.
type Options struct {
	// Index and Profiles are URLs, or paths. Without an Index, Profiles is a folder, and all its .json files count.
	Index, Profiles string
	// Match is part of the name of each profile that counts; "" is in all names.
	Match string
	// Cache is the folder where the state is kept. One that packuilon has used is taken over.
	Cache string
	// BuildAll asks for builds of all profiles on the first run. Otherwise they count as built.
	BuildAll bool
	// Ignore are paths of values that don't matter, such as /metadata/time; * is any key.
	Ignore []string
	// NameStyle is how images get their names, "" for the default.
	NameStyle string
	// Authorities are those of the servers' certificates, nil for the system's.
	Authorities *x509.CertPool
	Sink        Sink
	// ReadOnly plans without a lock, and makes no folder. Such a plan can't be applied.
	ReadOnly bool
	// Patience is how long to wait for another run that uses Cache; 0 is 10 minutes.
	Patience time.Duration
}

func (o Options) check() error {
	switch {
	case o.Profiles == "":
		return fault.New(fault.Usage, "", "PROFILE_DIR_URL isn't set: where are the profiles?")
	case o.Index == "" && remote(o.Profiles):
		return fault.New(fault.Usage, "", "PROFILE_INFO_URL isn't set: a server's profiles need an index")
	case o.Cache == "":
		return fault.New(fault.Usage, "", "CACHE_DIR isn't set")
	}
	for _, location := range []string{o.Index, o.Profiles} {
		if !remote(location) && strings.Contains(location, "://") {
			return fault.New(fault.Usage, "", "reading %s: expected http, https or a path", location)
		}
	}
	return nil
}

// Kinds of change.
const (
	isNew     = "new"
	isChanged = "changed"
	isRemoved = "removed"
	isFailed  = "failed"
	isBuilt   = "built" // counts as built on a first run
)

// finding is a profile that isn't as it was.
type finding struct {
	name, kind, image string
	known             *known // as it is to be remembered; nil if it isn't
	message           int    // in the plan's messages; -1 for none
	err               error
}

// Make plans a run: it reads the index, and those profiles that may have changed. Close the plan in the end.
func Make(ctx context.Context, o Options) (p *Plan, err error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	skip, err := ignoring(o.Ignore)
	if err != nil {
		return nil, err
	}
	p = &Plan{o: o, skip: skip, release: func() {}}
	if !o.ReadOnly {
		if err := os.MkdirAll(o.Cache, 0o700); err != nil {
			return nil, foreignfile.Unreadable(o.Cache, err)
		}
		if p.release, err = lock(ctx, o.Cache, cmp.Or(o.Patience, 10*time.Minute)); err != nil {
			return nil, err
		}
	}
	made := p // which p isn't any more once an error is returned
	defer func() {
		if err != nil {
			made.Close()
		}
	}()
	if p.state, err = load(o.Cache); err != nil {
		return nil, err
	}
	if p.state.first() {
		if p.former, err = readFormer(o.Cache); err != nil {
			return nil, err
		}
	}
	p.reader = newReader(o.Authorities)
	defer p.reader.close()
	return p, p.find(ctx)
}

// find fills the plan.
func (p *Plan) find(ctx context.Context) error {
	source := p.o.Index + "\n" + p.o.Profiles
	scope := strings.Join(append([]string{p.o.Match, p.o.NameStyle}, p.o.Ignore...), "\n")
	p.sameSource = p.state.Source == source
	had := p.state.Index
	if !p.sameSource || p.state.Scope != scope {
		had = version{}
	}
	all, now, err := p.list(ctx, had)
	if err != nil {
		return err
	}
	p.state.Source, p.state.Scope = source, scope
	p.listed = len(all)
	p.findings, err = p.ask(ctx, all)
	if err != nil {
		return err
	}
	p.findings = append(p.findings, p.gone(all)...)
	p.judge()
	// The index is asked for again as long as something of it hasn't been read.
	if p.state.Index = now; p.LeftOut() != nil {
		p.state.Index = version{}
	}
	return nil
}

// list is what the index has; what it had if it has the version still.
func (p *Plan) list(ctx context.Context, had version) (all []listed, now version, err error) {
	if p.o.Index == "" {
		all, err = folder(p.o.Profiles)
	} else {
		var text []byte
		text, now, err = p.reader.read(ctx, p.o.Index, "application/xml, text/xml, */*;q=0.1", maxIndex, had)
		switch {
		case err != nil:
		case text == nil:
			for name, k := range p.state.Profiles {
				if k.Gone.IsZero() {
					all = append(all, listed{name, k.Mark})
				}
			}
		default:
			all, err = parseIndex(shown(p.o.Index), text)
		}
	}
	if err != nil {
		return nil, version{}, err
	}
	before := len(all)
	all = slices.DeleteFunc(all, func(l listed) bool { return !strings.Contains(l.name, p.o.Match) })
	p.unmatched = before - len(all)
	slices.SortFunc(all, func(a, b listed) int { return strings.Compare(a.name, b.name) })
	return all, now, nil
}

// gone are the profiles that the index had and hasn't any more.
func (p *Plan) gone(all []listed) (findings []finding) {
	there := make(map[string]bool, len(all))
	for _, l := range all {
		there[l.name] = true
	}
	for name, k := range p.state.Profiles {
		// What another match has found is left alone.
		if there[name] || !k.Gone.IsZero() || !strings.Contains(name, p.o.Match) {
			continue
		}
		after := *k
		after.Gone = time.Now().UTC().Truncate(time.Second)
		findings = append(findings, finding{name: name, kind: isRemoved, image: k.Image, known: &after, message: -1})
	}
	return findings
}

// judge decides what is sent: of profiles that build the same image, only the one that did so before.
func (p *Plan) judge() {
	slices.SortStableFunc(p.findings, func(a, b finding) int { return strings.Compare(a.name, b.name) })
	owner := map[string]string{}
	for name, k := range p.state.Profiles {
		if k.Gone.IsZero() && k.Image != "" {
			owner[k.Image] = name
		}
	}
	for _, f := range p.findings { // what leaves, or builds another image now
		k := p.state.Profiles[f.name]
		if k != nil && f.known != nil && (f.kind == isRemoved || k.Image != f.image) && owner[k.Image] == f.name {
			delete(owner, k.Image)
		}
	}
	var messages []queue.Message
	for n := range p.findings {
		f := &p.findings[n]
		builds := f.known != nil && f.image != "" && f.kind != isRemoved
		if other, taken := owner[f.image]; taken && other != f.name && builds {
			f.err = fault.New(fault.Ambiguous, "give one of them another personality or host name",
				"naming the image of %s: %s builds %q already", f.name, other, f.image)
			f.kind, f.known, f.message = isFailed, nil, -1
			continue
		}
		if builds {
			owner[f.image] = f.name
		}
		if f.message >= 0 {
			messages = append(messages, p.messages[f.message])
			f.message = len(messages) - 1
		}
	}
	p.messages = messages
}
