package session

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"unicode"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/imgctl/packer-plugin-openstack/internal/host/console"
	"github.com/imgctl/packer-plugin-openstack/internal/host/launch"
	"github.com/imgctl/packer-plugin-openstack/internal/host/redact"
	"github.com/imgctl/packer-plugin-openstack/internal/host/render"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// nowhere is a host without clouds.
type nowhere struct{}

func (nowhere) Access(context.Context, string, bool) (*pluginv1.CloudAccess, error) {
	return nil, errors.New("there is no cloud")
}

const secret = "gAAAAABnX-a-token-that-nobody-should-see"

// Whatever a plugin sends, in whatever order, the host shows it, without the secret and without
// anything that a terminal obeys, and goes on.
func FuzzMessages(f *testing.F) {
	text := secret + "\x1b[31m"
	value, err := structpb.NewValue(map[string]any{text: []any{text, 1.0, nil}})
	if err != nil {
		f.Fatal(err)
	}
	messages := []*pluginv1.PluginMessage{
		{Message: &pluginv1.PluginMessage_Columns{Columns: &pluginv1.Columns{Columns: []*pluginv1.Column{
			{Title: text, Key: "a"},
			{Title: "B", Unit: pluginv1.Unit_UNIT_SECONDS},
		}}}},
		{Message: &pluginv1.PluginMessage_Row{Row: &pluginv1.Row{Values: []*structpb.Value{structpb.NewStringValue(text), value}}}},
		{Message: &pluginv1.PluginMessage_Fields{Fields: &pluginv1.Fields{Fields: []*pluginv1.Field{{Name: text, Value: value}}}}},
		{Message: &pluginv1.PluginMessage_Text{Text: &pluginv1.Text{Text: text}}},
		{Message: &pluginv1.PluginMessage_Log{Log: &pluginv1.Log{
			Level: pluginv1.LogLevel_LOG_LEVEL_ERROR, Message: text,
			Attributes: []*pluginv1.Attribute{{Key: text, Value: value}},
		}}},
		{Message: &pluginv1.PluginMessage_Progress{Progress: &pluginv1.Progress{
			Id: "1", Label: text, Detail: text, Total: -1,
			Done: 1 << 62,
		}}},
		{Message: &pluginv1.PluginMessage_Prompt{Prompt: &pluginv1.Prompt{Id: "1", Question: text, MustType: text}}},
		{Message: &pluginv1.PluginMessage_Done{Done: &pluginv1.Done{
			Outcome: pluginv1.Outcome_OUTCOME_FAILED,
			Problem: &pluginv1.Problem{Message: text, Hint: text},
		}}},
	}
	var all []byte
	for _, m := range messages {
		one, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		all = protowire.AppendBytes(all, one)
		f.Add(protowire.AppendBytes(nil, one), uint8(len(all)))
	}
	f.Add(all, uint8(0))
	f.Fuzz(func(t *testing.T, sent []byte, choice uint8) {
		dir := t.TempDir()
		open := func(name string) *os.File {
			file, err := os.Create(dir + "/" + name)
			if err != nil {
				t.Fatal(err)
			}
			return file
		}
		in, out, stderr := open("in"), open("out"), open("err")
		defer func() { in.Close(); out.Close(); stderr.Close() }()
		redactor := &redact.Redactor{}
		redactor.Add(secret)
		c := console.New(in, out, stderr, func(string) string { return "" })
		c.Redact = redactor.String
		format := []string{"table", "json", "yaml", "csv", "value", "shell"}[choice%6]
		kind := pluginv1.CommandKind(1 + choice/6%4)
		ctx, cancel := context.WithCancel(t.Context())
		s := &session{
			Command: Command{
				Process: &launch.Process{}, Console: c, Clouds: nowhere{}, Redactor: redactor,
				Format: render.Options{Format: format, MaxWidth: int(choice)}, Asker: "plugin x",
				Spec:  &pluginv1.Command{Kind: kind, Columns: []*pluginv1.Column{{Title: "A"}, {Title: "B"}}},
				Start: &pluginv1.Start{AssumeYes: choice%2 == 0},
			},
			ctx: ctx, cancel: cancel, send: make(chan *pluginv1.HostMessage, unread), interrupted: make(chan struct{}),
			outcome: make(chan *pluginv1.Done, 1),
		}
		defer cancel()
		s.Trace = true
		s.trace = newTracer(s.Command)
		s.results.init(s.Command)
		var done *pluginv1.Done
		for done == nil && len(sent) > 0 {
			one, n := protowire.ConsumeBytes(sent)
			m := &pluginv1.PluginMessage{}
			if n < 0 || proto.Unmarshal(one, m) != nil {
				break
			}
			sent = sent[n:]
			if m.GetCloudRequest() != nil || m.GetStdinRequest() != nil || m.GetSecret() != nil {
				continue // answered by others at their own time; and a secret like "|" changes everything
			}
			s.trace.fromPlugin(m)
			done = s.handle(m)
		}
		err := s.end(done, nil)
		if err != nil {
			c.Say(err.Error())
		}
		shown := ""
		for _, file := range []*os.File{out, stderr} {
			if _, err := file.Seek(0, io.SeekStart); err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), secret) {
				t.Errorf("%s: the secret is in %q", format, text)
			}
			if file == stderr && kind != pluginv1.CommandKind_COMMAND_KIND_RAW || format == "table" &&
				kind != pluginv1.CommandKind_COMMAND_KIND_RAW {
				shown += string(text)
			}
		}
		if i := strings.IndexFunc(shown, func(r rune) bool { return r != '\n' && r != '\t' && unicode.IsControl(r) }); i >= 0 {
			t.Errorf("%s: a control character at %d of %q", format, i, shown)
		}
	})
}
