// Package session runs one command of a plugin: it sends Start, shows the results, answers requests,
// stops the command when the user interrupts it, and reports how it ended.
package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/host/console"
	"github.com/imgctl/packer-plugin-openstack/internal/host/launch"
	"github.com/imgctl/packer-plugin-openstack/internal/host/redact"
	"github.com/imgctl/packer-plugin-openstack/internal/host/render"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// Grace is how long a command may take to clean up after an interrupt.
const Grace = 60 * time.Second

// unread is how many messages a plugin may leave unread.
const unread = 1000

// Status is the exit status of a RAW command that chose its own.
type Status int

// Error says which one it is.
func (s Status) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// ClosedPipe is the exit status where nobody reads the output any more, as a shell has it for SIGPIPE.
const ClosedPipe Status = 141

// Clouds gives access to a cloud, or says why not.
type Clouds interface {
	Access(ctx context.Context, name string, refresh bool) (*pluginv1.CloudAccess, error)
}

// Command is one command to carry out.
type Command struct {
	Name     string // of the plugin
	Process  *launch.Process
	Spec     *pluginv1.Command
	Start    *pluginv1.Start
	Console  *console.Console
	Clouds   Clouds
	Redactor *redact.Redactor
	Format   render.Options
	Signals  <-chan os.Signal // SIGINT, SIGTERM, SIGHUP and SIGWINCH
	Asker    string           // who asks, in front of prompts; "" for plugins that came with imgctl
	Timeout  time.Duration    // 0 means none
	Grace    time.Duration    // 0 means Grace
	Trace    bool             // show the messages between host and plugin
}

// ErrAbandoned is that the command was left as it is. Standard output and error may be held up by
// somebody who doesn't read them.
var ErrAbandoned = errors.New("abandoned")

// session is a running command. It has two loops: follow handles the plugin's messages, and may block; watch
// handles signals and timeouts, and never blocks.
type session struct {
	Command

	ctx    context.Context // ends with the session; what waits for the user or a cloud has it
	cancel context.CancelFunc
	send   chan<- *pluginv1.HostMessage
	trace  *tracer

	// What follow alone uses.
	results  results
	declined error // names the prompt that nobody could answer
	lost     error // why the output can't be written

	// What both use.
	mu          sync.Mutex
	stopped     string              // why the command was interrupted; "" if it wasn't
	late        bool                // it was stopped because of its timeout
	at          []string            // the tasks that were running then
	refused     atomic.Bool         // the user has declined a prompt
	interrupted chan struct{}       // closed then
	busy        atomic.Int64        // since when follow has been at its present message, in Unix nanoseconds; 0 while it waits
	outcome     chan *pluginv1.Done // the plugin's, when it came
	messages    <-chan *pluginv1.PluginMessage
}

// Run carries out the command. It is nil, an error of a kind, or a Status.
func Run(ctx context.Context, c Command) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.Process.Run(ctx)
	if err != nil {
		return c.Process.Crashed()
	}
	send := make(chan *pluginv1.HostMessage, unread)
	go func() {
		for {
			select {
			case m := <-send:
				if stream.Send(m) != nil {
					return // Recv says why
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	s := &session{
		Command: c, ctx: ctx, cancel: cancel, send: send, trace: newTracer(c),
		interrupted: make(chan struct{}), outcome: make(chan *pluginv1.Done, 1),
	}
	s.results.init(c)
	s.tell(&pluginv1.HostMessage{Message: &pluginv1.HostMessage_Start{Start: c.Start}})
	messages, failed := s.receive(stream)
	s.messages = messages
	ended := make(chan error, 1)
	go func() {
		done, err := s.follow(failed)
		s.outcome <- done
		s.busy.Store(time.Now().UnixNano())
		ended <- s.end(done, err)
	}()
	return s.watch(ended)
}

// follow handles what the plugin sends until the command is done.
func (s *session) follow(failed <-chan error) (*pluginv1.Done, error) {
	handle := func(m *pluginv1.PluginMessage) *pluginv1.Done {
		s.busy.Store(time.Now().UnixNano())
		defer s.busy.Store(0)
		return s.handle(m)
	}
	for {
		select {
		case m := <-s.messages:
			if done := handle(m); done != nil {
				return done, nil
			}
			continue
		default:
			// Nothing to do: what there is should be seen.
			s.busy.Store(time.Now().UnixNano())
			s.written(s.Console.Flush())
			s.busy.Store(0)
		}
		select {
		case m := <-s.messages:
			if done := handle(m); done != nil {
				return done, nil
			}
		case err := <-failed:
			return nil, err
		}
	}
}

func (s *session) receive(stream pluginv1.Plugin_RunClient) (<-chan *pluginv1.PluginMessage, <-chan error) {
	messages, failed := make(chan *pluginv1.PluginMessage), make(chan error, 1)
	go func() {
		for {
			m, err := stream.Recv()
			if err != nil {
				failed <- err
				return
			}
			s.trace.fromPlugin(m)
			select {
			case messages <- m:
			case <-s.ctx.Done():
				return
			}
		}
	}()
	return messages, failed
}

// tell sends a message to the plugin. It never waits: a plugin that doesn't read the answers it asked for must
// not prevent the user from stopping it, so it is killed.
func (s *session) tell(m *pluginv1.HostMessage) {
	s.trace.toPlugin(m)
	select {
	case s.send <- m:
	default:
		s.Process.Abandon()
	}
}

// end turns the outcome into an error, once all output is written.
func (s *session) end(done *pluginv1.Done, err error) error {
	if written := s.results.close(done); s.lost == nil {
		s.lost = written
	}
	s.cancel()
	s.trace.close()
	flushed := s.Console.Close()
	switch {
	case s.lost == nil && flushed != nil:
		s.lost = flushed
	case err != nil:
		return s.transport(err)
	}
	_, explained := errors.AsType[*fault.Error](s.lost)
	switch {
	case closedPipe(s.lost):
		return ClosedPipe
	case explained:
		return s.lost
	case s.lost != nil:
		return fmt.Errorf("writing the output: %w", s.lost)
	case s.why() != "" && (done.GetOutcome() == pluginv1.Outcome_OUTCOME_FAILED || s.cutShort()):
		return s.afterInterrupt(done)
	case s.declined != nil:
		return s.unanswered(done)
	case s.Spec.GetKind() == pluginv1.CommandKind_COMMAND_KIND_RAW && done.GetExitCode() != 0:
		s.complain(done.GetProblem())
		return Status(done.GetExitCode())
	case done.GetOutcome() == pluginv1.Outcome_OUTCOME_FAILED && s.refused.Load() &&
		done.GetProblem().GetKind() == pluginv1.ProblemKind_PROBLEM_KIND_CANCELLED:
		return fault.Wrap(fault.Usage, "", s.problem(done.GetProblem())) // as where nobody is there to answer
	case done.GetOutcome() == pluginv1.Outcome_OUTCOME_FAILED:
		return s.problem(done.GetProblem())
	case done.GetOutcome() == pluginv1.Outcome_OUTCOME_UNSPECIFIED:
		return fault.New(fault.Internal, "", "plugin %q ended the command without saying how", s.Start.GetPath())
	}
	return nil
}

// complain shows the problem of a command that has an exit status of its own.
func (s *session) complain(p *pluginv1.Problem) {
	if p.GetMessage() != "" {
		s.Console.Say(s.Console.Style(console.Red, "Error:") + " " + s.problem(p).Error())
	}
}

// transport says why the stream ended without an outcome.
func (s *session) transport(err error) error {
	var known *fault.Error
	switch code := status.Code(err); {
	case errors.As(err, &known):
		return err
	case errors.Is(err, io.EOF), code == codes.Unavailable, code == codes.Canceled:
		return s.Process.Crashed()
	case code == codes.ResourceExhausted:
		return fault.New(fault.Internal, "this is a defect of the plugin; please report it to its vendor",
			"the plugin sent a message of more than %d MiB, which is all that imgctl takes at once", launch.MaxMessage>>20)
	case code == codes.Unimplemented:
		return fault.New(fault.Internal, "get a release of the plugin for this imgctl", "the plugin can't carry out commands")
	default:
		return fault.New(fault.Internal, "", "the plugin failed: %s", status.Convert(err).Message())
	}
}
