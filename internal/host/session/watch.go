package session

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

const (
	// look is how often watch checks whether an interrupted command still makes progress.
	look = 250 * time.Millisecond
	// heldUp is how long follow may be at one message after an interrupt before the output counts as one that
	// nobody reads.
	heldUp = 3 * time.Second
	// brief is how long watch waits for a line to be written.
	brief = 500 * time.Millisecond
)

// watch handles signals and timeouts until the command has ended.
func (s *session) watch(ended <-chan error) error {
	var timeout, deadline, ticks <-chan time.Time
	if s.Timeout > 0 {
		timeout = time.After(s.Timeout)
	}
	interrupted := s.interrupted
	draining := false
	for {
		select {
		case err := <-ended:
			return err
		case signal := <-s.Signals:
			if err := s.signalled(signal); err != nil {
				return err
			}
		case <-timeout:
			s.interrupt(fmt.Sprintf("timed out after %s", s.Timeout), true)
		case <-interrupted:
			interrupted = nil
			deadline, ticks = time.After(s.grace()), time.Tick(look)
		case <-ticks:
			if since := s.busy.Load(); !draining && since != 0 && time.Since(time.Unix(0, since)) > heldUp {
				draining = true
				go s.drain()
			}
		case done := <-s.drained(draining):
			return abandoned{s.afterInterrupt(done)}
		case <-deadline:
			return s.abandon("it did not clean up in time")
		}
	}
}

// abandoned is ErrAbandoned with the reason as its text.
type abandoned struct{ error }

func (a abandoned) Unwrap() []error { return []error{ErrAbandoned, a.error} }

// drained is where the outcome comes from while nobody reads the output.
func (s *session) drained(draining bool) <-chan *pluginv1.Done {
	if !draining {
		return nil
	}
	return s.outcome
}

// drain receives and drops the plugin's messages in place of follow, which is blocked, so that the plugin can
// end in order.
func (s *session) drain() {
	for {
		select {
		case m := <-s.messages:
			if done := m.GetDone(); done != nil {
				s.outcome <- done
				return
			}
			if p := m.GetPrompt(); p != nil {
				s.tell(&pluginv1.HostMessage{Message: &pluginv1.HostMessage_Answer{Answer: &pluginv1.Answer{Id: p.GetId()}}})
			}
		case <-s.ctx.Done():
			return
		}
	}
}

// signalled interrupts the command at the first signal, and abandons it at the second.
func (s *session) signalled(signal os.Signal) error {
	if signal == Resized {
		columns, rows := s.Console.Size()
		s.tell(&pluginv1.HostMessage{Message: &pluginv1.HostMessage_Window{
			Window: &pluginv1.Window{Columns: int32(columns), Rows: int32(rows)},
		}})
		return nil
	}
	if s.why() != "" {
		return s.abandon("it was abandoned")
	}
	reason := map[os.Signal]string{os.Interrupt: "interrupt", syscall.SIGTERM: "terminated", syscall.SIGHUP: "hangup"}[signal]
	briefly(func() {
		at := s.Console.InFlight()
		s.mu.Lock()
		s.at = at
		s.mu.Unlock()
		s.Console.Say("Stopping (" + reason + "), cleaning up; Ctrl-C again to abandon")
	})
	s.interrupt(reason, false)
	return nil
}

// briefly runs what may block because nobody reads, and waits only briefly.
func briefly(do func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	select {
	case <-done:
	case <-time.After(brief):
	}
}

func (s *session) grace() time.Duration {
	if s.Grace != 0 {
		return s.Grace
	}
	return Grace
}

// why is the reason for which the command was interrupted, "" if it wasn't.
func (s *session) why() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopped
}

// interrupt asks the command to clean up and end.
func (s *session) interrupt(reason string, late bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped != "" {
		return
	}
	s.stopped, s.late = reason, late
	close(s.interrupted)
	s.tell(&pluginv1.HostMessage{Message: &pluginv1.HostMessage_Interrupt{
		Interrupt: &pluginv1.Interrupt{Reason: reason, Deadline: timestamppb.New(time.Now().Add(s.grace()))},
	}})
	s.results.stopAsking()
}

// abandon kills the plugin, and reports what it was doing.
func (s *session) abandon(why string) error {
	// Before the plugin is killed: its end takes its tasks off the screen.
	unfinished := make(chan []string, 1)
	briefly(func() { unfinished <- s.Console.InFlight() })
	s.Process.Abandon()
	briefly(func() {
		for _, line := range <-unfinished {
			s.Console.Say("  unfinished: " + line)
		}
	})
	return abandoned{fault.New(fault.Cancelled, "see what it has left", "the command did not end: %s", why)}
}

// cutShort reports whether an interrupted command may have returned only a part of its results, whatever outcome it
// reports. A command that changes something knows better how that ended, and one that runs until it is interrupted
// ends in no other way.
func (s *session) cutShort() bool {
	kind := s.Spec.GetKind()
	return (kind == pluginv1.CommandKind_COMMAND_KIND_LIST || kind == pluginv1.CommandKind_COMMAND_KIND_SHOW) &&
		s.Spec.GetDanger() < pluginv1.Danger_DANGER_CHANGES && !needs(s.Spec, pluginv1.Need_NEED_LONG_RUNNING)
}

// afterInterrupt is the error of an interrupted command.
func (s *session) afterInterrupt(done *pluginv1.Done) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := errors.New("the results may be incomplete")
	if done.GetOutcome() == pluginv1.Outcome_OUTCOME_FAILED {
		err = s.problem(done.GetProblem())
	}
	if s.late {
		return fault.New(fault.Unavailable, "give it more with --timeout", "%s: %w", s.stopped, err)
	}
	switch at := strings.Join(s.at, ", "); {
	case at != "":
		return fault.New(fault.Cancelled, "", "interrupted at %q: %w", at, err)
	case done.GetProblem().GetMessage() == context.Canceled.Error(): // which says nothing to anybody
		return fault.New(fault.Cancelled, "", "interrupted; the command has cleaned up and ended")
	}
	return fault.New(fault.Cancelled, "", "interrupted: %w", err)
}

func closedPipe(err error) bool { return errors.Is(err, syscall.EPIPE) }

// written notes that the output can't be written, and stops the command.
func (s *session) written(err error) {
	if err == nil || s.lost != nil {
		return
	}
	s.lost = err
	s.interrupt("the output can't be written", false)
}
