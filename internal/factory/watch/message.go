package watch

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/internal/aquilon/profile"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/queue"
)

// Sink is where messages go.
type Sink struct {
	Open func(context.Context) (queue.Queue, error)
	// Legacy is packuilon's queue, which gets the bare profiles in place of messages; "" for none.
	Legacy string
}

// send adds messages. When it returns nil, all of them survive a crash.
func (s Sink) send(ctx context.Context, messages []queue.Message) (err error) {
	q, err := s.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, q.Close()) }()
	return s.publish(ctx, q, messages)
}

// sendNewest gives the messages numbers after the previous one and all that the queue knows of their subjects, adds
// them, and returns the last number.
func (s Sink) sendNewest(ctx context.Context, messages []queue.Message, previous int64) (last int64, err error) {
	q, err := s.Open(ctx)
	if err != nil {
		return previous, err
	}
	defer func() { err = errors.Join(err, q.Close()) }()
	if s.Legacy == "" {
		for _, m := range messages {
			n, err := q.Newest(ctx, m.Subject)
			if err != nil {
				return previous, err
			}
			previous = max(previous, n)
		}
	}
	last = number(messages, previous)
	return last, s.publish(ctx, q, messages)
}

func (s Sink) publish(ctx context.Context, q queue.Queue, messages []queue.Message) error {
	if s.Legacy == "" {
		return q.Publish(ctx, messages...)
	}
	bodies := make([][]byte, len(messages))
	for n, m := range messages {
		bodies[n] = m.Body
	}
	return queue.PublishForeign(ctx, q, s.Legacy, bodies...)
}

// subject is the name of the image that a profile builds.
func subject(p *profile.Profile, style string) (string, error) {
	r, err := profile.Resolve(p, nil, nil, profile.Options{NameStyle: style})
	if err != nil {
		return "", err
	}
	return r.Name, nil
}

// number gives the messages ids and ascending sequences after the previous one, and returns the last.
func number(messages []queue.Message, previous int64) int64 {
	now := time.Now()
	for n := range messages {
		previous = max(previous+1, now.UnixMicro())
		messages[n].ID, messages[n].Sequence, messages[n].At = uuid.NewString(), previous, now
	}
	return previous
}

// message is a request to build an image for a profile, without a number yet.
func message(source string, text []byte, style string) (queue.Message, error) {
	p, err := profile.ParseProfile(source, text)
	if err != nil {
		return queue.Message{}, err
	}
	name, err := subject(p, style)
	if err != nil {
		return queue.Message{}, fault.About(source, err)
	}
	return queue.Message{Subject: name, Body: text}, nil
}
