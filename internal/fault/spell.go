package fault

import (
	"cmp"
	"fmt"
	"strings"
)

// Spell is err in a door's spelling: the message and, separately, the advice, "" if there is none. If the
// parts of err have different advice, each advice stays in the message.
func Spell(err error, s Speller) (text, advice string) {
	advice = advised(err, s)
	return message(err, s, advice), advice
}

// Spelled is err with its text in a door's spelling; its chain stays the same. nil stays nil.
func Spelled(err error, s Speller) error {
	if err == nil {
		return nil
	}
	return words{err, message(err, s, "")}
}

// advised is the outermost advice in err; "" even if several parts advise differently.
func advised(err error, s Speller) string {
	if e, ok := err.(*Error); ok && !e.Advice.IsZero() { //nolint:errorlint // the tree is walked node by node
		return e.Advice.Spell(s)
	}
	found := ""
	for _, part := range parts(err) {
		advice := advised(part, s)
		if found != "" && advice != "" && advice != found {
			return ""
		}
		found = cmp.Or(found, advice)
	}
	return found
}

// message is err in a door's spelling, without the advice that is shown separately.
func message(err error, s Speller, apart string) string {
	var e *Error
	switch known := err.(type) { //nolint:errorlint // the tree is walked node by node
	case *Error:
		e = known
	case words:
		return known.text // in a door's words already
	default:
		return around(err, s, apart)
	}
	var text string
	if e.message != nil {
		text = fmt.Errorf(e.message.format, spelled(e.message.args, s, apart)...).Error()
	} else {
		text = message(e.Err, s, apart)
	}
	if advice := e.Advice.Spell(s); advice != "" && advice != apart {
		text += "; " + advice
	}
	return text
}

// around is the text of an error that isn't ours: its own, with that of the errors which it wraps in
// a door's words. Each of them stands in it as it is, for that is how Go wraps errors.
func around(err error, s Speller, apart string) string {
	var b strings.Builder
	rest := err.Error()
	for _, part := range parts(err) {
		before, after, found := strings.Cut(rest, part.Error())
		if !found {
			continue
		}
		b.WriteString(before)
		b.WriteString(message(part, s, apart))
		rest = after
	}
	return b.String() + rest
}

// words is an error under another text.
type words struct {
	error
	text string
}

func (w words) Error() string { return w.text }
func (w words) Unwrap() error { return w.error }
