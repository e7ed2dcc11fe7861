package fault

import (
	"fmt"
	"slices"
	"strings"
)

// Speller is how a door writes options and actions for its user.
type Speller interface {
	// Option is how the user names an option, such as image_name or --name.
	Option(name string) string
	// Setting is how the user gives an option a value, such as image_name = "web" or --name web.
	Setting(name string, value any) string
	// Action is how the user has an action done, such as imgctl share resume web.
	Action(a Action) string
}

// reference is what a door spells.
type reference interface{ spell(s Speller) string }

// Option is an option by its canonical name: lower case, words joined by underscores.
type Option string

func (o Option) spell(s Speller) string { return s.Option(string(o)) }
func (o Option) String() string         { return o.spell(Neutral) }

// Setting is an option with a value: a string, a number, a bool or a []string.
type Setting struct {
	Name  string
	Value any
}

// Set is the setting of an option.
func Set(name string, value any) Setting { return Setting{name, value} }

func (o Setting) spell(s Speller) string { return s.Setting(o.Name, o.Value) }
func (o Setting) String() string         { return o.spell(Neutral) }

// Action is something that the user can have done: the subject, the verb, and what it is done to.
type Action struct {
	Subject, Verb string
	Objects       []string
	Settings      []Setting
}

// Do is an action, such as share resume IMAGE.
func Do(subject, verb string, objects ...string) Action {
	return Action{Subject: subject, Verb: verb, Objects: objects}
}

// With adds a setting to the action.
func (a Action) With(name string, value any) Action {
	a.Settings = append(slices.Clip(a.Settings), Setting{name, value})
	return a
}

// Words are the subject, the verb and the objects; objects that a shell would split are quoted.
func (a Action) Words() string {
	all := strings.Fields(a.Subject + " " + a.Verb)
	for _, word := range a.Objects {
		switch {
		case word == "":
		case strings.ContainsFunc(word, special):
			all = append(all, "'"+strings.ReplaceAll(word, "'", `'\''`)+"'")
		default:
			all = append(all, word)
		}
	}
	return strings.Join(all, " ")
}

func special(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=@%+,", r))
}

func (a Action) spell(s Speller) string { return s.Action(a) }
func (a Action) String() string         { return a.spell(Neutral) }

// Neutral is the spelling without a door, for logs and the like.
var Neutral Speller = neutral{}

type neutral struct{}

func (neutral) Option(name string) string { return name }

func (neutral) Setting(name string, value any) string { return fmt.Sprintf("%s = %v", name, value) }

func (neutral) Action(a Action) string {
	words := []string{a.Words()}
	for _, s := range a.Settings {
		words = append(words, fmt.Sprintf("(%s = %v)", s.Name, s.Value))
	}
	return strings.Join(words, " ")
}
