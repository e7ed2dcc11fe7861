package console

import (
	"bufio"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/term"
)

// Kind is the kind of answer.
type Kind int

// The kinds of questions.
const (
	Confirm Kind = iota
	Text
	Secret
	Choice
)

// Question is asked of the user.
type Question struct {
	Kind     Kind
	Text     string
	Default  string // if the user only presses Enter
	Choices  []string
	MustType string // a Confirm's answer instead of yes
}

type line struct {
	text string
	err  error
}

// Interactive reports whether there is somebody to ask.
func (c *Console) Interactive() bool { return c.InTTY && c.ErrTTY }

// Ask asks the question until the answer is valid. If accepted is false, the user has declined. An error
// means that there was no answer.
func (c *Console) Ask(ctx context.Context, q Question) (text string, accepted bool, err error) {
	q.MustType = c.Line(q.MustType) // as it is shown
	if q.Kind == Secret {
		defer c.hideTyping()() // before it is asked for: who types fast mustn't see it
	}
	for {
		c.prompt(q)
		answer, err := c.readLine(ctx, q.Kind == Secret)
		if err != nil {
			return "", false, err
		}
		text, accepted, complaint := q.judge(answer)
		if complaint == "" {
			return text, accepted, nil
		}
		c.Say(complaint)
	}
}

func (c *Console) prompt(q Question) {
	_ = c.Flush()
	text := c.Style(Bold, strings.ReplaceAll(q.Text, "\n", "\n  ")) // a second line can't pass for one of ours
	switch {
	case q.MustType != "":
		text += fmt.Sprintf("\nType %s to continue: ", c.Style(Bold, c.Line(q.MustType)))
	case q.Kind == Confirm && q.yes(q.Default):
		text += " [Y/n] "
	case q.Kind == Confirm:
		text += " [y/N] "
	case q.Kind == Choice:
		text += c.numbered(q.Choices) + "\nNumber or name" + c.inBrackets(q.Default) + ": "
	default:
		text += c.inBrackets(q.Default) + ": "
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hide()
	_, _ = c.err.WriteString(c.clean(text))
}

func (c *Console) numbered(choices []string) string {
	var b strings.Builder
	for i, choice := range choices {
		fmt.Fprintf(&b, "\n  %d) %s", i+1, c.Line(choice))
	}
	return b.String()
}

func (c *Console) inBrackets(s string) string {
	if s == "" {
		return ""
	}
	return " [" + c.Line(s) + "]"
}

func (q Question) yes(answer string) bool {
	return slices.Contains([]string{"y", "yes", "true"}, strings.ToLower(answer))
}

// judge interprets an answer, or says what is wrong with it.
func (q Question) judge(answer string) (text string, accepted bool, complaint string) {
	if q.Kind != Secret {
		answer = strings.TrimSpace(answer)
	}
	if answer == "" {
		answer = q.Default
	}
	switch {
	case q.MustType != "":
		return answer, answer == q.MustType, ""
	case q.Kind == Confirm:
		if q.yes(answer) {
			return answer, true, ""
		}
		if answer == "" || slices.Contains([]string{"n", "no", "false"}, strings.ToLower(answer)) {
			return answer, false, ""
		}
		return "", false, "Please answer yes or no."
	case q.Kind == Choice:
		if n, err := strconv.Atoi(answer); err == nil && n >= 1 && n <= len(q.Choices) {
			return q.Choices[n-1], true, ""
		}
		if slices.Contains(q.Choices, answer) {
			return answer, true, ""
		}
		return "", false, "Please choose one of them."
	}
	return answer, answer != "", ""
}

// readLine reads a line from standard input until ctx ends. An abandoned read continues, and its line answers
// the next question.
func (c *Console) readLine(ctx context.Context, secret bool) (string, error) {
	if c.reading == nil {
		c.reading = make(chan line, 1)
		go func(to chan<- line) {
			if secret && c.InTTY {
				text, err := term.ReadPassword(int(c.in.Fd()))
				c.Say("")
				to <- line{string(text), err}
				return
			}
			text, err := bufio.NewReader(oneByte{c.in}).ReadString('\n')
			to <- line{strings.TrimRight(text, "\r\n"), err}
		}(c.reading)
	}
	select {
	case l := <-c.reading:
		c.reading = nil
		if l.err != nil && l.text == "" {
			return "", errGone
		}
		return l.text, nil
	case <-ctx.Done():
		c.Say("")
		return "", ctx.Err()
	}
}

// hideTyping has the terminal show nothing of what is typed, where that can be done before it is read. It returns a
// function that restores the terminal's present state, even if a read was abandoned.
func (c *Console) hideTyping() func() {
	in := int(c.in.Fd())
	state, err := term.GetState(in)
	if err != nil {
		return func() {}
	}
	echoOff(in)
	return func() { _ = term.Restore(in, state) }
}

// oneByte doesn't read ahead, so that what follows the line is left for others.
type oneByte struct {
	r interface{ Read([]byte) (int, error) }
}

func (o oneByte) Read(p []byte) (int, error) { return o.r.Read(p[:1]) }
