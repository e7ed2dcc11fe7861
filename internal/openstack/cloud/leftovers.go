package cloud

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Thing is an object that a run creates for itself and has to remove.
type Thing struct {
	// Kind is what people call it, such as "server".
	Kind string
	// Find looks for it by the run's mark, in case its creation was interrupted.
	Find func(ctx context.Context) (ids []string, err error)
	// Delete asks the service to remove it. It succeeds if the object no longer exists.
	Delete func(ctx context.Context, id string) error
	// Gone reports whether the removal is complete; nil if Delete's success says so. After an error, Delete
	// is called again.
	Gone func(ctx context.Context, id string) (bool, error)
	// After has to be gone before.
	After *Thing

	mu   sync.Mutex
	id   string
	kept bool
	once sync.Once
	done chan struct{}
	left error
}

// Made records that the thing exists.
func (t *Thing) Made(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.id = id
}

// Keep records that the thing is to stay, or was never created.
func (t *Thing) Keep() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = true
}

// ID is the thing's id, "" as long as it isn't known.
func (t *Thing) ID() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.id
}

// Make creates the thing with do, which returns its id, and looks for it with Find if it is unclear whether that
// took effect, see Create. Afterwards the thing knows how that ended: it exists, it doesn't, or that is unknown.
func (t *Thing) Make(ctx context.Context, do func(context.Context) (id string, err error)) (id string, err error) {
	id, err = Create(ctx, do, func(ctx context.Context) (string, bool, error) {
		found, err := t.Find(ctx)
		if err != nil || len(found) == 0 {
			return "", false, err
		}
		return found[0], true, nil
	})
	return id, t.Settle(id, err)
}

// Settle records how a create ended: with the object, without it, or unknown. It returns err.
func (t *Thing) Settle(id string, err error) error {
	switch {
	case err == nil:
		t.Made(id)
	case !OutcomeUnknown(err):
		t.Keep()
	}
	return err
}

func (t *Thing) isKept() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.kept
}

// Leftovers are all things that a run has to remove. It is safe for concurrent use.
type Leftovers struct {
	mu     sync.Mutex
	things []*Thing
}

// Expect records a thing before it is created, so that Remove looks for it at the end.
func (l *Leftovers) Expect(t *Thing) *Thing {
	l.mu.Lock()
	defer l.mu.Unlock()
	t.done = make(chan struct{})
	l.things = append(l.things, t)
	return t
}

// Start starts removing things, and those that have to go before them, without waiting.
func (l *Leftovers) Start(ctx context.Context, timeout time.Duration, things ...*Thing) {
	for _, t := range things {
		if t == nil || t.isKept() {
			continue
		}
		if t.After != nil {
			l.Start(ctx, timeout, t.After)
		}
		t.once.Do(func() {
			go func() {
				defer close(t.done)
				ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
				defer cancel()
				t.left = t.remove(ctx)
			}()
		})
	}
}

// Remove removes all things in parallel, each as soon as possible, and waits until they are gone. It doesn't
// end with ctx. Transient failures are retried until the timeout. The error names everything that is left.
func (l *Leftovers) Remove(ctx context.Context, timeout time.Duration) error {
	l.mu.Lock()
	things := slices.Clone(l.things)
	l.mu.Unlock()
	l.Start(ctx, timeout, things...)
	var errs []error
	for _, t := range things {
		if t.isKept() {
			continue
		}
		<-t.done
		errs = append(errs, t.left)
	}
	return errors.Join(errs...)
}

func (t *Thing) remove(ctx context.Context) error {
	if t.After != nil && !t.After.isKept() {
		select {
		case <-t.After.done:
		case <-ctx.Done():
		}
	}
	ids := []string{t.ID()}
	if ids[0] == "" {
		found, err := t.search(ctx)
		if err != nil {
			return fmt.Errorf("a %s may be left: looking for it: %w", t.Kind, Classify(err))
		}
		ids = found
	}
	var errs []error
	for _, id := range ids {
		if err := t.Remove(ctx, id); err != nil {
			errs = append(errs, fmt.Errorf("%s %q is left: %w", t.Kind, id, err))
		}
	}
	return errors.Join(errs...)
}

const (
	searchTime = 5 * time.Minute // for an unavailable service
	removeTime = 100 * time.Hour // ctx limits it
)

// search looks for what an interrupted create may have made. The service may not have finished, so if it
// finds nothing, it looks again.
func (t *Thing) search(ctx context.Context) (ids []string, err error) {
	for _, wait := range []time.Duration{0, 300 * time.Millisecond, 700 * time.Millisecond} {
		if !change.Sleep(ctx, wait) {
			break
		}
		err = DefaultPace.Poll(ctx, t.Kind, searchTime, func(ctx context.Context) (bool, error) {
			ids, err = t.Find(ctx)
			return true, err
		})
		if err == nil && len(ids) > 0 {
			return ids, nil
		}
	}
	return ids, err
}

// Remove removes the one with the id and waits until it is gone. Transient failures are retried until ctx
// ends.
func (t *Thing) Remove(ctx context.Context, id string) error {
	asked := false
	var last error
	err := DefaultPace.Poll(ctx, t.Kind+" to be gone", removeTime, func(ctx context.Context) (bool, error) {
		if !asked {
			if err := t.Delete(ctx, id); err != nil {
				return t.refused(err, &last)
			}
			asked = true
			return t.Gone == nil, nil // it isn't gone yet
		}
		gone, err := t.Gone(ctx, id)
		if err != nil {
			asked = false
			return t.refused(err, &last)
		}
		return gone, nil
	})
	if err != nil && last != nil {
		return errors.Join(err, last)
	}
	return err
}

// refused reports whether err means that the object is gone; it returns an error if retrying is useless.
func (t *Thing) refused(err error, last *error) (bool, error) {
	err = Classify(err)
	switch fault.KindOf(err) {
	case fault.NotFound:
		return true, nil
	case fault.Forbidden:
		return false, err
	}
	*last = err
	return false, nil
}
