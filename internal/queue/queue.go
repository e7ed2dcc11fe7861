// Package queue carries messages from those who ask for work to those who do it, at least once each. It has two
// implementations with one behaviour: a file, for one machine, and RabbitMQ, for any number of them.
package queue

import (
	"context"
	"errors"
	"time"
)

// Queue is a durable queue of messages.
type Queue interface {
	// Publish adds messages. When it returns nil, all of them survive a crash. After an error, some may have
	// been added; publishing them again is safe.
	Publish(ctx context.Context, messages ...Message) error
	// Consume calls handle with messages, in up to slots goroutines at once. When ctx ends, it takes no more
	// messages, and returns after the last handle has returned. It returns early only if the queue can't be
	// used. The context of handle is not ctx: it ends only when the queue takes the message back, with the
	// cause ErrLost. Handle has to end the delivery; one that it doesn't end comes again.
	Consume(ctx context.Context, slots int, handle func(context.Context, Delivery)) error
	// Claim makes the caller the only one of all consumers to work on a subject, until release. ok is false
	// if another one has it.
	Claim(ctx context.Context, subject string) (release func(), ok bool, err error)
	// Newest is the highest sequence that has been published for a subject, as far as is known; 0 if unknown.
	Newest(ctx context.Context, subject string) (int64, error)
	// Count counts the messages.
	Count(ctx context.Context) (Count, error)
	// Dead are the dead letters, oldest first.
	Dead(ctx context.Context) ([]Message, error)
	// Revive queues dead letters again, as if they had never failed, and Discard removes them; both return
	// those that were there.
	Revive(ctx context.Context, ids ...string) ([]Message, error)
	Discard(ctx context.Context, ids ...string) ([]Message, error)
	// Waiting are the messages that have failed and wait for their next try, and Hasten has them come at once; it
	// returns those that were there.
	Waiting(ctx context.Context) ([]Message, error)
	Hasten(ctx context.Context, ids ...string) ([]Message, error)
	// Close gives back what is being worked on.
	Close() error
}

// Message asks for work on a subject.
type Message struct {
	ID       string    `json:"id"`
	Subject  string    `json:"subject,omitempty"`  // what the work is on; "" if the message is in a foreign format
	Sequence int64     `json:"sequence,omitempty"` // of two messages for a subject, the higher one is newer; 0 if unknown
	Body     []byte    `json:"body,omitempty"`
	Force    bool      `json:"force,omitempty"`   // do the work even if it seems to be done
	At       time.Time `json:"at"`                // when it was first published
	Attempt  int       `json:"attempt,omitempty"` // how often the work has failed
	Failure  Failure   `json:"failure,omitzero"`  // the last one
}

// Failure is why work failed.
type Failure struct {
	Reason string    `json:"reason"`
	Log    string    `json:"log,omitempty"` // where the log is
	At     time.Time `json:"at"`
}

// Delivery is a message that is being worked on. One of its methods ends it.
type Delivery interface {
	Message() Message
	// Done removes the message.
	Done(ctx context.Context) error
	// Fail has the message come again after the pause that its attempt asks for, or makes it a dead letter if
	// it has failed too often; dead tells which.
	Fail(ctx context.Context, f Failure) (pause time.Duration, dead bool, err error)
	// Bury makes the message a dead letter at once.
	Bury(ctx context.Context, f Failure) error
	// Defer has the message come again in a moment. It doesn't count as a failure.
	Defer(ctx context.Context) error
}

// Count is how many messages there are.
type Count struct {
	Ready   int  `json:"ready"`             // wait for a consumer
	Working *int `json:"working,omitempty"` // are being worked on; nil if the queue can't tell
	Waiting int  `json:"waiting"`           // come again later
	Dead    int  `json:"dead"`              // are dead letters
}

// ErrLost is the cause when a message has been given back to the queue, and another consumer may have it.
var ErrLost = errors.New("the queue took the message back")

// Policy is how failures are treated. The zero value is the default.
type Policy struct {
	// Attempts is how often work is tried before its message becomes a dead letter; default 5.
	Attempts int
	// Pauses are those after the first, second, … failure; the last one holds for all later ones. Default 1
	// minute, 10 minutes, 1 hour.
	Pauses []time.Duration
	// Moment is the pause of Delivery.Defer; default 2 seconds.
	Moment time.Duration
}

func (p Policy) withDefaults() Policy {
	if p.Attempts == 0 {
		p.Attempts = 5
	}
	if len(p.Pauses) == 0 {
		p.Pauses = []time.Duration{time.Minute, 10 * time.Minute, time.Hour}
	}
	if p.Moment == 0 {
		p.Moment = 2 * time.Second
	}
	return p
}

// failed is the message after one more failure, and the pause before it comes again; dead if it doesn't.
func (p Policy) failed(m Message, f Failure) (after Message, pause time.Duration, dead bool) {
	m.Attempt++
	m.Failure = f
	pause = p.Pauses[min(m.Attempt, len(p.Pauses))-1]
	return m, pause, m.Attempt >= p.Attempts
}

// revived is a dead letter as it is queued again.
func revived(m Message) Message {
	m.Attempt, m.Failure = 0, Failure{}
	return m
}
