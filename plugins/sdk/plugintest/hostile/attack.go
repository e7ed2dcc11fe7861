//go:build unix

package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// paint is text that a terminal would obey: it clears the screen, in both forms of the escape, sets
// the title, and turns round what follows.
const paint = "\x1b[2J\u009b31m\x1b]0;owned\x07\u202e\r"

// These attack the user, by way of the host.
func init() {
	sins["painter"] = func() {
		m := describe("painter", pluginv1.CommandKind_COMMAND_KIND_LIST, "Paint"+paint)
		m.Vendor, m.Homepage = "vendor"+paint, "https://example"+paint
		c := m.GetCommands()[0]
		c.Long, c.Group = "Long"+paint, "Group"+paint
		c.Examples = []*pluginv1.Example{{Text: "text" + paint, Command: "imgctl" + paint}}
		c.Args = []*pluginv1.Arg{{
			Name: "ARG", Help: "argument" + paint, Max: 1, Completion: pluginv1.Completion_COMPLETION_STATIC,
			Values: []string{"x" + paint},
		}}
		c.Columns = []*pluginv1.Column{{Title: "A" + paint}, {Title: "B"}}
		c.Flags = []*pluginv1.Flag{
			{Name: "old", Type: pluginv1.FlagType_FLAG_TYPE_BOOL, Help: "flag" + paint, Deprecated: "deprecated" + paint},
			{
				Name: "pick", Type: pluginv1.FlagType_FLAG_TYPE_ENUM, Help: "flag" + paint, Default: "x" + paint,
				Values: []string{"x" + paint, "y"}, ValueName: "NAME" + paint,
			},
		}
		serve(&raw{manifest: func() *pluginv1.Manifest { return m }, run: paintAll}, true)
	}
	sins["forger"] = func() {
		m := describe("forger", pluginv1.CommandKind_COMMAND_KIND_ACTION, "Be good\n  sha256    0000000000000000")
		m.Vendor = "good.example\n  sha256    0000000000000000\nTrust plugin forger? [y/N] y"
		m.Version = "1.0.0"
		c := m.GetCommands()[0]
		c.Aliases, c.Danger = []string{"list"}, pluginv1.Danger_DANGER_DESTROYS
		c.Needs = []pluginv1.Need{pluginv1.Need_NEED_ENVIRONMENT, pluginv1.Need_NEED_STDIN, pluginv1.Need_NEED_CLOUDS}
		c.Flags = []*pluginv1.Flag{{
			Name: "harvest", Type: pluginv1.FlagType_FLAG_TYPE_STRING, Help: "nothing", Hidden: true,
			Env: "GITHUB_TOKEN",
		}, {
			Name: "pick", Type: pluginv1.FlagType_FLAG_TYPE_ENUM, Help: "one of them", Values: []string{"x\n  sha256    0000000000000000"},
			Default: "x\n  sha256    0000000000000000",
		}}
		serve(&raw{manifest: func() *pluginv1.Manifest { return m }, run: func(_ *pluginv1.Start, s stream) error { return end(s) }}, true)
	}
	sins["usurper"] = func() { // has "demo usurper", which is also called "demo rows"
		m := describe("usurper", pluginv1.CommandKind_COMMAND_KIND_ACTION, "Take another's place")
		m.Commands[0].Path, m.Commands[0].Aliases = []string{"demo", "usurper"}, []string{"rows"}
		serve(&raw{manifest: func() *pluginv1.Manifest { return m }, run: func(_ *pluginv1.Start, s stream) error { return end(s) }}, true)
	}
	sins["legion"] = func() {
		m := describe("legion", pluginv1.CommandKind_COMMAND_KIND_ACTION, "One of many")
		first := m.GetCommands()[0]
		for i := range 20_000 {
			m.Commands = append(m.Commands, &pluginv1.Command{
				Path: []string{"hostile", fmt.Sprintf("n%d", i)}, Kind: first.GetKind(),
				Short: first.GetShort(),
			})
		}
		serve(&raw{manifest: func() *pluginv1.Manifest { return m }, run: func(_ *pluginv1.Start, s stream) error { return end(s) }}, true)
	}
	for name, run := range map[string]func(*pluginv1.Start, stream) error{
		"heavy": func(_ *pluginv1.Start, s stream) error { _ = row(s, strings.Repeat("x", 100<<20), ""); return end(s) },
		"wide": func(_ *pluginv1.Start, s stream) error {
			_ = row(s, strings.Repeat("word ", 600<<10), "b")
			return end(s)
		},
		"long":    func(_ *pluginv1.Start, s stream) error { _ = row(s, strings.Repeat("x", 3<<20), "b"); return end(s) },
		"torrent": func(_ *pluginv1.Start, s stream) error { return pour(s) },
	} {
		sins[name] = func() {
			serve(&raw{manifest: func() *pluginv1.Manifest {
				return describe(name, pluginv1.CommandKind_COMMAND_KIND_LIST, "Send too much")
			}, run: run}, true)
		}
	}
	sins["lure"] = func() {
		sdk.Main(sdk.Plugin{Name: "lure", Version: "1.0.0", Vendor: "hostile.example", Commands: []sdk.Command{{
			Path: "hostile lure", Kind: sdk.Action, Short: "Suggest what HEX is in hexadecimal",
			Args: []sdk.Arg{sdk.One("HEX", "a name in hexadecimal"), sdk.One("NAME", "the name").Completes(sdk.CompleteDynamically)},
			Run:  func(context.Context, *sdk.Input, *sdk.Output) error { return nil },
			Complete: func(_ context.Context, in *sdk.Input, _ sdk.Completing) ([]sdk.Suggestion, error) {
				name, err := hex.DecodeString(in.Args()[0])
				return []sdk.Suggestion{{Value: string(name), Help: "help $(touch canary) `touch canary`" + paint}}, err
			},
		}}})
	}
	withSDK("daemon", sdk.Reads, func(_ context.Context, _ *sdk.Input, out *sdk.Output) error {
		child := exec.CommandContext(context.Background(), "sleep", "600") // it is to outlive the command
		child.Env = []string{}
		child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := child.Start(); err != nil {
			return err
		}
		out.Field("pid", child.Process.Pid)
		return nil
	})
	withSDK("scribe", sdk.Reads, func(_ context.Context, _ *sdk.Input, out *sdk.Output) error {
		tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
		if err == nil {
			fmt.Fprint(tty, "the plugin writes to the terminal")
		}
		out.Field("opened", err == nil)
		return nil
	})
}

// paintAll sends paint in every kind of message that has text.
func paintAll(_ *pluginv1.Start, s stream) error {
	object, err := structpb.NewValue(map[string]any{"key" + paint: []any{"value" + paint}})
	if err != nil {
		return err
	}
	for _, m := range []*pluginv1.PluginMessage{
		{Message: &pluginv1.PluginMessage_Text{Text: &pluginv1.Text{Text: "text" + paint}}},
		{Message: &pluginv1.PluginMessage_Log{Log: &pluginv1.Log{
			Level: pluginv1.LogLevel_LOG_LEVEL_WARN, Message: "log" + paint,
			Attributes: []*pluginv1.Attribute{{Key: "key" + paint, Value: object}},
		}}},
		{Message: &pluginv1.PluginMessage_Progress{Progress: &pluginv1.Progress{
			Id: "1", Label: "label" + paint, Detail: "detail" + paint,
			State: pluginv1.ProgressState_PROGRESS_STATE_FAILED,
		}}},
		{Message: &pluginv1.PluginMessage_Prompt{Prompt: &pluginv1.Prompt{
			Id: "1", Kind: pluginv1.PromptKind_PROMPT_KIND_CHOICE, Question: "question" + paint, Default: "default" + paint,
			Choices: []string{"choice" + paint},
		}}},
	} {
		if err := s.Send(m); err != nil {
			return err
		}
	}
	if _, err := s.Recv(); err != nil { // the answer
		return err
	}
	fmt.Fprintln(os.Stderr, "stderr"+paint)
	row := &pluginv1.Row{Values: []*structpb.Value{structpb.NewStringValue("row" + paint), object}}
	if err := s.Send(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Row{Row: row}}); err != nil {
		return err
	}
	return s.Send(done(&pluginv1.Done{Outcome: pluginv1.Outcome_OUTCOME_FAILED, Problem: &pluginv1.Problem{
		Message: "problem" + paint, Hint: "hint" + paint,
		Details:    []*pluginv1.Detail{{Subject: "subject" + paint, Message: "detail" + paint}},
		RequestIds: []string{"req-" + paint}, DocUrl: "https://" + paint,
	}}))
}

// pour sends rows for ever, to see who stops it.
func pour(s stream) error {
	for {
		if err := row(s, strings.Repeat("x", 1<<10), "b"); err != nil {
			return err
		}
	}
}
