package queue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// publisher publishes, and waits until the server has what it published.
type publisher struct {
	mu       sync.Mutex
	ch       *amqp.Channel
	returned chan amqp.Return
}

// outgoing is a message and where it goes.
type outgoing struct {
	exchange, key string
	message       amqp.Publishing
}

// pipelined is how many messages are on their way without a confirmation at most.
const pipelined = 4000

// confirmation is how long the server may take to confirm that it has messages.
const confirmation = time.Minute

func newPublisher(conn *amqp.Connection) (*publisher, error) {
	ch, err := conn.Channel()
	if err != nil {
		return nil, fmt.Errorf("opening a channel: %w", err)
	}
	if err := ch.Confirm(false); err != nil {
		return nil, fmt.Errorf("asking for confirmations: %w", err)
	}
	// A message that no queue takes is returned before it is confirmed, so that it is in here by then.
	return &publisher{ch: ch, returned: ch.NotifyReturn(make(chan amqp.Return, pipelined))}, nil
}

func (p *publisher) publish(ctx context.Context, all []outgoing) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, confirmation)
	defer cancel()
	confirms := make([]*amqp.DeferredConfirmation, 0, len(all))
	var failed error
	for n, o := range all {
		if n >= pipelined {
			if failed = p.confirmed(ctx, confirms[n-pipelined]); failed != nil {
				break
			}
		}
		c, err := p.ch.PublishWithDeferredConfirmWithContext(ctx, o.exchange, o.key, true, false, o.message)
		if err != nil {
			failed = fault.New(fault.Unavailable, "", "sending to RabbitMQ: %w", err)
			break
		}
		confirms = append(confirms, c)
	}
	for _, c := range confirms[max(0, len(confirms)-pipelined):] {
		if failed != nil {
			break
		}
		failed = p.confirmed(ctx, c)
	}
	return errors.Join(failed, p.refused())
}

// confirmed waits until the server has a message.
func (p *publisher) confirmed(ctx context.Context, c *amqp.DeferredConfirmation) error {
	ok, err := c.WaitContext(ctx)
	switch {
	case err != nil:
		return fault.New(fault.Unavailable, "", "RabbitMQ doesn't confirm that it has the message: %w", err)
	case !ok:
		return errors.Join(fault.New(fault.Unavailable, "", "RabbitMQ refuses the message"), p.refused())
	}
	if len(p.returned) > 0 {
		return p.refused()
	}
	return nil
}

// refused is the error of the messages that have come back.
func (p *publisher) refused() (failed error) {
	for {
		select {
		case r, open := <-p.returned:
			if !open {
				return failed
			}
			failed = errors.Join(failed, fault.New(fault.Unavailable, "", "no queue takes the message %s: %s", r.MessageId, r.ReplyText))
		default:
			return failed
		}
	}
}

// The headers of messages.
const (
	subjectHeader  = "imgctl-subject"
	sequenceHeader = "imgctl-sequence"
	atHeader       = "imgctl-at"
	attemptHeader  = "imgctl-attempt"
	reasonHeader   = "imgctl-reason"
	logHeader      = "imgctl-log"
	failedHeader   = "imgctl-failed-at"
	forceHeader    = "imgctl-force"
)

func encode(m Message) amqp.Publishing {
	headers := amqp.Table{atHeader: m.At.UTC().Format(time.RFC3339Nano), attemptHeader: int64(m.Attempt)}
	if m.Subject != "" {
		headers[subjectHeader] = m.Subject
	}
	if m.Sequence != 0 {
		headers[sequenceHeader] = m.Sequence
	}
	if m.Force {
		headers[forceHeader] = true
	}
	if m.Failure != (Failure{}) {
		headers[reasonHeader], headers[logHeader] = m.Failure.Reason, m.Failure.Log
		headers[failedHeader] = m.Failure.At.UTC().Format(time.RFC3339Nano)
	}
	return amqp.Publishing{
		MessageId: m.ID, Headers: headers, Body: m.Body, Timestamp: m.At, DeliveryMode: amqp.Persistent,
		ContentType: "application/json", AppId: "imgctl", Type: "imgctl.build.v1",
	}
}

// decode never fails: what somebody else has sent is a body without the rest.
func decode(d amqp.Delivery) Message {
	text := func(key string) string { s, _ := d.Headers[key].(string); return s }
	number := func(key string) int64 { n, _ := d.Headers[key].(int64); return n }
	at := func(key string) time.Time { t, _ := time.Parse(time.RFC3339Nano, text(key)); return t }
	m := Message{
		ID: d.MessageId, Subject: text(subjectHeader), Sequence: number(sequenceHeader), Body: d.Body, At: at(atHeader),
		Attempt: int(max(0, number(attemptHeader))),
		Failure: Failure{Reason: text(reasonHeader), Log: text(logHeader), At: at(failedHeader)},
	}
	m.Force, _ = d.Headers[forceHeader].(bool)
	if m.At.IsZero() {
		m.At = d.Timestamp
	}
	if m.ID == "" {
		sum := sha256.Sum256(d.Body)
		m.ID = "body-" + hex.EncodeToString(sum[:8])
	}
	return m
}

// limited is the reason of a dead letter that the server made.
func limited(d amqp.Delivery) string {
	deaths, _ := d.Headers["x-death"].([]any)
	for _, one := range deaths {
		if death, _ := one.(amqp.Table); death["reason"] == "delivery_limit" {
			return fmt.Sprintf("%d workers that had it ended without an answer", deliveries)
		}
	}
	return ""
}
