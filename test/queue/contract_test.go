// Package queue_test holds both implementations of the queue against one contract.
package queue_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/queue"
	"github.com/imgctl/packer-plugin-openstack/test/rabbittest"
)

// patience is far more than anything takes here.
const patience = 2 * time.Minute

var policy = queue.Policy{
	Attempts: 3, Pauses: []time.Duration{200 * time.Millisecond, 500 * time.Millisecond}, Moment: 100 * time.Millisecond,
}

// world opens the same queue again and again, as processes of their own would; with another policy if one is given.
type world func(t *testing.T, p ...queue.Policy) queue.Queue

func policyOf(p []queue.Policy) queue.Policy { return append(p, policy)[0] }

func TestContract(t *testing.T) {
	t.Parallel()
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		contract(t, func(t *testing.T) world {
			path := filepath.Join(t.TempDir(), "sub folder", "queue?.db")
			return func(t *testing.T, p ...queue.Policy) queue.Queue {
				return opened(t)(queue.OpenFile(t.Context(), path, policyOf(p)))
			}
		})
	})
	t.Run("RabbitMQ", func(t *testing.T) {
		t.Parallel()
		server := rabbittest.Start(t)
		var n atomic.Int64
		contract(t, func(t *testing.T) world {
			name := fmt.Sprintf("imgctl.test-%d", n.Add(1))
			return func(t *testing.T, p ...queue.Policy) queue.Queue {
				o := queue.RabbitOptions{URLs: []string{server.URL}, Name: name, Policy: policyOf(p)}
				return opened(t)(queue.DialRabbit(t.Context(), o))
			}
		})
	})
}

func opened(t *testing.T) func(q queue.Queue, err error) queue.Queue {
	return func(q queue.Queue, err error) queue.Queue {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = q.Close() })
		return q
	}
}

func contract(t *testing.T, fresh func(t *testing.T) world) {
	for name, test := range map[string]func(*testing.T, world){
		"what is published is consumed once": once, "a failure comes again, and then is dead": fails,
		"a poison message is dead at once": buries, "a deferred message is no failure": defers,
		"what isn't ended comes again": unended, "a claim is one consumer's": claims, "the newest is known": newest,
		"dead letters are revived and discarded": revives, "what waits for its next try is hastened": hastens, "draining takes nothing more": drains, "many messages": many,
	} {
		t.Run(name, func(t *testing.T) { test(t, fresh(t)) })
	}
}

func message(id string) queue.Message {
	return queue.Message{ID: id, Subject: "subject " + id, Sequence: 7, Body: []byte(`{"a": "ü\u0000"}`), At: time.Now().UTC().Truncate(time.Second)}
}

func publish(t *testing.T, q queue.Queue, ids ...string) {
	t.Helper()
	var all []queue.Message
	for _, id := range ids {
		all = append(all, message(id))
	}
	if err := q.Publish(t.Context(), all...); err != nil {
		t.Fatal(err)
	}
}

// consume handles messages until done says so.
func consume(t *testing.T, q queue.Queue, slots int, handle func(ctx context.Context, d queue.Delivery, done func())) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ended := false
	var mu sync.Mutex
	err := q.Consume(ctx, slots, func(ctx context.Context, d queue.Delivery) {
		handle(ctx, d, func() { mu.Lock(); ended = true; mu.Unlock(); cancel() })
	})
	if err != nil {
		t.Fatal(err)
	}
	if !ended {
		t.Fatalf("not done after %s", patience)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

func count(t *testing.T, q queue.Queue) queue.Count {
	t.Helper()
	c, err := q.Count(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.Working = nil
	return c
}

// empty waits until the queue has no messages but dead ones.
func empty(t *testing.T, q queue.Queue, dead int) {
	t.Helper()
	want, got := queue.Count{Dead: dead}, queue.Count{}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if got = count(t, q); got == want {
			return
		}
	}
	t.Fatalf("the queue has %+v, want %+v", got, want)
}

func once(t *testing.T, w world) {
	q := w(t)
	publish(t, q, "a", "b", "c")
	publish(t, q, "d")
	var mu sync.Mutex
	var seen []string
	consume(t, w(t), 2, func(ctx context.Context, d queue.Delivery, done func()) {
		mu.Lock()
		defer mu.Unlock()
		m, want := d.Message(), message(d.Message().ID)
		m.At, want.At = time.Time{}, time.Time{}
		if fmt.Sprint(m) != fmt.Sprint(want) {
			t.Errorf("got %v, want %v", m, want)
		}
		seen = append(seen, m.ID)
		check(t, d.Done(ctx))
		if len(seen) == 4 {
			done()
		}
	})
	slices.Sort(seen)
	if fmt.Sprint(seen) != "[a b c d]" {
		t.Errorf("consumed %v", seen)
	}
	empty(t, q, 0)
}

func fails(t *testing.T, w world) {
	q := w(t)
	publish(t, q, "a")
	var attempts []int
	var last time.Time
	consume(t, q, 1, func(ctx context.Context, d queue.Delivery, done func()) {
		m := d.Message()
		attempts = append(attempts, m.Attempt)
		if m.Attempt > 0 {
			if m.Failure.Reason != fmt.Sprint("reason ", m.Attempt) || m.Failure.Log != "log" {
				t.Errorf("attempt %d knows %+v", m.Attempt, m.Failure)
			}
			if pause := time.Since(last); pause < policy.Pauses[m.Attempt-1]-20*time.Millisecond {
				t.Errorf("attempt %d comes after %s", m.Attempt, pause)
			}
		}
		last = time.Now()
		_, dead, err := d.Fail(ctx, queue.Failure{Reason: fmt.Sprint("reason ", m.Attempt+1), Log: "log", At: time.Now()})
		check(t, err)
		if dead {
			done()
		}
	})
	if fmt.Sprint(attempts) != "[0 1 2]" {
		t.Errorf("attempts %v", attempts)
	}
	empty(t, q, 1)
	dead, err := q.Dead(t.Context())
	check(t, err)
	if len(dead) != 1 || dead[0].ID != "a" || dead[0].Attempt != 3 || dead[0].Failure.Reason != "reason 3" {
		t.Errorf("dead letters %+v", dead)
	}
}

func buries(t *testing.T, w world) {
	q := w(t)
	publish(t, q, "a")
	consume(t, q, 1, func(ctx context.Context, d queue.Delivery, done func()) {
		check(t, d.Bury(ctx, queue.Failure{Reason: "not JSON"}))
		done()
	})
	empty(t, q, 1)
	for range 3 { // looking at them doesn't wear them out
		dead, err := q.Dead(t.Context())
		check(t, err)
		if len(dead) != 1 || dead[0].Failure.Reason != "not JSON" {
			t.Errorf("dead letters %+v", dead)
		}
	}
}

func defers(t *testing.T, w world) {
	q := w(t)
	publish(t, q, "a")
	n := 0
	consume(t, q, 1, func(ctx context.Context, d queue.Delivery, done func()) {
		if n++; n < 6 {
			check(t, d.Defer(ctx))
			return
		}
		if m := d.Message(); m.Attempt != 0 || m.Failure.Reason != "" {
			t.Errorf("%+v", m)
		}
		check(t, d.Done(ctx))
		done()
	})
	empty(t, q, 0)
}

func unended(t *testing.T, w world) {
	q := w(t)
	publish(t, q, "a")
	first := w(t)
	consume(t, first, 1, func(ctx context.Context, d queue.Delivery, done func()) { done() })
	check(t, first.Close())
	consume(t, q, 1, func(ctx context.Context, d queue.Delivery, done func()) {
		check(t, d.Done(ctx))
		done()
	})
	empty(t, q, 0)
}

func claims(t *testing.T, w world) {
	a, b := w(t), w(t)
	claim := func(q queue.Queue, want bool) (release func()) {
		t.Helper()
		release, ok, err := q.Claim(t.Context(), "web with spaces, ünïcode")
		if err != nil || ok != want {
			t.Fatalf("claimed: %v %v, want %v", ok, err, want)
		}
		return release
	}
	release := claim(a, true)
	claim(a, false)
	claim(b, false)
	if other, ok, err := b.Claim(t.Context(), "other"); err != nil || !ok {
		t.Errorf("another subject: %v %v", ok, err)
	} else {
		other()
	}
	release()
	claim(b, true)
	check(t, b.Close()) // and so is its claim released
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		_, ok, err := a.Claim(t.Context(), "web with spaces, ünïcode")
		check(t, err)
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the claim of a consumer that has gone stays")
		}
	}
}

func newest(t *testing.T, w world) {
	a, b := w(t), w(t)
	for _, sequence := range []int64{3, 9, 5} {
		if err := a.Publish(t.Context(), queue.Message{ID: fmt.Sprint(sequence), Subject: "web", Sequence: sequence}); err != nil {
			t.Fatal(err)
		}
	}
	for name, q := range map[string]queue.Queue{"one that was there before": b, "one that comes later": w(t)} {
		var got int64
		for deadline := time.Now().Add(patience); got != 9 && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			var err error
			got, err = q.Newest(t.Context(), "web")
			check(t, err)
		}
		if got != 9 {
			t.Errorf("%s knows %d, want 9", name, got)
		}
	}
	if got, err := w(t).Newest(t.Context(), "web"); err != nil || got != 9 {
		t.Errorf("asked at once, one that comes later knows %d %v, want 9", got, err)
	}
	if got, err := a.Newest(t.Context(), "unknown"); err != nil || got != 0 {
		t.Errorf("unknown: %d %v", got, err)
	}
}

func revives(t *testing.T, w world) {
	q := w(t)
	publish(t, q, "a", "b", "c")
	n := 0
	consume(t, q, 1, func(ctx context.Context, d queue.Delivery, done func()) {
		check(t, d.Bury(ctx, queue.Failure{Reason: "no"}))
		if n++; n == 3 {
			done()
		}
	})
	empty(t, q, 3)
	revived, err := q.Revive(t.Context(), "b", "unknown")
	check(t, err)
	discarded, err := q.Discard(t.Context(), "a")
	check(t, err)
	if len(revived) != 1 || len(discarded) != 1 || revived[0].ID != "b" || discarded[0].ID != "a" {
		t.Errorf("revived %v, discarded %v", revived, discarded)
	}
	consume(t, q, 1, func(ctx context.Context, d queue.Delivery, done func()) {
		if m := d.Message(); m.ID != "b" || m.Attempt != 0 || m.Failure.Reason != "" {
			t.Errorf("revived as %+v", m)
		}
		check(t, d.Done(ctx))
		done()
	})
	empty(t, q, 1)
}

func drains(t *testing.T, w world) {
	q := w(t)
	publish(t, q, "a", "b")
	n := 0
	consume(t, q, 1, func(ctx context.Context, d queue.Delivery, done func()) {
		n++
		done()
		time.Sleep(200 * time.Millisecond) // for another one to arrive
		if err := ctx.Err(); err != nil {
			t.Errorf("the end of consuming ends the work: %v", err)
		}
		check(t, d.Done(ctx))
	})
	if n != 1 {
		t.Errorf("%d messages were handled", n)
	}
	for deadline := time.Now().Add(patience); count(t, q).Ready != 1; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("left: %+v", count(t, q))
		}
	}
}

func many(t *testing.T, w world) {
	const n = 2000
	q := w(t)
	var all []queue.Message
	for i := range n {
		all = append(all, message(fmt.Sprint(i)))
	}
	check(t, q.Publish(t.Context(), all...))
	var mu sync.Mutex
	seen := map[string]int{}
	var consumers sync.WaitGroup
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for range 3 {
		consumers.Go(func() {
			err := w(t).Consume(ctx, 4, func(work context.Context, d queue.Delivery) {
				mu.Lock()
				seen[d.Message().ID]++
				got := len(seen)
				mu.Unlock()
				check(t, d.Done(work))
				if got == n {
					cancel()
				}
			})
			check(t, err)
		})
	}
	consumers.Wait()
	for id, times := range seen {
		if times != 1 {
			t.Errorf("%s was consumed %d times", id, times)
		}
	}
	if len(seen) != n || !errors.Is(ctx.Err(), context.Canceled) {
		t.Errorf("%d of %d were consumed", len(seen), n)
	}
	empty(t, q, 0)
}
