package queue

import (
	"context"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// PublishForeign adds bare bodies to a queue as others' programs expect it there: durable, of the classic kind.
func PublishForeign(ctx context.Context, to Queue, name string, bodies ...[]byte) error {
	q, err := asRabbit(to)
	if err != nil {
		return err
	}
	pub, err := q.publisher(ctx)
	if err != nil {
		return err
	}
	if err := q.classic(ctx, name); err != nil {
		return err
	}
	var batch []outgoing
	for _, body := range bodies {
		batch = append(batch, outgoing{"", name, amqp.Publishing{Body: body, DeliveryMode: amqp.Persistent}})
	}
	if err := pub.publish(ctx, batch); err != nil {
		return fmt.Errorf("adding to the queue %s: %w", name, err)
	}
	return nil
}

// CountForeign counts the messages that wait in a queue with bare bodies. It declares nothing.
func CountForeign(ctx context.Context, o RabbitOptions, name string) (int, error) {
	conn, err := (&rabbit{o: o}).dial(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err != nil {
		return 0, fmt.Errorf("opening a channel: %w", err)
	}
	found, err := ch.QueueDeclarePassive(name, true, false, false, false, nil)
	if err != nil {
		return 0, notThere(name, err)
	}
	return found.Messages, nil
}

// MoveForeign moves all messages of a queue with bare bodies into q, and returns how many they were.
func MoveForeign(ctx context.Context, to Queue, name string) (moved int, err error) {
	q, err := asRabbit(to)
	if err != nil {
		return 0, err
	}
	conn, err := q.connection(ctx)
	if err != nil {
		return 0, err
	}
	ch, err := conn.Channel()
	if err != nil {
		return 0, fmt.Errorf("opening a channel: %w", err)
	}
	defer ch.Close()
	for ctx.Err() == nil {
		d, ok, err := ch.Get(name, false)
		if err != nil {
			return moved, notThere(name, err)
		}
		if !ok {
			return moved, nil
		}
		if err := q.move(ctx, d); err != nil {
			return moved, err
		}
		moved++
	}
	return moved, context.Cause(ctx)
}

// moveForeign moves messages as they arrive.
func (q *rabbit) moveForeign(ctx context.Context) error {
	conn, err := q.connection(ctx)
	if err != nil {
		return err
	}
	if err := q.classic(ctx, q.o.Foreign); err != nil {
		return err
	}
	ch, err := conn.Channel()
	if err != nil {
		return fmt.Errorf("opening a channel: %w", err)
	}
	defer ch.Close()
	if err := ch.Qos(100, 0, false); err != nil {
		return fmt.Errorf("setting up a channel: %w", err)
	}
	arriving, err := ch.Consume(q.o.Foreign, consumer, false, false, false, false, nil)
	if err != nil {
		return notThere(q.o.Foreign, err)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case d, open := <-arriving:
			if !open {
				return fault.New(fault.Unavailable, "", "RabbitMQ has stopped sending messages")
			}
			if err := q.move(ctx, d); err != nil {
				return err
			}
		}
	}
}

// move publishes a message here, and then acknowledges it there.
func (q *rabbit) move(ctx context.Context, d amqp.Delivery) error {
	m := decode(d)
	m.Attempt, m.Failure = 0, Failure{}
	if m.At.IsZero() {
		m.At = time.Now()
	}
	if err := q.Publish(ctx, m); err != nil {
		return err
	}
	if err := d.Ack(false); err != nil {
		return fmt.Errorf("acknowledging a message that has been moved: %w", err)
	}
	return nil
}

// classic declares a queue as others do, or finds it.
func (q *rabbit) classic(ctx context.Context, name string) error {
	conn, err := q.connection(ctx)
	if err != nil {
		return err
	}
	ch, err := conn.Channel()
	if err != nil {
		return fmt.Errorf("opening a channel: %w", err)
	}
	defer ch.Close()
	if _, err := ch.QueueDeclare(name, true, false, false, false, nil); err != nil {
		return refused("queue "+name, err)
	}
	return nil
}

func asRabbit(q Queue) (*rabbit, error) {
	if r, ok := q.(*rabbit); ok {
		return r, nil
	}
	return nil, fault.New(fault.Usage, "configure RabbitMQ", "a queue in a file can't exchange messages with RabbitMQ")
}

func notThere(name string, err error) error {
	if answer, ok := err.(*amqp.Error); ok && answer.Code == amqp.NotFound { //nolint:errorlint // the library doesn't wrap it
		return fault.New(fault.NotFound, "", "there is no queue %s", name)
	}
	return fmt.Errorf("reading the queue %s: %w", name, err)
}
