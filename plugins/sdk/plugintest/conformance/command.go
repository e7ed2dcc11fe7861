package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// command judges one command.
func (k *kit) command(c *pluginv1.Command) {
	k.rule(c, "what is required and missing is a problem of kind USAGE", func() error {
		start, ok := incomplete(c)
		if !ok {
			return errSkip("it requires nothing")
		}
		return k.usage(start)
	})
	uses, writes := false, false
	var undisturbed *Recording
	k.rule(c, "sends what the protocol allows, and Done last, once", func() error {
		r, cloud, err := k.run(plausible(c, k.dir), c, accepting, whenLong)
		uses, writes, undisturbed = cloud.Requests() > 0, len(cloud.Writes()) > 0, r
		if err != nil {
			return err
		}
		return join(breaches(c, r))
	})
	k.rule(c, "stops in time when interrupted at the start", func() error {
		return k.stops(c, atOnce, undisturbed)
	})
	k.rule(c, "stops in time when interrupted in the middle", func() error {
		return k.stops(c, afterFirst, undisturbed)
	})
	k.rule(c, "keeps secrets out of events, logs, arguments and environment", func() error { return k.secrets(c) })
	k.rule(c, "--dry-run changes nothing", func() error {
		if c.GetDanger() < pluginv1.Danger_DANGER_CHANGES {
			return errSkip("it changes nothing anyway")
		}
		start := plausible(c, k.dir)
		start.DryRun = true
		return unless(writes, k.writesNothing(start, c, accepting))
	})
	k.rule(c, "a declined prompt changes nothing", func() error {
		if c.GetDanger() != pluginv1.Danger_DANGER_DESTROYS {
			return errSkip("it destroys nothing")
		}
		return unless(writes, k.writesNothing(plausible(c, k.dir), c, Host{}))
	})
	k.rule(c, "only reads, as its manifest says", func() error {
		if c.GetDanger() >= pluginv1.Danger_DANGER_CHANGES {
			return errSkip("its manifest says that it changes something")
		}
		return k.writesNothing(plausible(c, k.dir), c, accepting)
	})
	k.rule(c, "has a refused token renewed once", func() error {
		if !uses {
			return errSkip("it made no request with a token")
		}
		return k.renews(c)
	})
	k.rule(c, "ends with Done when every service fails", func() error {
		if !uses {
			return errSkip("it made no request with a token")
		}
		return k.failing(c)
	})
	k.works(c)
}

// When a command is interrupted.
type when int

const (
	whenLong   when = iota // after Options.RunFor, or soon if it says that it runs long
	atOnce                 // with Start
	afterFirst             // at its first message
	afterWrite             // at its first write, before that is answered
	failing                // as whenLong, after a time that is enough to give up
)

// accepting is a host whose user agrees to everything.
var accepting = Host{Prompt: func(p *pluginv1.Prompt) *pluginv1.Answer {
	text := p.GetDefault()
	switch {
	case p.GetMustType() != "":
		text = p.GetMustType()
	case text == "" && len(p.GetChoices()) > 0:
		text = p.GetChoices()[0]
	case text == "":
		text = "x"
	}
	return &pluginv1.Answer{Accepted: true, Text: text}
}}

// run carries out one command in a process of its own, against a cloud of its own that is given for
// a look at what it saw. An error means that the command didn't end in time.
func (k *kit) run(start *pluginv1.Start, c *pluginv1.Command, h Host, stop when, prepare ...func(*Cloud, *Process)) (*Recording, *Cloud,
	error,
) {
	cloud := NewCloud()
	defer cloud.Close()
	r, err := k.on(cloud, start, c, h, stop, prepare...)
	return r, cloud, err
}

// on is run against a cloud that is there.
func (k *kit) on(
	cloud *Cloud, start *pluginv1.Start, c *pluginv1.Command, h Host, stop when, prepare ...func(*Cloud, *Process),
) (*Recording, error) {
	p, err := Start(k.path, k.env...)
	if err != nil {
		return nil, err
	}
	defer p.Kill()
	for _, f := range prepare {
		f(cloud, p)
	}
	first := make(chan struct{}, 1)
	see := h.See
	h.See = func(m *pluginv1.PluginMessage) {
		if see != nil {
			see(m)
		}
		select {
		case first <- struct{}{}:
		default:
		}
	}
	h.Cloud = cloud.Access
	ctx, cancel := context.WithCancel(k.ctx)
	defer cancel()
	command, err := p.Run(ctx, start, h)
	if err != nil {
		return nil, err
	}
	recorded := make(chan *Recording, 1)
	go func() { recorded <- command.Wait() }()

	patience := k.RunFor
	if slices.Contains(c.GetNeeds(), pluginv1.Need_NEED_LONG_RUNNING) {
		patience = time.Second
	}
	var middle <-chan struct{}
	switch stop {
	case atOnce:
		patience = 0
	case failing:
		patience = k.failFor
	case afterFirst:
		middle = first
	case afterWrite:
		wrote := make(chan struct{})
		cloud.AtFirstWrite(func() {
			_ = command.Interrupt(k.StopWithin)
			close(wrote)
		})
		middle = wrote
	}
	select {
	case r := <-recorded:
		return ended(r, p)
	case <-middle:
	case <-time.After(patience):
	}
	_ = command.Interrupt(k.StopWithin) // if it has ended, that is seen below
	select {
	case r := <-recorded:
		return ended(r, p)
	case <-time.After(k.StopWithin):
		return nil, fmt.Errorf("it was interrupted and didn't end within %s", k.StopWithin)
	}
}

// stops interrupts the command. If it sends less than undisturbed, it must not say that it has succeeded.
func (k *kit) stops(c *pluginv1.Command, stop when, undisturbed *Recording) error {
	r, _, err := k.run(plausible(c, k.dir), c, accepting, stop)
	if err != nil || undisturbed == nil || c.GetDanger() >= pluginv1.Danger_DANGER_CHANGES ||
		slices.Contains(c.GetNeeds(), pluginv1.Need_NEED_LONG_RUNNING) {
		return err
	}
	got, want := r.results(), undisturbed.results()
	if r.Done().GetOutcome() != pluginv1.Outcome_OUTCOME_FAILED && got < want {
		return fmt.Errorf("when interrupted it sent %d rows or fields of %d, and ended with %s instead of a problem of kind CANCELLED",
			got, want, ending(r))
	}
	return nil
}

func ended(r *Recording, p *Process) (*Recording, error) {
	if r.Err != nil {
		return r, fmt.Errorf("the stream broke: %w%s", r.Err, p.said())
	}
	if r.Done() == nil {
		return r, errors.New("the stream ended without Done" + p.said())
	}
	return r, nil
}

func (k *kit) writesNothing(start *pluginv1.Start, c *pluginv1.Command, h Host) error {
	_, cloud, err := k.run(start, c, h, whenLong)
	if err == nil && len(cloud.Writes()) > 0 {
		err = errors.New(describe(cloud.Writes()))
	}
	return err
}

// unless skips what was kept only as the command has written nothing anyway.
func unless(writes bool, err error) error {
	if err == nil && !writes {
		return errSkip("it wrote nothing to the kit's cloud without that either")
	}
	return err
}

func (k *kit) renews(c *pluginv1.Command) error {
	r, cloud, err := k.run(plausible(c, k.dir), c, accepting, whenLong, func(cloud *Cloud, _ *Process) { cloud.Expire() })
	if err != nil {
		return err
	}
	renewals := map[string]int{}
	for _, request := range r.CloudRequests() {
		if request.GetRefresh() {
			renewals[request.GetName()]++
		}
	}
	for name, refused := range cloud.Refused() {
		if renewals[name] != 1 {
			return fmt.Errorf("the token for cloud %q was refused %d times, and a new one was asked for %d times; it ended with %s", name,
				refused, renewals[name], ending(r))
		}
	}
	return nil
}

func (k *kit) failing(c *pluginv1.Command) error {
	_, _, err := k.run(plausible(c, k.dir), c, accepting, failing, func(cloud *Cloud, _ *Process) { cloud.Fail() })
	return err
}

// leaks says where the secrets appear among what the plugin sent and wrote.
func leaks(r *Recording, stderr string, secrets []string) []string {
	var found []string
	for _, s := range secrets {
		for _, m := range r.Messages {
			if m.GetSecret() == nil && strings.Contains(m.String(), s) {
				found = append(found, fmt.Sprintf("a secret is in a message %T", m.GetMessage()))
			}
		}
		if strings.Contains(stderr, s) {
			found = append(found, "a secret is on its standard error")
		}
	}
	return slices.Compact(found)
}
