package cloud

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// shelf is a service with things on it, which are gone some time after their deletion.
type shelf struct {
	mu      sync.Mutex
	things  map[string]time.Time // zero = there, else when it is gone
	order   []string
	takes   time.Duration
	refuses int // deletions, at first
}

func (s *shelf) thing(kind string, ids ...string) *Thing {
	return &Thing{
		Kind: kind,
		Find: func(context.Context) ([]string, error) { return ids, nil },
		Delete: func(_ context.Context, id string) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			at, ok := s.things[id]
			switch {
			case !ok || !at.IsZero() && time.Now().After(at):
				return refusal(404, "")
			case s.refuses > 0:
				s.refuses--
				return refusal(409, "in use")
			}
			s.things[id] = time.Now().Add(s.takes)
			s.order = append(s.order, id)
			return nil
		},
		Gone: func(_ context.Context, id string) (bool, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			at := s.things[id]
			return !at.IsZero() && !time.Now().Before(at), nil
		},
	}
}

func TestLeftovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{things: map[string]time.Time{"a": {}, "b": {}, "c": {}, "d": {}, "kept": {}}, takes: 2 * time.Second, refuses: 3}
		var l Leftovers
		server := l.Expect(s.thing("server", "a"))
		server.Made("a")
		volume := l.Expect(s.thing("volume"))
		volume.Made("b")
		volume.After = server
		l.Expect(s.thing("port", "c", "d")) // cut off while it was made
		l.Expect(s.thing("key pair"))       // never made
		l.Expect(s.thing("image")).Made("gone")
		kept := l.Expect(s.thing("image"))
		kept.Made("kept")
		kept.Keep()
		start := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := l.Remove(ctx, time.Minute); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took > 7*time.Second {
			t.Errorf("took %s for two deletions after each other", took)
		}
		left := []string{}
		for id, at := range s.things {
			if at.IsZero() {
				left = append(left, id)
			}
		}
		if !slices.Equal(left, []string{"kept"}) {
			t.Errorf("left: %v, want only what is kept", left)
		}
		if slices.Index(s.order, "b") < slices.Index(s.order, "a") {
			t.Errorf("deleted in the order %v, want the server before its volume", s.order)
		}
	})
}

func TestLeftoversGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{things: map[string]time.Time{"a": {}}, refuses: 1 << 30}
		var l Leftovers
		l.Expect(s.thing("volume")).Made("a")
		protected := l.Expect(s.thing("image"))
		protected.Delete = func(context.Context, string) error { return refusal(403, "protected") }
		protected.Made("p")
		start := time.Now()
		err := l.Remove(t.Context(), time.Minute)
		for _, want := range []string{`volume "a" is left`, "409 Conflict: in use", `image "p" is left`, "403 Forbidden: protected"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q in it", err, want)
			}
		}
		if took := time.Since(start); took < time.Minute || took > time.Minute+3*time.Second {
			t.Errorf("gave up after %s, want a minute", took)
		}
	})
}

// Removal that began early is only waited for at the end.
func TestLeftoversStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{things: map[string]time.Time{"a": {}}, takes: 10 * time.Second}
		var l Leftovers
		server := l.Expect(s.thing("server"))
		server.Made("a")
		l.Start(t.Context(), time.Minute, server)
		time.Sleep(15 * time.Second)
		start := time.Now()
		if err := l.Remove(t.Context(), time.Minute); err != nil || time.Since(start) > 0 || len(s.order) != 1 {
			t.Errorf("%v after %s and deletions %v", err, time.Since(start), s.order)
		}
	})
}

func TestLeftoversCannotLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l Leftovers
		l.Expect(&Thing{Kind: "server", Find: func(context.Context) ([]string, error) { return nil, errors.New("boom") }})
		if err := l.Remove(t.Context(), time.Minute); err == nil || !strings.Contains(err.Error(), "a server may be left") {
			t.Errorf("%v", err)
		}
	})
}
