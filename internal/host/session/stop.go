package session

import (
	"errors"
	"os"
	"syscall"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// signalled interrupts the command at the first signal, and gives it up at the second.
func (s *session) signalled(signal os.Signal) error {
	if signal == syscall.SIGWINCH {
		columns, rows := s.Console.Size()
		s.tell(&pluginv1.HostMessage{Message: &pluginv1.HostMessage_Window{
			Window: &pluginv1.Window{Columns: int32(columns), Rows: int32(rows)},
		}})
		return nil
	}
	if s.stopped != "" {
		return s.abandon("it was abandoned")
	}
	reason := map[os.Signal]string{os.Interrupt: "interrupt", syscall.SIGTERM: "terminated", syscall.SIGHUP: "hangup"}[signal]
	s.Console.Say("Stopping (" + reason + "), cleaning up; Ctrl-C again to abandon")
	s.interrupt(reason)
	return nil
}

// interrupt asks the command to clean up and end.
func (s *session) interrupt(reason string) {
	if s.stopped != "" {
		return
	}
	s.stopped = reason
	grace := s.Grace
	if grace == 0 {
		grace = Grace
	}
	s.deadline = time.After(grace)
	s.tell(&pluginv1.HostMessage{Message: &pluginv1.HostMessage_Interrupt{
		Interrupt: &pluginv1.Interrupt{Reason: reason, Deadline: timestamppb.New(time.Now().Add(grace))},
	}})
	s.results.stopAsking()
}

// abandon ends the plugin as it is, and says what it was at.
func (s *session) abandon(why string) error {
	inFlight := s.Console.InFlight()
	s.Process.Abandon()
	for _, line := range inFlight {
		s.Console.Say("  unfinished: " + line)
	}
	return fault.New(fault.Cancelled, "see what it has left", "the command did not end: %s", why)
}

// interrupted is how a command ends that was stopped.
func (s *session) interrupted(done *pluginv1.Done) error {
	err := s.problem(done.GetProblem())
	if s.late {
		return fault.New(fault.Unavailable, "give it more with --timeout", "%s: %w", s.stopped, err)
	}
	return fault.Wrap(fault.Cancelled, "", err)
}

func closedPipe(err error) bool { return errors.Is(err, syscall.EPIPE) }

// written notes that the output can't be written, and stops the command.
func (s *session) written(err error) {
	if err == nil || s.lost != nil {
		return
	}
	s.lost = err
	s.interrupt("the output can't be written")
}
