// Package worker turns requests for builds into current images: it takes messages from the queue, builds with packer
// what the Aquilon profile in each asks for, and promotes what was built. A message that comes twice builds once, and
// an older message never replaces the image of a newer one.
package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/aquilon/profile"
	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/buildlog"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/packer"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/queue"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// Options of a worker.
type Options struct {
	Queue queue.Queue
	Slots int // how many messages are worked on at once

	// TemplateMap and SourceImages are paths or URLs, read for every message. SourceImages may be "".
	TemplateMap, SourceImages string
	Resolve                   profile.Options

	// Packer is how packer is run: program, variable files, environment, secrets and time to clean up.
	Packer   packer.Build
	Parallel bool          // build the templates of one message at once
	Timeout  time.Duration // of one template's build

	// Site is where the images are, with credentials that may promote them.
	Site promote.Site
	// Promotion is how they are promoted; image and name are the build's.
	Promotion promote.Options
	// Suffix is what templates put behind the name of an image that isn't current yet; "" for nothing.
	Suffix string

	Logs *buildlog.Store
	Keep buildlog.Keep

	// Grace is how long running builds may go on when the worker is to end.
	Grace time.Duration
	// Drain is nil, or is closed to have the worker end when its running builds have, however long they take.
	Drain <-chan struct{}
	// Dependants is nil, or asks for the builds of the images that start from one that has become current. It is
	// called again if the worker dies before its message has ended.
	Dependants func(ctx context.Context, image string) error
	// Notify is nil, or is told of builds that have made an image or have failed. The worker waits for it at its end.
	Notify func(Ended)
	// UntilEmpty ends the worker when there is nothing to do; with a fault.Partial if builds have failed.
	UntilEmpty bool
}

func (o Options) validate() error {
	switch {
	case o.Slots < 1:
		return fault.Bad("slots", "", "%d is less than 1", o.Slots)
	case o.TemplateMap == "":
		return fault.Bad("template_map", "", "it is empty")
	case o.Timeout <= 0:
		return fault.Bad("build_timeout", "", "%s isn't positive", o.Timeout)
	case o.Grace < 0:
		return fault.Bad("grace", "", "%s is negative", o.Grace)
	}
	return errors.Join(o.Promotion.Validate()...)
}

// Ended is how the work on a message has ended.
type Ended struct {
	queue.Message          // as it was before
	Image         string   // "" if the message couldn't be understood
	Images        []string // ids, if it succeeded
	Failure       queue.Failure
	Dead          bool // it isn't tried again
	Worker        string
}

// worker is one that runs.
type worker struct {
	Options
	rep  report.Reporter
	name string // host and process
	told sync.WaitGroup
	hard context.Context

	taking  context.Context // ends when the worker takes no more messages, as after stop
	stop    func()
	trouble trouble

	mu       sync.Mutex
	active   int
	deferred map[string]bool // messages that this worker put off
	failures map[string]bool // messages whose last try failed
	done     int             // messages that are done
}

// errDraining interrupts builds for which there is no time any more.
var errDraining = errors.New("the worker is ending")

// Run works until ctx ends. Then it takes no more messages, and running builds have Options.Grace to finish; those
// that don't are interrupted, and their messages return to the queue.
func Run(ctx context.Context, o Options, rep report.Reporter) error {
	if err := o.validate(); err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	hard, interrupt := context.WithCancelCause(context.WithoutCancel(ctx))
	defer interrupt(nil)
	w := &worker{
		Options: o, rep: rep, name: fmt.Sprintf("%s/%d", host, os.Getpid()), hard: hard,
		deferred: map[string]bool{}, failures: map[string]bool{},
	}
	taking, stop := context.WithCancel(ctx)
	defer stop()
	w.taking, w.stop = taking, stop
	unwatch := context.AfterFunc(ctx, func() {
		if n := w.working(); n > 0 {
			rep.Step("Taking no more messages; %d running builds have %s to finish", n, o.Grace)
		}
		change.Sleep(hard, o.Grace)
		interrupt(errDraining)
	})
	defer unwatch()
	defer w.told.Wait()
	var idle sync.WaitGroup
	defer idle.Wait()
	defer stop()
	if o.UntilEmpty {
		idle.Go(func() { w.stopWhenEmpty(taking, stop) })
	}
	idle.Go(func() {
		select {
		case <-o.Drain: // never, if it is nil
			rep.Step("Draining: taking no more messages; %d running builds go on to their end", w.working())
			stop()
		case <-taking.Done():
		}
	})
	if err := o.Queue.Consume(taking, o.Slots, w.handle); err != nil || !o.UntilEmpty {
		return err
	}
	return errors.Join(w.trouble.fatal(), w.balance())
}

// balance is an error if builds have failed and haven't succeeded since.
func (w *worker) balance() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.failures) == 0 {
		return nil
	}
	return fault.New(fault.Partial, fault.Advise("look at the reasons with %s", fault.Do("factory", "status")),
		"%d of %d requests failed", len(w.failures), len(w.failures)+w.done)
}

// count notes how the work on a message has ended.
func (w *worker) count(m queue.Message, failed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if delete(w.failures, m.ID); failed {
		w.failures[m.ID] = true
	} else {
		w.done++
	}
}

func (w *worker) working() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.active
}

// stopWhenEmpty calls stop when no message is ready, and none is being worked on or was put off by this worker.
func (w *worker) stopWhenEmpty(ctx context.Context, stop func()) {
	for quiet := 0; quiet < 2; { // a message that is just being taken is in no count for a moment
		if !change.Sleep(ctx, 250*time.Millisecond) {
			return
		}
		c, err := w.Queue.Count(ctx)
		w.mu.Lock()
		busy := w.active > 0 || len(w.deferred) > 0 && c.Waiting > 0
		w.mu.Unlock()
		quiet++
		if err != nil || c.Ready > 0 || c.Working != nil && *c.Working > 0 || busy {
			quiet = 0
		}
	}
	stop()
}

// handle works on one message, whatever happens in it.
func (w *worker) handle(ctx context.Context, d queue.Delivery) {
	m := d.Message()
	w.mu.Lock()
	w.active++
	delete(w.deferred, m.ID)
	w.mu.Unlock()
	defer func() {
		if p := recover(); p != nil {
			w.rep.Warn("%s: a defect of imgctl: %v\n%s", about(m, ""), p, debug.Stack())
			w.end(ctx, d, verdict{fail: &queue.Failure{Reason: fmt.Sprintf("a defect of imgctl: %v", p)}})
		}
		w.mu.Lock()
		w.active--
		w.mu.Unlock()
	}()
	if w.hard.Err() != nil {
		w.end(ctx, d, verdict{again: true})
		return
	}
	ctx, interrupt := context.WithCancelCause(ctx)
	defer interrupt(nil)
	defer context.AfterFunc(w.hard, func() { interrupt(context.Cause(w.hard)) })()
	v := w.work(ctx, m)
	w.end(ctx, d, v)
	if v.trouble != nil {
		w.rest(v.trouble)
	}
}

// verdict is what becomes of a message; the zero value is that it is done.
type verdict struct {
	again      bool  // it comes again in a moment
	lost       bool  // another worker has it
	trouble    error // why the worker can't work on any message
	fail, bury *queue.Failure
	image      string   // that it is about
	built      []string // ids of the images that are new
}

// answer is how long the queue may take to take a verdict.
const answer = time.Minute

// end tells the queue. If that fails, the message comes again, and its build is found to be done.
func (w *worker) end(ctx context.Context, d queue.Delivery, v verdict) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answer)
	defer cancel()
	var err error
	m := d.Message()
	switch {
	case v.lost:
		return
	case v.again:
		w.mu.Lock()
		w.deferred[m.ID] = true
		w.mu.Unlock()
		err = d.Defer(ctx)
	case v.bury != nil:
		w.count(m, true)
		v.bury.At = time.Now()
		w.rep.Warn("%s: the request is a dead letter: %s", about(m, v.image), v.bury.Reason)
		err = d.Bury(ctx, *v.bury)
		w.notify(err, Ended{Message: m, Image: cmp.Or(v.image, m.Subject), Failure: *v.bury, Dead: true})
	case v.fail != nil:
		w.count(m, true)
		v.fail.At = time.Now()
		var dead bool
		var pause time.Duration
		switch pause, dead, err = d.Fail(ctx, *v.fail); {
		case err == nil && dead:
			w.rep.Warn("%s: attempt %d has failed; the request is a dead letter", about(m, v.image), m.Attempt+1)
		case err == nil:
			w.rep.Warn("%s: attempt %d has failed; the next one is in %s", about(m, v.image), m.Attempt+1, pause)
		}
		w.notify(err, Ended{Message: m, Image: cmp.Or(v.image, m.Subject), Failure: *v.fail, Dead: dead})
	default:
		w.count(m, false)
		err = d.Done(ctx)
		if len(v.built) > 0 {
			w.notify(err, Ended{Message: m, Image: v.image, Images: v.built})
		}
	}
	if err != nil {
		w.rep.Warn("%s: telling the queue how it ended: %v", about(m, v.image), err)
	}
}

// about is what messages call a request: the image, or the request's id where no image is known.
func about(m queue.Message, image string) string { return cmp.Or(image, m.Subject, "request "+m.ID) }

// notify tells how a message has ended, unless the queue doesn't know it: then it comes again.
func (w *worker) notify(err error, e Ended) {
	if err == nil && w.Notify != nil {
		e.Worker = w.name
		w.told.Go(func() { w.Notify(e) })
	}
}
