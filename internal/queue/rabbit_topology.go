package queue

import (
	"errors"
	"fmt"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// deliveries is how often a message may be given to consumers that end without an answer, before the server makes
// it a dead letter.
const deliveries = 20

// unlimited is a delivery limit for messages that are only looked at.
const unlimited = 1 << 30

func (q *rabbit) dead() string { return q.name + ".dead" }

// later is the queue from which messages come again after a pause.
func (q *rabbit) later(pause time.Duration) string {
	text := pause.String() // 1h0m0s
	text = strings.TrimSuffix(text, "0s")
	if text == "" || strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return q.name + ".later." + text
}

// counted are all queues, and what to add the number of their messages to.
func (q *rabbit) counted(c *Count) map[string]*int {
	all := map[string]*int{q.name: &c.Ready, q.dead(): &c.Dead, q.later(q.o.Moment): &c.Waiting}
	for _, pause := range q.o.Pauses {
		all[q.later(pause)] = &c.Waiting
	}
	return all
}

// declare makes the exchange and the queues, or finds them.
func (q *rabbit) declare(conn *amqp.Connection) error {
	version, _ := conn.Properties["version"].(string)
	var major, minor int
	if n, _ := fmt.Sscanf(version, "%d.%d", &major, &minor); n == 2 && (major < 3 || major == 3 && minor < 10) {
		return fault.New(fault.Usage, "Use a RabbitMQ of version 3.10 or newer.",
			"the RabbitMQ has version %s, whose quorum queues can't let messages wait", version)
	}
	ch, err := conn.Channel()
	if err != nil {
		return fmt.Errorf("opening a channel: %w", err)
	}
	defer ch.Close()
	if err := ch.ExchangeDeclare(exchange, "direct", true, false, false, false, nil); err != nil {
		return refused("exchange "+exchange, err)
	}
	pauses := append([]time.Duration{q.o.Moment}, q.o.Pauses...)
	for _, pause := range pauses {
		if err := queue(ch, q.later(pause), q.returning(pause)); err != nil {
			return err
		}
	}
	if err := queue(ch, q.dead(), amqp.Table{"x-delivery-limit": unlimited}); err != nil {
		return err
	}
	if err := queue(ch, q.name, deadLetters(q.dead(), amqp.Table{"x-delivery-limit": deliveries})); err != nil {
		return err
	}
	if err := ch.QueueBind(q.name, q.name, exchange, false, nil); err != nil {
		return refused("binding of "+q.name, err)
	}
	return nil
}

// declareHold makes the queue of what this process works on for long. Only consumers need it, and it takes a while.
func (q *rabbit) declareHold(ch *amqp.Channel) error {
	hold := q.returning(time.Minute)
	hold["x-expires"] = int64(24 * time.Hour / time.Millisecond)
	return queue(ch, q.hold, hold)
}

// returning are the arguments of a queue from which messages go back into the main one after a time.
func (q *rabbit) returning(after time.Duration) amqp.Table {
	return deadLetters(q.name, amqp.Table{"x-message-ttl": after.Milliseconds(), "x-delivery-limit": unlimited})
}

// deadLetters adds where messages go that leave a queue without having been acknowledged, safely.
func deadLetters(to string, args amqp.Table) amqp.Table {
	args["x-dead-letter-exchange"], args["x-dead-letter-routing-key"] = "", to
	args["x-dead-letter-strategy"], args["x-overflow"] = "at-least-once", "reject-publish"
	return args
}

// queue declares a replicated queue.
func queue(ch *amqp.Channel, name string, args amqp.Table) error {
	args["x-queue-type"] = "quorum"
	if _, err := ch.QueueDeclare(name, true, false, false, false, args); err != nil {
		return refused("queue "+name, err)
	}
	return nil
}

func refused(what string, err error) error {
	var answer *amqp.Error
	if !errors.As(err, &answer) {
		return fault.New(fault.Unavailable, "", "declaring the %s: %w", what, err)
	}
	switch answer.Code {
	case amqp.PreconditionFailed:
		return fault.New(fault.Conflict,
			"Use another name for the queue, and move the messages of the old one into it; or delete the old one if it is empty.",
			"the %s is there already, and of another kind: %w", what, err)
	case amqp.AccessRefused:
		return fault.New(fault.Forbidden, "Give the user the rights to configure, write and read the queues that start with this name.",
			"declaring the %s: %w", what, err)
	}
	return fault.New(fault.Unavailable, "", "declaring the %s: %w", what, err)
}
