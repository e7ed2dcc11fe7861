package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// Host is how the host behaves in a Run. The zero value declines every prompt, knows no cloud and
// has an empty standard input.
type Host struct {
	// Cloud answers a CloudRequest; nil refuses them all.
	Cloud func(*pluginv1.CloudRequest) (*pluginv1.CloudAccess, error)
	// Prompt answers a Prompt; nil declines.
	Prompt func(*pluginv1.Prompt) *pluginv1.Answer
	// Stdin is the standard input; nil is empty.
	Stdin io.Reader
	// See is called with each message as it comes, before it is answered.
	See func(*pluginv1.PluginMessage)
}

// Recording is the result of a Run.
type Recording struct {
	Messages []*pluginv1.PluginMessage
	// At are the times at which the messages came, and Started is when the command began.
	At      []time.Time
	Started time.Time
	// Err is how the stream ended; nil if as it should.
	Err error
}

// Done is the last message, nil if it isn't Done.
func (r *Recording) Done() *pluginv1.Done {
	if len(r.Messages) == 0 {
		return nil
	}
	return r.Messages[len(r.Messages)-1].GetDone()
}

// Kind is the kind of the problem that the command ended with; UNSPECIFIED if it had none.
func (r *Recording) Kind() pluginv1.ProblemKind { return r.Done().GetProblem().GetKind() }

// Rows are the values of all rows.
func (r *Recording) Rows() [][]any {
	var rows [][]any
	for _, m := range r.Messages {
		if row := m.GetRow(); row != nil {
			values := make([]any, 0, len(row.GetValues()))
			for _, v := range row.GetValues() {
				values = append(values, v.AsInterface())
			}
			rows = append(rows, values)
		}
	}
	return rows
}

// results is how many rows and fields came.
func (r *Recording) results() int {
	n := len(r.Rows())
	for _, m := range r.Messages {
		n += len(m.GetFields().GetFields())
	}
	return n
}

// CloudRequests are those that came.
func (r *Recording) CloudRequests() []*pluginv1.CloudRequest {
	var all []*pluginv1.CloudRequest
	for _, m := range r.Messages {
		if c := m.GetCloudRequest(); c != nil {
			all = append(all, c)
		}
	}
	return all
}

// Command is a Run under way.
type Command struct {
	stream   grpc.BidiStreamingClient[pluginv1.HostMessage, pluginv1.PluginMessage]
	sending  sync.Mutex
	recorded chan *Recording
}

// Run starts a command; Wait gives its result. The context is the RPC's.
func (p *Process) Run(ctx context.Context, start *pluginv1.Start, h Host) (*Command, error) {
	started := time.Now()
	stream, err := p.Client.Run(ctx)
	if err != nil {
		return nil, fmt.Errorf("calling Run: %w", err)
	}
	c := &Command{stream: stream, recorded: make(chan *Recording, 1)}
	if err := c.send(&pluginv1.HostMessage{Message: &pluginv1.HostMessage_Start{Start: start}}); err != nil {
		return nil, fmt.Errorf("sending Start: %w", err)
	}
	go func() { c.recorded <- c.record(h, started) }()
	return c, nil
}

// Wait gives the result of the command.
func (c *Command) Wait() *Recording { return <-c.recorded }

// Interrupt asks it to stop within the time.
func (c *Command) Interrupt(within time.Duration) error {
	return c.send(&pluginv1.HostMessage{Message: &pluginv1.HostMessage_Interrupt{
		Interrupt: &pluginv1.Interrupt{Reason: "interrupt", Deadline: timestamppb.New(time.Now().Add(within))},
	}})
}

func (c *Command) send(m *pluginv1.HostMessage) error {
	c.sending.Lock()
	defer c.sending.Unlock()
	return c.stream.Send(m)
}

func (c *Command) record(h Host, started time.Time) *Recording {
	r := &Recording{Started: started}
	for {
		m, err := c.stream.Recv()
		if errors.Is(err, io.EOF) {
			return r
		}
		if err != nil {
			r.Err = err
			return r
		}
		r.Messages, r.At = append(r.Messages, m), append(r.At, time.Now())
		if h.See != nil {
			h.See(m)
		}
		if reply := h.reply(m); reply != nil {
			_ = c.send(reply) // the end of the stream shows in Recv
		}
	}
}

// reply is the host's answer to a message; nil for one that needs none.
func (h Host) reply(m *pluginv1.PluginMessage) *pluginv1.HostMessage {
	switch of := m.GetMessage().(type) {
	case *pluginv1.PluginMessage_Prompt:
		answer := &pluginv1.Answer{}
		if h.Prompt != nil {
			answer = proto.CloneOf(h.Prompt(of.Prompt))
		}
		answer.Id = of.Prompt.GetId()
		return &pluginv1.HostMessage{Message: &pluginv1.HostMessage_Answer{Answer: answer}}
	case *pluginv1.PluginMessage_CloudRequest:
		return &pluginv1.HostMessage{Message: &pluginv1.HostMessage_CloudReply{CloudReply: h.cloudReply(of.CloudRequest)}}
	case *pluginv1.PluginMessage_StdinRequest:
		piece := &pluginv1.Stdin{Eof: true}
		if h.Stdin != nil {
			buf := make([]byte, 64<<10)
			n, err := h.Stdin.Read(buf)
			piece = &pluginv1.Stdin{Data: buf[:n], Eof: err != nil}
		}
		return &pluginv1.HostMessage{Message: &pluginv1.HostMessage_Stdin{Stdin: piece}}
	}
	return nil
}

func (h Host) cloudReply(request *pluginv1.CloudRequest) *pluginv1.CloudReply {
	refuse := func(kind pluginv1.ProblemKind, text string) *pluginv1.CloudReply {
		return &pluginv1.CloudReply{
			Id:     request.GetId(),
			Result: &pluginv1.CloudReply_Problem{Problem: &pluginv1.Problem{Kind: kind, Message: text}},
		}
	}
	if h.Cloud == nil {
		return refuse(pluginv1.ProblemKind_PROBLEM_KIND_NOT_FOUND, fmt.Sprintf("there is no cloud %q", request.GetName()))
	}
	access, err := h.Cloud(request)
	if err != nil {
		return refuse(pluginv1.ProblemKind_PROBLEM_KIND_UNAVAILABLE, err.Error())
	}
	return &pluginv1.CloudReply{Id: request.GetId(), Result: &pluginv1.CloudReply_Access{Access: access}}
}
