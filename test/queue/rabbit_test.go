package queue_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/queue"
	"github.com/imgctl/packer-plugin-openstack/test/rabbittest"
)

func dial(t *testing.T, s *rabbittest.Server, o queue.RabbitOptions) queue.Queue {
	t.Helper()
	o.URLs, o.Policy = []string{s.URL}, policy
	return opened(t)(queue.DialRabbit(t.Context(), o))
}

// Work that takes longer than the server lets a message be unacknowledged is done once.
func TestLongerThanTheConsumerTimeout(t *testing.T) {
	t.Parallel()
	server := rabbittest.Start(t, "consumer_timeout = 10000")
	work := func(q queue.Queue) (handled, lost int) {
		publish(t, q, "a", "b")
		var mu sync.Mutex
		consume(t, q, 2, func(ctx context.Context, d queue.Delivery, done func()) {
			mu.Lock()
			handled++
			mu.Unlock()
			select {
			case <-time.After(24 * time.Second):
				check(t, d.Done(ctx))
			case <-ctx.Done():
				if !errors.Is(context.Cause(ctx), queue.ErrLost) {
					t.Errorf("lost for another cause: %v", context.Cause(ctx))
				}
				lost++
			}
			if c := count(t, q); c.Ready == 0 {
				done()
			}
		})
		return handled, lost
	}
	if handled, lost := work(dial(t, server, queue.RabbitOptions{Hold: time.Second, Name: "held"})); handled != 2 || lost != 0 {
		t.Errorf("two messages were handled %d times and lost %d times", handled, lost)
	}
	q := dial(t, server, queue.RabbitOptions{Hold: time.Hour, Name: "not-held"})
	publish(t, q, "a")
	consume(t, q, 1, func(ctx context.Context, d queue.Delivery, done func()) {
		select {
		case <-ctx.Done():
		case <-time.After(patience):
			t.Error("the server doesn't take back what is held for too long, so that this test shows nothing")
		}
		done()
	})
}

// A server that is gone makes publishing fail; when it is back, all that it has confirmed is there.
func TestServerRestarts(t *testing.T) {
	t.Parallel()
	server := rabbittest.Start(t)
	q := dial(t, server, queue.RabbitOptions{})
	publish(t, q, "a", "b")
	server.Settle()
	server.Kill()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := q.Publish(ctx, message("c")); !fault.Is(err, fault.Unavailable) {
		t.Errorf("publishing to a dead server: %v", err)
	}
	server.Run(t)
	publish(t, q, "c")
	var seen []string
	restarted := false
	consume(t, q, 1, func(ctx context.Context, d queue.Delivery, done func()) {
		if !restarted { // while a message is worked on
			restarted = true
			server.Kill()
			select {
			case <-ctx.Done():
			case <-time.After(patience):
				t.Error("the loss isn't noticed")
			}
			if err := d.Done(ctx); err == nil {
				t.Error("a lost message can be ended")
			}
			server.Run(t)
			return
		}
		seen = append(seen, d.Message().ID)
		check(t, d.Done(ctx))
		if len(seen) == 3 {
			done()
		}
	})
	if len(seen) != 3 {
		t.Errorf("seen %v", seen)
	}
	empty(t, q, 0)
}

// Where the queue that a failed message waits in is gone for a moment, the message is kept until it is back: it is
// delivered once, and doesn't become a dead letter.
func TestAMessageIsKeptUntilItsPlaceIsThere(t *testing.T) {
	t.Parallel()
	o := queue.RabbitOptions{Name: "imgctl.kept"}
	server := rabbittest.Start(t)
	q := dial(t, server, o)
	publish(t, q, "a")
	conn, err := amqp.Dial(server.URL)
	check(t, err)
	defer conn.Close()
	ch, err := conn.Channel()
	check(t, err)
	deliveries, attempts := 0, 0
	consume(t, q, 1, func(ctx context.Context, d queue.Delivery, done func()) {
		deliveries++
		if attempts = d.Message().Attempt; attempts > 0 {
			check(t, d.Done(ctx))
			done()
			return
		}
		_, err := ch.QueueDelete(o.Name+".later."+policy.Pauses[0].String(), false, false, false)
		check(t, err)
		back := time.AfterFunc(2*time.Second, func() { dial(t, server, o) }) // declares it anew
		defer back.Stop()
		if _, _, err := d.Fail(ctx, queue.Failure{Reason: "no luck"}); err != nil {
			t.Error(err)
		}
	})
	if deliveries != 2 || attempts != 1 {
		t.Errorf("%d deliveries, the last one after %d attempts; want 2 and 1", deliveries, attempts)
	}
	empty(t, q, 0)
}

// A channel that the server has closed doesn't end publishing for good.
func TestPublishingAfterAFailure(t *testing.T) {
	t.Parallel()
	server := rabbittest.Start(t)
	q := dial(t, server, queue.RabbitOptions{})
	conn, err := amqp.Dial(server.URL)
	check(t, err)
	defer conn.Close()
	ch, err := conn.Channel()
	check(t, err)
	check(t, ch.ExchangeDelete("imgctl.factory", false, false))
	if err := q.Publish(t.Context(), message("a")); !fault.Is(err, fault.Unavailable) {
		t.Errorf("without the exchange: %v", err)
	}
	dial(t, server, queue.RabbitOptions{}) // declares it anew
	publish(t, q, "b")
	if n := count(t, q).Ready; n != 1 {
		t.Errorf("%d messages, want 1", n)
	}
}

// A message that kills each worker ends as a dead letter.
func TestDeliveryLimit(t *testing.T) {
	t.Parallel()
	server := rabbittest.Start(t)
	q := dial(t, server, queue.RabbitOptions{})
	publish(t, q, "a")
	n := 0
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	go func() {
		for ctx.Err() == nil && count(t, q).Dead == 0 {
			time.Sleep(100 * time.Millisecond)
		}
		cancel()
	}()
	check(t, q.Consume(ctx, 1, func(context.Context, queue.Delivery) { n++ }))
	dead, err := q.Dead(t.Context())
	check(t, err)
	if len(dead) != 1 || n < 20 || dead[0].Failure.Reason != "20 workers that had it ended without an answer" {
		t.Errorf("after %d deliveries: %+v", n, dead)
	}
}

// Others' messages are bare bodies in a classic queue.
func TestForeignQueue(t *testing.T) {
	t.Parallel()
	server := rabbittest.Start(t)
	q := dial(t, server, queue.RabbitOptions{})
	if _, err := queue.MoveForeign(t.Context(), q, "build-queue"); !fault.Is(err, fault.NotFound) {
		t.Errorf("no such queue: %v", err)
	}
	check(t, queue.PublishForeign(t.Context(), q, "build-queue", []byte(`{"n": 1}`), []byte(`{"n": 2}`)))
	if moved, err := queue.MoveForeign(t.Context(), q, "build-queue"); err != nil || moved != 2 {
		t.Errorf("moved %d, %v", moved, err)
	}
	conn, err := amqp.Dial(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	if err := ch.Publish("", "build-queue", false, false, amqp.Publishing{Body: []byte(`{"n": 3}`)}); err != nil {
		t.Fatal(err)
	}
	var seen []string
	consume(t, dial(t, server, queue.RabbitOptions{Foreign: "build-queue"}), 1, func(ctx context.Context, d queue.Delivery, done func()) {
		seen = append(seen, string(d.Message().Body))
		check(t, d.Done(ctx))
		if len(seen) == 3 {
			done()
		}
	})
	if fmt.Sprint(seen) != `[{"n": 1} {"n": 2} {"n": 3}]` {
		t.Errorf("consumed %q", seen)
	}
	_, err = queue.DialRabbit(t.Context(), queue.RabbitOptions{URLs: []string{server.URL}, Name: "build-queue"})
	if !fault.Is(err, fault.Conflict) {
		t.Errorf("a classic queue of the name: %v", err)
	}
}

// Who only looks declares nothing: a queue of a misspelled name would stay for ever.
func TestLookingDeclaresNothing(t *testing.T) {
	t.Parallel()
	server := rabbittest.Start(t)
	o := queue.RabbitOptions{URLs: []string{server.URL}, Name: "looked-at", Policy: policy}
	for range 2 {
		if _, err := queue.LookAtRabbit(t.Context(), o); !errors.Is(err, queue.ErrNone) || !fault.Is(err, fault.Unavailable) {
			t.Fatalf("a queue that isn't there: %v", err)
		}
	}
	conn, err := amqp.Dial(server.URL)
	check(t, err)
	defer conn.Close()
	for _, name := range []string{"", ".dead", ".newest"} {
		ch, err := conn.Channel()
		check(t, err)
		if found, err := ch.QueueDeclarePassive(o.Name+name, true, false, false, false, nil); err == nil {
			t.Errorf("looking has made %+v", found)
		}
	}
	publish(t, opened(t)(queue.DialRabbit(t.Context(), o)), "a")
	if c := count(t, opened(t)(queue.LookAtRabbit(t.Context(), o))); c.Ready != 1 {
		t.Errorf("looking at a queue with a message: %+v", c)
	}
}
