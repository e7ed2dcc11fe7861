package queue_test

import (
	"context"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/queue"
)

func hastens(t *testing.T, open world) {
	q := open(t, queue.Policy{Attempts: 3, Pauses: []time.Duration{time.Hour}})
	first := message("a")
	first.Force = true
	if err := q.Publish(t.Context(), first, message("b")); err != nil {
		t.Fatal(err)
	}
	consume := func(n int, end func(context.Context, queue.Delivery) error) (got []queue.Message) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		err := q.Consume(ctx, 1, func(ctx context.Context, d queue.Delivery) {
			got = append(got, d.Message())
			if err := end(ctx, d); err != nil {
				t.Error(err)
			}
			if len(got) == n {
				cancel()
			}
		})
		if err != nil || len(got) != n {
			t.Fatalf("%d messages, want %d (%v)", len(got), n, err)
		}
		return got
	}
	consume(2, func(ctx context.Context, d queue.Delivery) error {
		_, _, err := d.Fail(ctx, queue.Failure{Reason: "on purpose", At: time.Now()})
		return err
	})
	ids := func(all []queue.Message, err error) (ids string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range all {
			ids += m.ID
		}
		return ids
	}
	if got := ids(q.Waiting(t.Context())); got != "ab" {
		t.Errorf("%q waits", got)
	}
	if got := ids(q.Hasten(t.Context(), "a", "none")); got != "a" {
		t.Errorf("%q was hastened", got)
	}
	if got := ids(q.Hasten(t.Context())); got != "" {
		t.Errorf("%q was hastened for nothing", got)
	}
	got := consume(1, func(ctx context.Context, d queue.Delivery) error { return d.Done(ctx) })
	if m := got[0]; m.ID != "a" || !m.Force || m.Attempt != 1 || m.Failure.Reason != "on purpose" || string(m.Body) != string(first.Body) {
		t.Errorf("%+v", m)
	}
	if c, err := q.Count(t.Context()); err != nil || c.Waiting != 1 || c.Ready != 0 || c.Dead != 0 {
		t.Errorf("%+v (%v)", c, err)
	}
	if got := ids(q.Waiting(t.Context())); got != "b" {
		t.Errorf("%q waits", got)
	}
}
