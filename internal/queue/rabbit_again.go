package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

func (q *rabbit) Dead(ctx context.Context) (found []Message, err error) {
	err = q.each(ctx, q.dead(), func(m Message) (bool, error) {
		found = append(found, m)
		return false, nil
	})
	slices.SortStableFunc(found, func(a, b Message) int { return a.At.Compare(b.At) })
	return found, err
}

func (q *rabbit) Revive(ctx context.Context, ids ...string) ([]Message, error) {
	return q.again(ctx, q.dead(), ids, revived)
}

func (q *rabbit) Waiting(ctx context.Context) (found []Message, err error) {
	for _, pause := range q.o.Pauses {
		err = errors.Join(err, q.each(ctx, q.later(pause), func(m Message) (bool, error) {
			found = append(found, m)
			return false, nil
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
	err = q.each(ctx, from, func(m Message) (bool, error) {
		if !slices.Contains(ids, m.ID) {
			return false, nil
		}
		if err := pub.publish(ctx, []outgoing{{exchange, q.name, encode(as(m))}}); err != nil {
			return false, err
		}
		done = append(done, m)
		return true, nil
	})
	return done, err
}

func (q *rabbit) Discard(ctx context.Context, ids ...string) (done []Message, err error) {
	err = q.each(ctx, q.dead(), func(m Message) (bool, error) {
		if !slices.Contains(ids, m.ID) {
			return false, nil
		}
		done = append(done, m)
		return true, nil
	})
	return done, err
}

// each takes all messages of a queue, and returns those to it that do doesn't keep.
func (q *rabbit) each(ctx context.Context, name string, do func(Message) (keep bool, err error)) error {
	conn, err := q.connection(ctx)
	if err != nil {
		return err
	}
	ch, err := conn.Channel()
	if err != nil {
		return fmt.Errorf("opening a channel: %w", err)
	}
	defer ch.Close()
	var others []uint64
	defer func() { // with the channel, the server would return them only after it has answered
		for _, tag := range others {
			_ = ch.Nack(tag, false, true)
		}
	}()
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
		keep, err := do(m)
		if !keep {
			others = append(others, d.DeliveryTag)
		} else if err == nil {
			err = d.Ack(false)
		}
		if err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}
