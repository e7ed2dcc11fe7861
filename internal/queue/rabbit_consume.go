package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// consumer is the tag of the consumer on each channel.
const consumer = "imgctl"

// consume handles messages one by one, over one channel, until ctx ends or the channel breaks.
func (q *rabbit) consume(ctx context.Context, handle func(context.Context, Delivery)) error {
	conn, err := q.connection(ctx)
	if err != nil {
		return err
	}
	ch, err := conn.Channel()
	if err != nil {
		return fmt.Errorf("opening a channel: %w", err)
	}
	defer ch.Close()
	if err := errors.Join(ch.Qos(1, 0, false), ch.Confirm(false)); err != nil {
		return fmt.Errorf("setting up a channel: %w", err)
	}
	if err := q.declareHold(ch); err != nil {
		return err
	}
	for ctx.Err() == nil {
		// The consumer ends when a message is held for long, and when there is to be no further message.
		arriving, err := ch.Consume(q.name, consumer, false, false, false, false, nil)
		if err != nil {
			return fmt.Errorf("reading the queue %s: %w", q.name, err)
		}
		for consuming := true; consuming; {
			select {
			case <-ctx.Done():
				return nil
			case d, open := <-arriving:
				switch {
				case !open:
					return fault.New(fault.Unavailable, "", "RabbitMQ has stopped sending messages")
				case ctx.Err() != nil:
					return nil // the server takes it back with the channel
				}
				consuming = q.handle(ctx, ch, d, handle)
			}
		}
	}
	return nil
}

// handle has one message handled; consuming is false if the consumer has ended.
func (q *rabbit) handle(ctx context.Context, ch *amqp.Channel, d amqp.Delivery, handle func(context.Context, Delivery)) (consuming bool) {
	closed := ch.NotifyClose(make(chan *amqp.Error, 1))
	work, lost := context.WithCancelCause(context.Background())
	defer lost(nil)
	delivery := &rabbitDelivery{q: q, ch: ch, tag: d.DeliveryTag, m: decode(d)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		handle(work, delivery)
	}()
	hold := time.NewTicker(q.o.Hold)
	defer hold.Stop()
	consuming, stop := true, ctx.Done()
	cancel := func() {
		if consuming {
			consuming = false
			_ = ch.Cancel(consumer, false) // if the channel is broken, the message is lost anyway
		}
	}
	for {
		select {
		case <-done:
			delivery.giveBack()
			return consuming
		case err := <-closed:
			lost(fmt.Errorf("%w: %w", ErrLost, errors.Join(errors.New("the connection to RabbitMQ is broken"), asError(err))))
			closed = nil
		case <-stop:
			cancel() // before the message is acknowledged and the next one comes
			stop = nil
		case <-hold.C:
			cancel()
			if err := delivery.extend(work); err != nil {
				_ = ch.Close() // which tells of the loss
			}
		}
	}
}

func asError(err *amqp.Error) error {
	if err == nil {
		return nil
	}
	return err
}

type rabbitDelivery struct {
	q  *rabbit
	ch *amqp.Channel
	m  Message

	mu    sync.Mutex
	tag   uint64
	ended bool
}

func (d *rabbitDelivery) Message() Message { return d.m }

// end acknowledges the message after another one has been published in its place, if any.
func (d *rabbitDelivery) end(ctx context.Context, key string, m Message) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ended {
		return nil
	}
	if d.ch.IsClosed() {
		return ErrLost
	}
	if key != "" {
		if err := d.inPlace(ctx, key, encode(m)); err != nil {
			return err
		}
	}
	if err := d.ch.Ack(d.tag, false); err != nil {
		return fmt.Errorf("%w: %w", ErrLost, err)
	}
	d.ended = true
	return nil
}

// inPlace publishes what takes the message's place. Until the server has it, or ctx ends, the message is kept: one that
// is given back comes again at once, which counts towards the limit of deliveries.
func (d *rabbitDelivery) inPlace(ctx context.Context, key string, copied amqp.Publishing) error {
	for try := 1; ; try++ {
		if d.ch.IsClosed() {
			return ErrLost
		}
		pub, err := d.q.publisher(ctx)
		if err == nil {
			err = pub.publish(ctx, []outgoing{{"", key, copied}})
		}
		if err == nil {
			return nil
		}
		if !change.Sleep(ctx, reconnect.Pause(try)) {
			return fmt.Errorf("giving the message back: %w", err)
		}
	}
}

func (d *rabbitDelivery) Done(ctx context.Context) error { return d.end(ctx, "", Message{}) }

func (d *rabbitDelivery) Fail(ctx context.Context, f Failure) (pause time.Duration, dead bool, err error) {
	m, pause, dead := d.q.o.Policy.failed(d.m, f)
	if dead {
		return 0, true, d.end(ctx, d.q.dead(), m)
	}
	return pause, false, d.end(ctx, d.q.later(pause), m)
}

func (d *rabbitDelivery) Bury(ctx context.Context, f Failure) error {
	m := d.m
	m.Attempt++
	m.Failure = f
	return d.end(ctx, d.q.dead(), m)
}

func (d *rabbitDelivery) Defer(ctx context.Context) error {
	return d.end(ctx, d.q.later(d.q.o.Moment), d.m)
}

// giveBack returns what the handler has not ended.
func (d *rabbitDelivery) giveBack() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.ended && !d.ch.IsClosed() {
		_ = d.ch.Nack(d.tag, false, true) // else the server takes it back with the channel
		d.ended = true
	}
}

// extend takes the message anew, since a server closes channels on which messages are held for too long: a copy goes
// through a queue of this process, from which it returns to the main queue if the process dies.
func (d *rabbitDelivery) extend(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ended {
		return nil
	}
	pub, err := d.q.publisher(ctx)
	if err != nil {
		return err
	}
	copied := encode(d.m)
	if err := pub.publish(ctx, []outgoing{{"", d.q.hold, copied}}); err != nil {
		return err
	}
	// With several slots, others' messages may be in the queue, too.
	var others []uint64
	defer func() {
		for _, tag := range others {
			_ = d.ch.Nack(tag, false, true)
		}
	}()
	for {
		got, ok, err := d.ch.Get(d.q.hold, false)
		if err != nil {
			return err
		}
		if !ok {
			return errors.New("the message isn't in the queue of this process")
		}
		if got.MessageId != copied.MessageId {
			others = append(others, got.DeliveryTag)
			continue
		}
		old := d.tag
		d.tag = got.DeliveryTag
		return d.ch.Ack(old, false)
	}
}
