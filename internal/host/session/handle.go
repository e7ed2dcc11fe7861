package session

import (
	"errors"
	"io"
	"os"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/host/console"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// handle handles one message; it gives the outcome if that is it.
func (s *session) handle(m *pluginv1.PluginMessage) *pluginv1.Done {
	switch m := m.GetMessage().(type) {
	case *pluginv1.PluginMessage_Columns:
		s.written(s.results.columns(m.Columns))
	case *pluginv1.PluginMessage_Row:
		s.written(s.results.row(m.Row))
	case *pluginv1.PluginMessage_Fields:
		s.written(s.results.fields(m.Fields))
	case *pluginv1.PluginMessage_Text:
		s.written(s.results.text(m.Text.GetText()))
	case *pluginv1.PluginMessage_Chunk:
		s.written(s.results.chunk(m.Chunk))
	case *pluginv1.PluginMessage_Progress:
		s.progress(m.Progress)
	case *pluginv1.PluginMessage_Log:
		s.log(m.Log)
	case *pluginv1.PluginMessage_Prompt:
		s.prompt(m.Prompt)
	case *pluginv1.PluginMessage_CloudRequest:
		go s.cloud(m.CloudRequest)
	case *pluginv1.PluginMessage_StdinRequest:
		go s.stdin()
	case *pluginv1.PluginMessage_Secret:
		s.Redactor.Add(m.Secret.GetText())
	case *pluginv1.PluginMessage_Done:
		return m.Done
	}
	return nil
}

func (s *session) progress(p *pluginv1.Progress) {
	states := map[pluginv1.ProgressState]console.State{
		pluginv1.ProgressState_PROGRESS_STATE_DONE:    console.Done,
		pluginv1.ProgressState_PROGRESS_STATE_FAILED:  console.Failed,
		pluginv1.ProgressState_PROGRESS_STATE_SKIPPED: console.Skipped,
	}
	s.Console.Progress(console.Progress{
		ID: p.GetId(), Parent: p.GetParent(), Label: p.GetLabel(), Done: p.GetDone(), Total: p.GetTotal(),
		Bytes: p.GetUnit() == pluginv1.Unit_UNIT_BYTES, State: states[p.GetState()], Detail: p.GetDetail(),
	})
}

// cloud answers a request for access to a cloud.
func (s *session) cloud(r *pluginv1.CloudRequest) {
	reply := &pluginv1.CloudReply{Id: r.GetId()}
	access, err := s.Clouds.Access(s.ctx, r.GetName(), r.GetRefresh())
	if err != nil {
		reply.Result = &pluginv1.CloudReply_Problem{Problem: problemOf(err)}
	} else {
		reply.Result = &pluginv1.CloudReply_Access{Access: access}
	}
	s.tell(&pluginv1.HostMessage{Message: &pluginv1.HostMessage_CloudReply{CloudReply: reply}})
}

// stdin sends the next piece of standard input.
func (s *session) stdin() {
	piece := &pluginv1.Stdin{Eof: true}
	if needs(s.Spec, pluginv1.Need_NEED_STDIN) {
		buf := make([]byte, 64<<10)
		n, err := s.Console.Read(buf)
		piece.Data, piece.Eof = buf[:n], err != nil
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrClosed) {
			s.Console.Say("Warning: reading standard input: " + err.Error())
		}
	}
	s.tell(&pluginv1.HostMessage{Message: &pluginv1.HostMessage_Stdin{Stdin: piece}})
}

func needs(c *pluginv1.Command, need pluginv1.Need) bool {
	return slices.Contains(c.GetNeeds(), need)
}

// prompt answers a question: with yes if --yes allows that, otherwise by asking the user. Without a user it stays
// unanswered.
func (s *session) prompt(p *pluginv1.Prompt) {
	confirm := p.GetKind() == pluginv1.PromptKind_PROMPT_KIND_CONFIRM
	answer := &pluginv1.Answer{Id: p.GetId()}
	switch {
	case s.why() != "":
	case s.Start.GetAssumeYes() && confirm && p.GetMustType() == "":
		answer.Accepted = true
	case s.Start.GetAssumeYes() && !confirm && p.GetKind() != pluginv1.PromptKind_PROMPT_KIND_SECRET && p.GetDefault() != "":
		answer.Accepted, answer.Text = true, p.GetDefault()
	case s.Console.Interactive():
		go s.ask(p)
		return
	default:
		hint := "pass --yes, or run it on a terminal"
		if !confirm || p.GetMustType() != "" {
			hint = "run it on a terminal: this prompt needs a typed answer"
		}
		s.declined = fault.New(fault.Usage, hint, "it asked: %s", p.GetQuestion())
	}
	s.tell(&pluginv1.HostMessage{Message: &pluginv1.HostMessage_Answer{Answer: answer}})
}

func (s *session) ask(p *pluginv1.Prompt) {
	q := console.Question{Text: p.GetQuestion(), Default: p.GetDefault(), MustType: p.GetMustType()}
	switch p.GetKind() {
	case pluginv1.PromptKind_PROMPT_KIND_TEXT:
		q.Kind = console.Text
	case pluginv1.PromptKind_PROMPT_KIND_SECRET:
		q.Kind = console.Secret
	case pluginv1.PromptKind_PROMPT_KIND_CHOICE:
		q.Kind = console.Choice
	}
	q.Choices = append(q.Choices, p.GetChoices()...)
	if s.Asker != "" {
		q.Text = s.Asker + " asks: " + q.Text
	}
	text, accepted, err := s.Console.Ask(s.results.asking, q)
	if err != nil {
		accepted = false
	} else if !accepted {
		s.refused.Store(true)
	}
	if q.Kind == console.Secret {
		s.Redactor.Add(text)
	}
	s.tell(&pluginv1.HostMessage{Message: &pluginv1.HostMessage_Answer{
		Answer: &pluginv1.Answer{Id: p.GetId(), Accepted: accepted, Text: text},
	}})
}

// unanswered is the error of a command that needed an answer that nobody could give.
func (s *session) unanswered(done *pluginv1.Done) error {
	if p := done.GetProblem(); p.GetMessage() != "" {
		s.Console.Say(p.GetMessage())
	}
	return s.declined
}
