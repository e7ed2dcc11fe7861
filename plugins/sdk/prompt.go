package sdk

import (
	"context"
	"errors"

	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// ErrDeclined is what Ask, AskSecret and Choose return if the user declines or nobody can be asked. A
// command whose Confirm was declined returns it, too.
var ErrDeclined = &Problem{
	Kind: Cancelled, Err: errors.New("declined"),
	Hint: "nothing was changed; answer yes, or pass --yes without a terminal",
}

// Confirm asks a yes-or-no question. With --yes the host says yes, without terminal no.
func (o *Output) Confirm(ctx context.Context, question string) (bool, error) {
	answer, err := o.prompt(ctx, &pluginv1.Prompt{Kind: pluginv1.PromptKind_PROMPT_KIND_CONFIRM, Question: question})
	return answer.GetAccepted(), err
}

// ConfirmDestroy asks before an irreversible change. If mustType isn't empty, the user has to type it, such
// as an image's name, and --yes doesn't count.
func (o *Output) ConfirmDestroy(ctx context.Context, question, mustType string) (bool, error) {
	answer, err := o.prompt(ctx, &pluginv1.Prompt{
		Kind: pluginv1.PromptKind_PROMPT_KIND_CONFIRM, Question: question, Destructive: true, MustType: valid(mustType),
	})
	return answer.GetAccepted(), err
}

// Ask asks for a line of text; def is taken if the user only presses Enter.
func (o *Output) Ask(ctx context.Context, question, def string) (string, error) {
	return o.text(ctx, &pluginv1.Prompt{Kind: pluginv1.PromptKind_PROMPT_KIND_TEXT, Question: question, Default: valid(def)})
}

// AskSecret asks for a secret, which is typed without echo.
func (o *Output) AskSecret(ctx context.Context, question string) (Secret, error) {
	text, err := o.text(ctx, &pluginv1.Prompt{Kind: pluginv1.PromptKind_PROMPT_KIND_SECRET, Question: question})
	return NewSecret(text), err
}

// Choose asks for one of the choices.
func (o *Output) Choose(ctx context.Context, question, def string, choices ...string) (string, error) {
	prompt := &pluginv1.Prompt{Kind: pluginv1.PromptKind_PROMPT_KIND_CHOICE, Question: question, Default: valid(def)}
	for _, c := range choices {
		prompt.Choices = append(prompt.Choices, valid(c))
	}
	return o.text(ctx, prompt)
}

func (o *Output) text(ctx context.Context, p *pluginv1.Prompt) (string, error) {
	answer, err := o.prompt(ctx, p)
	if err != nil {
		return "", err
	}
	if !answer.GetAccepted() {
		return "", ErrDeclined
	}
	return answer.GetText(), nil
}

func (o *Output) prompt(ctx context.Context, p *pluginv1.Prompt) (*pluginv1.Answer, error) {
	p.Id, p.Question = o.run.nextID("prompt-"), valid(p.GetQuestion())
	m, err := o.run.ask(ctx, p.GetId(), &pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Prompt{Prompt: p}})
	if err != nil {
		return nil, err
	}
	return m.GetAnswer(), nil
}
