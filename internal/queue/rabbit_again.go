package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"

	amqp "github.com/rabbitmq/amqp091-go"
)

func (q *rabbit) Dead(ctx context.Context) (found []Message, err error) {
	err = q.each(ctx, q.dead(), func(m Message, _ amqp.Delivery) error {
		found = append(found, m)
		return nil
	})
	slices.SortStableFunc(found, func(a, b Message) int { return a.At.Compare(b.At) })
	return found, err
}

func (q *rabbit) Revive(ctx context.Context, ids ...string) ([]Message, error) {
	return q.again(ctx, q.dead(), ids, revived)
}

func (q *rabbit) Waiting(ctx context.Context) (found []Message, err error) {
	for _, pause := range q.o.Pauses {
		err = errors.Join(err, q.each(ctx, q.later(pause), func(m Message, _ amqp.Delivery) error {
			found = append(found, m)
			return nil
		}))
	}
	slices.SortStableFunc(found, func(a, b Message) int { return a.At.Compare(b.At) })
	return found, err
}

func (q *rabbit) Hasten(ctx context.Context, ids ...string) (done []Message, err error) {
	for _, pause := range q.o.Pauses {
		some, failed := q.again(ctx, q.later(pause), ids, func(m Message) Message { return m })
		done, err = append(done, some...), errors.Join(err, failed)
	}
	return done, err
}

// again has messages of another queue come at once.
func (q *rabbit) again(ctx context.Context, from string, ids []string, as func(Message) Message) (done []Message, err error) {
	pub, err := q.publisher(ctx)
	if err != nil {
		return nil, err
	}
	err = q.each(ctx, from, func(m Message, d amqp.Delivery) error {
		if !slices.Contains(ids, m.ID) {
			return nil
		}
		if err := pub.publish(ctx, []outgoing{{exchange, q.name, encode(as(m))}}); err != nil {
			return err
		}
		done = append(done, m)
		return d.Ack(false)
	})
	return done, err
}

func (q *rabbit) Discard(ctx context.Context, ids ...string) (done []Message, err error) {
	err = q.each(ctx, q.dead(), func(m Message, d amqp.Delivery) error {
		if !slices.Contains(ids, m.ID) {
			return nil
		}
		done = append(done, m)
		return d.Ack(false)
	})
	return done, err
}

// each takes all messages of a queue, and returns those to it that do hasn't acknowledged.
func (q *rabbit) each(ctx context.Context, name string, do func(Message, amqp.Delivery) error) error {
	conn, err := q.connection(ctx)
	if err != nil {
		return err
	}
	ch, err := conn.Channel()
	if err != nil {
		return fmt.Errorf("opening a channel: %w", err)
	}
	defer ch.Close()
	for ctx.Err() == nil {
		d, ok, err := ch.Get(name, false)
		if err != nil {
			return fmt.Errorf("reading the queue %s: %w", name, err)
		}
		if !ok {
			return nil
		}
		m := decode(d)
		if reason := limited(d); reason != "" && m.Failure.Reason == "" {
			m.Failure.Reason = reason
		}
		if err := do(m, d); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}
