package fault

import "fmt"

// Advice says what to do next: text with references to options and actions, which each door spells for its
// user. The zero value is no advice.
type Advice struct{ text text }

// Advise makes advice; format and args are fmt.Sprintf's. Among args may be Option, Setting and
// Action.
func Advise(format string, args ...any) Advice { return Advice{text{format, args}} }

// IsZero reports whether there is no advice.
func (a Advice) IsZero() bool { return a.text.format == "" }

// String is the advice in neutral spelling.
func (a Advice) String() string { return a.Spell(Neutral) }

// Spell is the advice in a door's spelling.
func (a Advice) Spell(s Speller) string { return a.text.spell(s) }

func adviceOf[A string | Advice](a A) Advice {
	if advice, ok := any(a).(Advice); ok {
		return advice
	}
	if prose, _ := any(a).(string); prose != "" {
		return Advise("%s", prose)
	}
	return Advice{}
}

// text is a format and its arguments, some of which are references.
type text struct {
	format string
	args   []any
}

func (t text) spell(s Speller) string { return Sprintf(s, t.format, t.args...) }

// Sprintf is fmt.Sprintf with the references in args in a door's spelling. %w works like %v.
func Sprintf(s Speller, format string, args ...any) string {
	return fmt.Errorf(format, spelled(args, s, "")...).Error()
}

// spelled are args with each reference and each error in the door's spelling. Advice that is shown
// separately is left out of errors.
func spelled(args []any, s Speller, apart string) []any {
	out := make([]any, len(args))
	for i, arg := range args {
		switch arg := arg.(type) {
		case reference:
			out[i] = arg.spell(s)
		case Advice:
			out[i] = arg.Spell(s)
		case error:
			out[i] = words{arg, message(arg, s, apart)}
		default:
			out[i] = arg
		}
	}
	return out
}
