//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/handshake"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

type stream = grpc.BidiStreamingServer[pluginv1.HostMessage, pluginv1.PluginMessage]

// raw is a plugin without the SDK, which wouldn't let it do what it does.
type raw struct {
	pluginv1.UnimplementedPluginServer
	manifest func() *pluginv1.Manifest
	run      func(*pluginv1.Start, stream) error
}

func (r *raw) Describe(context.Context, *pluginv1.DescribeRequest) (*pluginv1.Manifest, error) {
	return r.manifest(), nil
}

func (r *raw) Run(s stream) error {
	m, err := s.Recv()
	if err != nil {
		return err
	}
	start := m.GetStart()
	if r.run == nil || strings.Join(start.GetPath(), " ") != strings.Join(r.manifest().GetCommands()[0].GetPath(), " ") {
		return fail(s, pluginv1.ProblemKind_PROBLEM_KIND_USAGE, "there is no such command")
	}
	return r.run(start, s)
}

func init() {
	sins["hangs"] = func() { serve(&raw{manifest: func() *pluginv1.Manifest { stay(); return nil }}, true) }
	sins["fickle"] = func() {
		serve(&raw{manifest: func() *pluginv1.Manifest {
			return describe("fickle", pluginv1.CommandKind_COMMAND_KIND_ACTION, fmt.Sprintf("It is %d o'clock", time.Now().UnixNano()))
		}}, true)
	}
	for name, c := range map[string]struct {
		kind pluginv1.CommandKind
		run  func(*pluginv1.Start, stream) error
	}{
		"endless": {pluginv1.CommandKind_COMMAND_KIND_ACTION, func(_ *pluginv1.Start, s stream) error { return text(s, "that was it") }},
		"crash": {pluginv1.CommandKind_COMMAND_KIND_ACTION, func(_ *pluginv1.Start, s stream) error {
			_ = text(s, "so far so good")
			fmt.Fprintln(os.Stderr, "panic: out of luck")
			os.Exit(2)
			return nil
		}},
		"deaf": {pluginv1.CommandKind_COMMAND_KIND_ACTION, func(_ *pluginv1.Start,
			s stream,
		) error {
			_ = text(s, "not listening")
			stay()
			return nil
		}},
		"narrow": {pluginv1.CommandKind_COMMAND_KIND_LIST, func(_ *pluginv1.Start, s stream) error { _ = row(s, "a"); return end(s) }},
		"broad": {pluginv1.CommandKind_COMMAND_KIND_LIST, func(_ *pluginv1.Start, s stream) error {
			_ = row(s, "a", "b", "c")
			return end(s)
		}},
		"partial": {pluginv1.CommandKind_COMMAND_KIND_LIST, func(_ *pluginv1.Start, s stream) error {
			return rowsUntilInterrupted(s, "a", 10*time.Millisecond)
		}},
		"hoard": {pluginv1.CommandKind_COMMAND_KIND_LIST, func(_ *pluginv1.Start, s stream) error {
			return rowsUntilInterrupted(s, strings.Repeat("x", 1<<20), 0)
		}},
		"twice": {pluginv1.CommandKind_COMMAND_KIND_LIST, func(_ *pluginv1.Start,
			s stream,
		) error {
			_ = end(s)
			_ = row(s, "a", "b")
			return end(s)
		}},
		"mixed": {pluginv1.CommandKind_COMMAND_KIND_SHOW, func(_ *pluginv1.Start, s stream) error {
			_ = row(s, "a", "b")
			_ = s.Send(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Chunk{Chunk: &pluginv1.Chunk{Data: []byte("c")}}})
			return end(s)
		}},
		"flood": {pluginv1.CommandKind_COMMAND_KIND_ACTION, func(_ *pluginv1.Start, s stream) error {
			for i := range 1000 {
				_ = s.Send(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Progress{Progress: &pluginv1.Progress{
					Id: "p", Label: "flood", Done: int64(i), State: pluginv1.ProgressState_PROGRESS_STATE_RUNNING,
				}}})
			}
			return end(s)
		}},
		"vague": {pluginv1.CommandKind_COMMAND_KIND_ACTION, func(_ *pluginv1.Start, s stream) error {
			return s.Send(done(&pluginv1.Done{Outcome: pluginv1.Outcome_OUTCOME_FAILED}))
		}},
	} {
		sins[name] = func() {
			serve(&raw{manifest: func() *pluginv1.Manifest { return describe(name, c.kind, "Break a rule") }, run: c.run}, true)
		}
	}
	sins["orphan"] = func() {
		serve(&raw{
			manifest: func() *pluginv1.Manifest { return describe("orphan", pluginv1.CommandKind_COMMAND_KIND_ACTION, "Stay") },
			run:      func(_ *pluginv1.Start, s stream) error { return end(s) },
		}, false)
	}
	sins["lenient"] = func() { serve(lenient{}, true) }
	sins["eager"] = func() {
		m := describe("eager", pluginv1.CommandKind_COMMAND_KIND_ACTION, "Ask first, think later")
		m.Commands[0].Args = []*pluginv1.Arg{{Name: "IMAGE", Help: "an image", Min: 1, Max: 1}}
		serve(&raw{manifest: func() *pluginv1.Manifest { return m }, run: func(start *pluginv1.Start, s stream) error {
			request := &pluginv1.PluginMessage_CloudRequest{CloudRequest: &pluginv1.CloudRequest{Id: "1"}}
			_ = s.Send(&pluginv1.PluginMessage{Message: request})
			if len(start.GetArgs()) == 0 {
				return fail(s, pluginv1.ProblemKind_PROBLEM_KIND_USAGE, "an image is missing")
			}
			return end(s)
		}}, true)
	}
	sins["reserved"] = func() {
		m := describe("reserved", pluginv1.CommandKind_COMMAND_KIND_ACTION, "Claim --format")
		m.Commands[0].Flags = []*pluginv1.Flag{{Name: "format", Type: pluginv1.FlagType_FLAG_TYPE_STRING, Help: "mine now"}}
		serve(&raw{manifest: func() *pluginv1.Manifest { return m }, run: func(_ *pluginv1.Start, s stream) error { return end(s) }}, true)
	}
	sins["shadow"] = func() {
		m := describe("shadow", pluginv1.CommandKind_COMMAND_KIND_ACTION, "Pretend to list what is shared")
		m.Commands[0].Path = []string{"share", "list"}
		serve(&raw{manifest: func() *pluginv1.Manifest { return m }, run: func(_ *pluginv1.Start, s stream) error {
			_ = text(s, "nothing is shared, believe me")
			return end(s)
		}}, true)
	}
	sins["shapeless"] = func() {
		serve(&raw{manifest: func() *pluginv1.Manifest {
			c := &pluginv1.Command{
				Path: []string{"Hostile", "--shapeless"}, Short: strings.Repeat("long ", 20),
				Args: []*pluginv1.Arg{{Name: "MANY"}, {Name: "ONE", Min: 2, Max: 1}},
				Flags: []*pluginv1.Flag{
					{Name: "Upper"},
					{Name: "os-token", Short: "f"},
					{Name: "pick", Type: pluginv1.FlagType_FLAG_TYPE_ENUM, Default: "x"},
				},
			}
			return &pluginv1.Manifest{Name: "Shape less", Version: "one", Commands: []*pluginv1.Command{c, c}}
		}, run: func(_ *pluginv1.Start, s stream) error { return end(s) }}, true)
	}
}

func rowsUntilInterrupted(s stream, value string, pause time.Duration) error {
	interrupted := make(chan struct{})
	go func() {
		defer close(interrupted)
		for m, err := s.Recv(); err == nil && m.GetInterrupt() == nil; m, err = s.Recv() {
		}
	}()
	for {
		if err := row(s, value, "b"); err != nil {
			return err
		}
		select {
		case <-interrupted:
			return end(s)
		case <-time.After(pause):
		}
	}
}

// lenient takes whatever it is told to run.
type lenient struct {
	pluginv1.UnimplementedPluginServer
}

func (lenient) Describe(context.Context, *pluginv1.DescribeRequest) (*pluginv1.Manifest, error) {
	m := describe("lenient", pluginv1.CommandKind_COMMAND_KIND_ACTION, "Take anything")
	m.Commands[0].Args = []*pluginv1.Arg{{Name: "IMAGE", Help: "an image", Min: 1, Max: 1}}
	return m, nil
}

func (lenient) Run(s stream) error {
	if _, err := s.Recv(); err != nil {
		return err
	}
	return end(s)
}

// describe is a manifest with one command, "hostile NAME", which is right as far as it goes.
func describe(name string, kind pluginv1.CommandKind, short string) *pluginv1.Manifest {
	c := &pluginv1.Command{Path: []string{"hostile", name}, Kind: kind, Short: short, Danger: pluginv1.Danger_DANGER_NONE}
	if kind == pluginv1.CommandKind_COMMAND_KIND_LIST {
		c.Columns = []*pluginv1.Column{{Title: "A"}, {Title: "B"}}
	}
	return &pluginv1.Manifest{Name: name, Version: "1.0.0", Vendor: "hostile.example", Commands: []*pluginv1.Command{c}}
}

func done(d *pluginv1.Done) *pluginv1.PluginMessage {
	return &pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Done{Done: d}}
}

func end(s stream) error {
	return s.Send(done(&pluginv1.Done{Outcome: pluginv1.Outcome_OUTCOME_SUCCEEDED}))
}

func fail(s stream, kind pluginv1.ProblemKind, message string) error {
	return s.Send(done(&pluginv1.Done{Outcome: pluginv1.Outcome_OUTCOME_FAILED, Problem: &pluginv1.Problem{Kind: kind, Message: message}}))
}

func text(s stream, text string) error {
	return s.Send(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Text{Text: &pluginv1.Text{Text: text}}})
}

func row(s stream, values ...string) error {
	r := &pluginv1.Row{}
	for _, v := range values {
		r.Values = append(r.Values, structpb.NewStringValue(v))
	}
	return s.Send(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Row{Row: r}})
}

// serve serves without the SDK. A mortal one ends when its parent isn't its parent any more.
func serve(s pluginv1.PluginServer, mortal bool) {
	if parent := os.Getppid(); mortal {
		go func() {
			for range time.Tick(50 * time.Millisecond) {
				if os.Getppid() != parent {
					os.Exit(0)
				}
			}
		}()
	}
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: handshake.Config(), VersionedPlugins: handshake.Plugins(s),
		Logger: hclog.NewNullLogger(), GRPCServer: plugin.DefaultGRPCServer,
	})
}
