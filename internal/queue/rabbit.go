package queue

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// RabbitOptions say which RabbitMQ to use, and how.
type RabbitOptions struct {
	// URLs are amqp:// or amqps:// addresses with user, password and virtual host: of one server, or of several
	// of a cluster, any of which will do.
	URLs []string
	TLS  *tls.Config // of amqps, nil for the system's authorities
	// Name is that of the queue, and the start of the names of those that belong to it; default DefaultName.
	Name string
	// Hold is how long a message stays unacknowledged at most; one that is worked on for longer is put into a
	// queue of its own and taken out again. It has to be well below the server's consumer_timeout, which is 30
	// minutes unless configured. Default 10 minutes.
	Hold time.Duration
	// Foreign is a queue with bare bodies in it, from which messages are moved into this one while it is
	// consumed; "" for none.
	Foreign string
	Policy
}

// DefaultName is the queue's unless another is given.
const DefaultName = "imgctl.build"

// rabbit is a Queue in RabbitMQ.
type rabbit struct {
	o    RabbitOptions
	name string
	hold string // the queue of what this process works on for long

	mu      sync.Mutex
	conn    *amqp.Connection
	pub     *publisher
	newest  *newest
	claimed map[string]bool
	closed  bool
}

// exchange is where messages are published.
const exchange = "imgctl.factory"

// heartbeat is how often each side shows that it is there; after two that are missing, messages are lost.
const heartbeat = 10 * time.Second

// DialRabbit connects to a RabbitMQ and declares what is needed there. The server has to be 3.10 or newer.
func DialRabbit(ctx context.Context, o RabbitOptions) (Queue, error) {
	o.Name = cmp.Or(o.Name, DefaultName)
	if o.Hold == 0 {
		o.Hold = 10 * time.Minute
	}
	o.Policy = o.Policy.withDefaults()
	q := &rabbit{o: o, name: o.Name, hold: o.Name + ".hold." + uuid.NewString(), claimed: map[string]bool{}}
	_, err := q.connection(ctx)
	return q, err
}

// connection is a live connection; one that has broken is made anew.
func (q *rabbit) connection(ctx context.Context) (*amqp.Connection, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, errors.New("the queue is closed")
	}
	if q.conn != nil && !q.conn.IsClosed() {
		return q.conn, nil
	}
	conn, err := q.dial(ctx)
	if err != nil {
		return nil, err
	}
	if err := q.declare(conn); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	pub, err := newPublisher(conn)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	q.conn, q.pub, q.newest, q.claimed = conn, pub, readNewest(conn, pub, q.name), map[string]bool{}
	return conn, nil
}

func (q *rabbit) dial(ctx context.Context) (*amqp.Connection, error) {
	if len(q.o.URLs) == 0 {
		return nil, fault.New(fault.Usage, "", "no address of a RabbitMQ is given")
	}
	var all []error
	for _, address := range q.o.URLs {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || u.Scheme != "amqp" && u.Scheme != "amqps" {
			return nil, fault.New(fault.Usage, "", "the address of a RabbitMQ has to be like amqps://user@host/vhost")
		}
		conn, err := amqp.DialConfig(address, amqp.Config{
			Heartbeat: heartbeat, TLSClientConfig: q.o.TLS, Properties: amqp.Table{"product": "imgctl", "connection_name": "imgctl"},
			Dial: amqp.DefaultDial(10 * time.Second),
		})
		if err == nil {
			return conn, nil
		}
		_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
		if untrusted || errors.Is(err, amqp.ErrCredentials) || errors.Is(err, amqp.ErrVhost) {
			return nil, fault.New(fault.Forbidden, "", "connecting to RabbitMQ at %s: %w", u.Host, err)
		}
		all = append(all, fault.New(fault.Unavailable, "", "connecting to RabbitMQ at %s: %w", u.Host, err))
		if ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(all...)
}

// LookAtRabbit is DialRabbit for those who only look: a queue that nobody has declared yet is an ErrNone, and stays
// undeclared.
func LookAtRabbit(ctx context.Context, o RabbitOptions) (Queue, error) {
	o.Name = cmp.Or(o.Name, DefaultName)
	// It is the last of the queues to be declared: with it, all are there.
	_, err := CountForeign(ctx, o, o.Name)
	switch {
	case fault.Is(err, fault.NotFound):
		return nil, fault.New(fault.Unavailable, "", "%w: the first request makes %s", ErrNone, o.Name)
	case fault.Is(err, fault.Internal):
		return nil, refused("queue "+o.Name, err)
	case err != nil:
		return nil, err
	}
	return DialRabbit(ctx, o)
}

// ReachRabbit tells whether a server takes the connection, and declares nothing there.
func ReachRabbit(ctx context.Context, o RabbitOptions) error {
	conn, err := (&rabbit{o: o}).dial(ctx)
	if err != nil {
		return err
	}
	return conn.Close()
}

func (q *rabbit) Close() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	if q.conn == nil || q.conn.IsClosed() {
		return nil
	}
	return q.conn.Close()
}

func (q *rabbit) Publish(ctx context.Context, messages ...Message) error {
	pub, err := q.publisher(ctx)
	if err != nil {
		return err
	}
	batch := make([]outgoing, len(messages))
	var announced []outgoing
	for n, m := range messages {
		batch[n] = outgoing{exchange, q.name, encode(m)}
		if m.Subject != "" && m.Sequence != 0 {
			announced = append(announced, announcement(q.name, m))
		}
	}
	if err := pub.publish(ctx, batch); err != nil {
		return fmt.Errorf("adding to the queue %s: %w", q.name, err)
	}
	// An announcement only saves work; the messages are there.
	_ = pub.publish(ctx, announced)
	return nil
}

// publisher is one on a live channel: the server closes a channel on which something fails, and leaves the connection.
func (q *rabbit) publisher(ctx context.Context) (*publisher, error) {
	conn, err := q.connection(ctx)
	if err != nil {
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.pub.ch.IsClosed() {
		pub, err := newPublisher(conn)
		if err != nil {
			return nil, err
		}
		q.pub = pub
	}
	return q.pub, nil
}

// reconnect is how often to try again when the server is gone.
var reconnect = change.Retry{First: 200 * time.Millisecond, Most: 10 * time.Second}

func (q *rabbit) Consume(ctx context.Context, slots int, handle func(context.Context, Delivery)) error {
	var group sync.WaitGroup
	failed := make(chan error, slots+1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	run := func(session func(context.Context) error) {
		for try := 1; ctx.Err() == nil; try++ {
			began := time.Now()
			err := session(ctx)
			if err != nil && ctx.Err() == nil && permanent(err) {
				failed <- err
				cancel()
				return
			}
			if time.Since(began) > time.Minute {
				try = 1
			}
			change.Sleep(ctx, reconnect.Pause(try))
		}
	}
	for range slots {
		group.Go(func() { run(func(ctx context.Context) error { return q.consume(ctx, handle) }) })
	}
	if q.o.Foreign != "" {
		group.Go(func() { run(q.moveForeign) })
	}
	group.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// permanent tells errors that trying again doesn't mend.
func permanent(err error) bool {
	if fault.Is(err, fault.Usage) || fault.Is(err, fault.Forbidden) || fault.Is(err, fault.Conflict) {
		return true
	}
	var refused *amqp.Error
	return errors.As(err, &refused) && (refused.Code == amqp.NotFound || refused.Code == amqp.AccessRefused)
}

func (q *rabbit) Newest(ctx context.Context, subject string) (int64, error) {
	if _, err := q.connection(ctx); err != nil {
		return 0, err
	}
	q.mu.Lock()
	n := q.newest
	q.mu.Unlock()
	return n.of(ctx, subject), nil
}

func (q *rabbit) Count(ctx context.Context) (c Count, err error) {
	conn, err := q.connection(ctx)
	if err != nil {
		return Count{}, err
	}
	ch, err := conn.Channel()
	if err != nil {
		return Count{}, fmt.Errorf("counting the queue: %w", err)
	}
	defer ch.Close()
	for name, count := range q.counted(&c) {
		found, err := ch.QueueDeclarePassive(name, true, false, false, false, nil)
		if err != nil {
			return Count{}, fmt.Errorf("counting the queue %s: %w", name, err)
		}
		*count += found.Messages
	}
	return c, nil
}
