package nova

import (
	"context"
	"time"
)

// poll waits until it makes sense to look at another service's object again.
func (s *Service) poll(ctx context.Context) error {
	t := time.NewTimer(max(s.clock.Transition()/10, 2*time.Millisecond))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Service) now() time.Time { return s.clock.Now().UTC().Truncate(time.Second) }

// change changes a server under the lock.
func (s *Service) change(v *Server, f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	v.UpdatedAt = s.now()
}

// step is change for an operation: it does nothing once that was cancelled, which happens under the same lock.
func (s *Service) step(ctx context.Context, v *Server, f func()) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	f()
	v.UpdatedAt = s.now()
	return nil
}

// task sets what a server is busy with, then waits for a part of a transition.
func (s *Service) task(ctx context.Context, v *Server, state string, parts int) error {
	if err := s.step(ctx, v, func() { v.TaskState = state }); err != nil {
		return err
	}
	return s.clock.WaitPart(ctx, parts)
}

// begin runs an operation on a server after the previous one. The caller holds the lock.
func (s *Service) begin(v *Server, work func(ctx context.Context)) {
	before, done := v.done, make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	v.cancel, v.done = cancel, done
	s.clock.Go(func(clock context.Context) {
		defer close(done)
		defer cancel()
		defer context.AfterFunc(clock, cancel)()
		if before != nil {
			<-before
		}
		work(ctx)
	})
}
