package queue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Claim uses that the server gives a queue that is declared as exclusive to one connection alone, and removes it
// with the connection.
func (q *rabbit) Claim(ctx context.Context, subject string) (release func(), ok bool, err error) {
	conn, err := q.connection(ctx)
	if err != nil {
		return nil, false, err
	}
	q.mu.Lock()
	claimed := q.claimed
	if claimed[subject] {
		q.mu.Unlock()
		return nil, false, nil
	}
	claimed[subject] = true
	q.mu.Unlock()
	forget := func() {
		q.mu.Lock()
		delete(claimed, subject)
		q.mu.Unlock()
	}
	sum := sha256.Sum256([]byte(subject))
	name := q.name + ".claim." + hex.EncodeToString(sum[:16])
	ch, err := conn.Channel()
	if err == nil {
		_, err = ch.QueueDeclare(name, false, false, true, false, nil)
	}
	if err != nil {
		forget()
		var answer *amqp.Error
		if errors.As(err, &answer) && answer.Code == amqp.ResourceLocked {
			return nil, false, nil
		}
		return nil, false, fault.New(fault.Unavailable, "", "claiming %s: %w", subject, err)
	}
	return func() {
		// If the connection is broken, the claim has ended with it.
		_, _ = ch.QueueDelete(name, false, false, false)
		_ = ch.Close()
		forget()
	}, true, nil
}

// newest reads what has been announced: a stream that keeps the sequences of the last days, from its start.
type newest struct {
	mu     sync.Mutex
	known  map[string]int64
	caught chan struct{} // closed once all that was there at the start has been read
}

// catchUp is how long to wait for old announcements.
const catchUp = 10 * time.Second

func stream(name string) string { return name + ".newest" }

func announcement(name string, m Message) outgoing {
	return outgoing{"", stream(name), amqp.Publishing{
		Headers: amqp.Table{subjectHeader: m.Subject, sequenceHeader: m.Sequence}, DeliveryMode: amqp.Persistent,
	}}
}

// readNewest starts to read, for as long as the connection lives. If that isn't possible, nothing is known.
func readNewest(conn *amqp.Connection, pub *publisher, name string) *newest {
	n := &newest{known: map[string]int64{}, caught: make(chan struct{})}
	arriving, err := n.open(conn, name)
	mark := uuid.NewString()
	if err == nil {
		err = pub.publish(context.Background(), []outgoing{{"", stream(name), amqp.Publishing{MessageId: mark}}})
	}
	if err != nil {
		close(n.caught)
		return n
	}
	go func() {
		for d := range arriving {
			if d.MessageId == mark {
				close(n.caught)
			}
			n.note(decode(d))
			_ = d.Ack(false) // else no more come, and arriving is closed
		}
	}()
	return n
}

func (n *newest) open(conn *amqp.Connection, name string) (<-chan amqp.Delivery, error) {
	ch, err := conn.Channel()
	if err != nil {
		return nil, err
	}
	_, err = ch.QueueDeclare(stream(name), true, false, false, false, amqp.Table{
		"x-queue-type": "stream", "x-max-age": "7D", "x-max-length-bytes": int64(20_000_000),
		"x-stream-max-segment-size-bytes": int64(1_000_000),
	})
	if err == nil {
		err = ch.Qos(1000, 0, false)
	}
	if err != nil {
		return nil, err
	}
	return ch.Consume(stream(name), "", false, false, false, false, amqp.Table{"x-stream-offset": "first"})
}

func (n *newest) note(m Message) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.known[m.Subject] = max(n.known[m.Subject], m.Sequence)
}

func (n *newest) of(ctx context.Context, subject string) int64 {
	select {
	case <-n.caught:
	case <-ctx.Done():
	case <-time.After(catchUp):
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.known[subject]
}
