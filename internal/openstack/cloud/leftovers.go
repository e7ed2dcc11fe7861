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

// Thing is something that a run makes for itself and has to remove.
type Thing struct {
	// Kind is what people call it, such as "server".
	Kind string
	// Find looks for it by the run's mark, for when its creation was cut off.
	Find func(ctx context.Context) (ids []string, err error)
	// Delete asks the service to remove it. That it isn't there any more is success.
	Delete func(ctx context.Context, id string) error
	// Gone reports whether the removal is complete; nil if Delete's success says so. An error
	// makes Delete be called again.
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

// Made says that the thing is there.
func (t *Thing) Made(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.id = id
}

// Keep says that the thing is to stay, or was never made.
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

// Expect notes a thing before it is made: from now on it is looked for at the end.
func (l *Leftovers) Expect(t *Thing) *Thing {
	l.mu.Lock()
	defer l.mu.Unlock()
	t.done = make(chan struct{})
	l.things = append(l.things, t)
	return t
}

// Start begins to remove things, and those they come after, without waiting for it.
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

// Remove removes all things at once, each as soon as it can go, and waits for it. It doesn't
// end with ctx. Transient failures are tried again until the timeout. The error says exactly
// what is left.
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
	searchTime = 5 * time.Minute // for a service that is away
	removeTime = 100 * time.Hour // ctx bounds it
)

// search looks for what a create that was cut off may have made. The service may still have been
// at it, so nothing found is asked again.
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

// Remove removes the one with the id and waits until it is gone. Transient failures are tried
// again until ctx ends.
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

// refused reports whether it makes sense to go on after err.
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
