package sdk

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/manifest"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// server answers the host's calls for one plugin.
type server struct {
	pluginv1.UnimplementedPluginServer
	plugin   Plugin
	manifest *pluginv1.Manifest
	life     *life
	redirect func() // of what the plugin prints, once
}

func newServer(p Plugin, l *life) *server {
	stderr := os.Stderr
	return &server{plugin: p, manifest: p.manifest(), life: l, redirect: sync.OnceFunc(func() {
		// go-plugin has replaced both by pipes of its own, which nobody empties when the host is gone:
		// what prints would hang. The real standard error is a pipe that breaks then.
		os.Stdout, os.Stderr = stderr, stderr
	})}
}

func (s *server) Describe(context.Context, *pluginv1.DescribeRequest) (*pluginv1.Manifest, error) {
	return s.manifest, nil
}

// find gives the command of the path, and its description; nil if there is none.
func (s *server) find(path []string) (*Command, *pluginv1.Command) {
	i := slices.IndexFunc(s.manifest.GetCommands(), func(c *pluginv1.Command) bool { return slices.Equal(c.GetPath(), path) })
	if i < 0 {
		return nil, nil
	}
	return &s.plugin.Commands[i], s.manifest.GetCommands()[i]
}

func (s *server) Complete(ctx context.Context, r *pluginv1.CompleteRequest) (reply *pluginv1.CompleteReply, err error) {
	s.redirect()
	command, description := s.find(r.GetPath())
	if command == nil || command.Complete == nil {
		return &pluginv1.CompleteReply{}, nil
	}
	defer func() {
		if p := recover(); p != nil {
			err = status.Errorf(codes.Internal, "completing %s: %v", manifest.Path(description), p)
		}
	}()
	in := &Input{
		ctx: ctx, start: &pluginv1.Start{Path: r.GetPath(), Args: r.GetArgs(), Flags: r.GetFlags()},
		bound: manifest.BindPartly(description, r.GetArgs(), r.GetFlags()), clouds: given(r.GetClouds()),
	}
	what := Completing{Flag: r.GetFlag(), Prefix: r.GetPrefix()}
	if _, ok := r.GetTarget().(*pluginv1.CompleteRequest_Argument); ok {
		what.Arg = argument(description, int(r.GetArgument()))
	}
	found, err := command.Complete(ctx, in, what)
	if err != nil {
		return nil, status.Errorf(codes.Unavailable, "completing %s: %v", manifest.Path(description), err)
	}
	reply = &pluginv1.CompleteReply{}
	for _, f := range found {
		if strings.HasPrefix(f.Value, r.GetPrefix()) {
			reply.Suggestions = append(reply.Suggestions, &pluginv1.Suggestion{Value: valid(f.Value), Help: valid(f.Help)})
		}
	}
	return reply, nil
}

// argument is the name of the argument that the value at the index belongs to.
func argument(c *pluginv1.Command, index int) string {
	for _, a := range c.GetArgs() {
		if a.GetMax() == 0 || index < int(a.GetMax()) {
			return a.GetName()
		}
		index -= int(a.GetMax())
	}
	return ""
}

func (s *server) Run(stream grpc.BidiStreamingServer[pluginv1.HostMessage, pluginv1.PluginMessage]) error {
	defer s.life.begin()()
	s.redirect()
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	start := first.GetStart()
	run := newSession(stream.Context(), stream, start)
	defer run.cancel()
	defer run.abandon(nil)
	if start == nil {
		return run.end(done(Fail(Internal, "", "imgctl sent %T before Start", first.GetMessage()), false))
	}
	command, description := s.find(start.GetPath())
	if command == nil {
		return run.end(done(Fail(Usage, "", "%s has no command %q", s.plugin.Name, strings.Join(start.GetPath(), " ")), false))
	}
	bound, err := manifest.Bind(description, start.GetArgs(), start.GetFlags())
	if err != nil {
		return run.end(done(&Problem{Kind: Usage, Err: err}, false))
	}
	in := &Input{ctx: run.ctx, start: start, bound: bound, run: run, clouds: fromHost(run, manifest.Path(description))}
	out := newOutput(run, description, start)
	go run.listen()
	return run.end(out.outcome(carryOut(run.ctx, command, in, out)))
}

// carryOut runs the command, and makes an error of a panic, with the stack in the log.
func carryOut(ctx context.Context, c *Command, in *Input, out *Output) (err error) {
	defer func() {
		if p := recover(); p != nil {
			out.Log().Error("panic", slog.Any("value", fmt.Sprint(p)), slog.String("stack", string(debug.Stack())))
			err = Fail(Internal, "this is a defect of the plugin; please report it to its vendor", "%s: the plugin failed: %v", c.Path, p)
		}
	}()
	return c.Run(ctx, in, out)
}
