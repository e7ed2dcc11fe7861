package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// grace is how long a command may clean up when the host is gone without naming a deadline.
const grace = 60 * time.Second

var errHostGone = errors.New("imgctl no longer answers")

// stream is the plugin's end of a Run.
type stream interface {
	Send(*pluginv1.PluginMessage) error
	Recv() (*pluginv1.HostMessage, error)
}

// session is one running command: it sends messages in order, and delivers the host's answers to their
// callers.
type session struct {
	ctx     context.Context // of the command; ends with an interrupt
	cancel  context.CancelFunc
	cleanup context.Context // ends when the time for clean-up is over
	abandon context.CancelCauseFunc

	sending sync.Mutex
	stream  stream
	ended   bool // Done was sent; whatever comes late is dropped

	mu       sync.Mutex
	waiting  map[string]chan *pluginv1.HostMessage // by question
	gone     bool                                  // no more answers come
	lastID   int
	terminal *pluginv1.Terminal
}

type sessionKey struct{}

func newSession(ctx context.Context, s stream, start *pluginv1.Start) *session {
	// The end of the RPC is an interrupt like the user's: it leaves time to clean up.
	ctx = context.WithoutCancel(ctx)
	run := &session{stream: s, waiting: map[string]chan *pluginv1.HostMessage{}, terminal: start.GetTerminal()}
	run.cleanup, run.abandon = context.WithCancelCause(ctx)
	run.ctx, run.cancel = context.WithCancel(context.WithValue(ctx, sessionKey{}, run))
	return run
}

// Cleanup returns a context for undoing half-done changes: it has ctx's values, and ends not with the
// user's interrupt but at the deadline that came with it. Call cancel when done.
func Cleanup(ctx context.Context) (_ context.Context, cancel context.CancelFunc) {
	kept, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	run, ok := ctx.Value(sessionKey{}).(*session)
	if !ok {
		return kept, func() { stop(nil) }
	}
	unlink := context.AfterFunc(run.cleanup, func() { stop(context.Cause(run.cleanup)) })
	return kept, func() { unlink(); stop(nil) }
}

// listen takes the host's messages until there are no more.
func (s *session) listen() {
	for {
		m, err := s.stream.Recv()
		if err != nil {
			s.hangUp()
			if !errors.Is(err, io.EOF) {
				s.interrupt(time.Now().Add(grace))
			}
			return
		}
		switch of := m.GetMessage().(type) {
		case *pluginv1.HostMessage_Interrupt:
			deadline := time.Now().Add(grace)
			if d := of.Interrupt.GetDeadline(); d.IsValid() {
				deadline = d.AsTime()
			}
			s.interrupt(deadline)
		case *pluginv1.HostMessage_Window:
			s.resize(of.Window)
		case *pluginv1.HostMessage_Answer:
			s.deliver(of.Answer.GetId(), m)
		case *pluginv1.HostMessage_CloudReply:
			s.deliver(of.CloudReply.GetId(), m)
		case *pluginv1.HostMessage_Stdin:
			s.deliver(stdinID, m)
		}
	}
}

// interrupt ends the command's context now, and that of its clean-up at the deadline.
func (s *session) interrupt(deadline time.Time) {
	s.cancel()
	time.AfterFunc(time.Until(deadline), func() {
		s.abandon(fmt.Errorf("the time for clean-up is over: %w", context.DeadlineExceeded))
	})
}

func (s *session) resize(w *pluginv1.Window) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.terminal
	s.terminal = &pluginv1.Terminal{
		StdoutTty: old.GetStdoutTty(), StderrTty: old.GetStderrTty(), Colour: old.GetColour(), Utf8: old.GetUtf8(),
		Columns: w.GetColumns(), Rows: w.GetRows(),
	}
}

// send passes a message on, and waits while the host is slower than the command. An error means
// that the host is gone, which listen sees too and makes an interrupt of.
func (s *session) send(m *pluginv1.PluginMessage) error {
	s.sending.Lock()
	defer s.sending.Unlock()
	if s.ended {
		return nil
	}
	return s.stream.Send(m)
}

// end sends Done. Nothing follows it.
func (s *session) end(d *pluginv1.Done) error {
	s.sending.Lock()
	defer s.sending.Unlock()
	s.ended = true
	return s.stream.Send(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Done{Done: d}})
}

// nextID is an id that this run didn't use yet.
func (s *session) nextID(prefix string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastID++
	return prefix + strconv.Itoa(s.lastID)
}

// ask sends a question and waits for the answer that comes under the id.
func (s *session) ask(ctx context.Context, id string, question *pluginv1.PluginMessage) (*pluginv1.HostMessage, error) {
	answer := make(chan *pluginv1.HostMessage, 1)
	s.mu.Lock()
	if s.gone {
		s.mu.Unlock()
		return nil, errHostGone
	}
	s.waiting[id] = answer
	s.mu.Unlock()
	if err := s.send(question); err != nil {
		return nil, errHostGone
	}
	select {
	case m, ok := <-answer:
		if !ok {
			return nil, errHostGone
		}
		return m, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (s *session) deliver(id string, m *pluginv1.HostMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if answer, ok := s.waiting[id]; ok {
		answer <- m
		delete(s.waiting, id)
	}
}

// hangUp tells all waiting callers that no answer will come.
func (s *session) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
	for id, answer := range s.waiting {
		close(answer)
		delete(s.waiting, id)
	}
}
