package fault_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

func TestErrorCarriesItsKindAndAdvice(t *testing.T) {
	t.Parallel()
	cause := errors.New("image quota reached")
	err := fmt.Errorf("adding member %q: %w", "p1", fault.Wrap(fault.Quota, "remove members first", cause))

	if !fault.Is(err, fault.Quota) || fault.KindOf(err) != fault.Quota {
		t.Errorf("kind is %s, want quota", fault.KindOf(err))
	}
	if !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
	if got, want := err.Error(), `adding member "p1": image quota reached; remove members first`; got != want {
		t.Errorf("message is %q, want %q", got, want)
	}
	message, advice := fault.Spell(err, fault.Neutral)
	if message != `adding member "p1": image quota reached` || advice != "remove members first" {
		t.Errorf("spelled: %q, %q", message, advice)
	}
}

func TestAnErrorCarriesWhatTheServiceSaid(t *testing.T) {
	t.Parallel()
	refused := &fault.Error{Kind: fault.Forbidden, Service: "no", RequestIDs: []string{"req-2"}, Err: errors.New("403")}
	other := &fault.Error{Kind: fault.Forbidden, Service: "no", RequestIDs: []string{"req-1", "req-2"}, Err: errors.New("403")}
	err := fault.About("image web", fmt.Errorf("sharing: %w", errors.Join(refused, other)))
	if got := fault.RequestIDs(err); !slices.Equal(got, []string{"req-1", "req-2"}) {
		t.Errorf("request ids %q", got)
	}
	if got := fault.ObjectOf(fmt.Errorf("more: %w", err)); got != "image web" {
		t.Errorf("it is about %q", got)
	}
	if got := fault.ObjectOf(fault.About("another", err)); got != "image web" || fault.KindOf(err) != fault.Forbidden {
		t.Errorf("told again, it is about %q (%s)", got, fault.KindOf(err))
	}
	if fault.About("x", nil) != nil {
		t.Error("about nil")
	}
}

func TestExitCode(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		err  error
		want int
	}{
		{"done", nil, 0},
		{"no kind", errors.New("x"), 1},
		{"usage", fault.New(fault.Usage, "", "x"), 2},
		{"partial", fault.New(fault.Partial, "", "x"), 3},
		{"not found", fault.New(fault.NotFound, "", "x"), 4},
		{"ambiguous", fault.New(fault.Ambiguous, "", "x"), 5},
		{"forbidden", fault.New(fault.Forbidden, "", "x"), 6},
		{"quota", fault.New(fault.Quota, "", "x"), 7},
		{"drift", fault.New(fault.Drift, "", "x"), 8},
		{"cancelled", fault.New(fault.Cancelled, "", "x"), 130},
		{"the outermost kind counts", fault.Wrap(fault.Partial, "", fault.New(fault.NotFound, "", "x")), 3},
	} {
		if got := fault.ExitCode(c.err); got != c.want {
			t.Errorf("%s: exit code %d, want %d", c.name, got, c.want)
		}
	}
}

func TestWrapKeepsNil(t *testing.T) {
	t.Parallel()
	if err := fault.Wrap(fault.Quota, "hint", nil); err != nil {
		t.Errorf("wrapping nil gave %v", err)
	}
	if err := fault.Spelled(nil, fault.Neutral); err != nil {
		t.Errorf("spelling nil gave %v", err)
	}
}

// shouting writes as no real door does, so that what it spelled can be told.
type shouting struct{}

func (shouting) Option(name string) string { return "OPTION(" + name + ")" }
func (shouting) Setting(name string, value any) string {
	return fmt.Sprintf("SET(%s, %v)", name, value)
}
func (shouting) Action(a fault.Action) string { return "DO(" + a.Words() + ")" }

func TestADoorSpellsInItsOwnWords(t *testing.T) {
	t.Parallel()
	resume := fault.Advise("resume it first, with %s", fault.Do("share", "resume", "my image"))
	suspended := fault.New(fault.Conflict, resume, "image %s is suspended", "web")
	negative := fault.New(fault.Usage, fault.Advise("set %s or %s", fault.Set("keep", 3), fault.Option("members")), "%s: %d is negative",
		fault.Option("keep"), -1)
	cut := errors.New("connection reset")
	for _, c := range []struct {
		name            string
		err             error
		message, advice string
		neutral         string
	}{
		{
			"an action", suspended, "image web is suspended", "resume it first, with DO(share resume 'my image')",
			"image web is suspended; resume it first, with share resume 'my image'",
		},
		{
			"an option in the message", negative, "OPTION(keep): -1 is negative", "set SET(keep, 3) or OPTION(members)",
			"keep: -1 is negative; set keep = 3 or members",
		},
		{
			"wrapped by Go", fmt.Errorf("promoting: %w", fmt.Errorf("checking: %w", negative)),
			"promoting: checking: OPTION(keep): -1 is negative",
			"set SET(keep, 3) or OPTION(members)", "promoting: checking: keep: -1 is negative; set keep = 3 or members",
		},
		{
			"wrapped by us", fault.New(fault.Partial, "", "%s: %w", fault.Option("file"), negative),
			"OPTION(file): OPTION(keep): -1 is negative",
			"set SET(keep, 3) or OPTION(members)", "file: keep: -1 is negative; set keep = 3 or members",
		},
		{
			"the outermost advice is shown apart", fault.Wrap(fault.Partial, "run it again", negative),
			"OPTION(keep): -1 is negative; set SET(keep, 3) or OPTION(members)", "run it again",
			"keep: -1 is negative; set keep = 3 or members; run it again",
		},
		{
			"the same advice twice", errors.Join(suspended, suspended), "image web is suspended\nimage web is suspended",
			"resume it first, with DO(share resume 'my image')",
			"image web is suspended; resume it first, with share resume 'my image'\nimage web is suspended; resume it first, with " +
				"share resume 'my image'",
		},
		{
			"several advices", errors.Join(suspended, cut, negative),
			"image web is suspended; resume it first, with DO(share resume 'my image')\nconnection reset\nOPTION(keep): -1 is " +
				"negative; set SET(keep, 3) or OPTION(members)", "",
			"image web is suspended; resume it first, with share resume 'my image'\nconnection reset\nkeep: -1 is negative; set keep " +
				"= 3 or members",
		},
		{"not ours", fmt.Errorf("reading: %w", cut), "reading: connection reset", "", "reading: connection reset"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if message, advice := fault.Spell(c.err, shouting{}); message != c.message || advice != c.advice {
				t.Errorf("message %q, want %q\nadvice %q, want %q", message, c.message, advice, c.advice)
			}
			if got := c.err.Error(); got != c.neutral {
				t.Errorf("in no door's words %q, want %q", got, c.neutral)
			}
			all := fault.Spelled(c.err, shouting{})
			if !errors.Is(all, c.err) || fault.KindOf(all) != fault.KindOf(c.err) {
				t.Error("the chain is lost")
			}
			if again := fault.Spelled(all, fault.Neutral); again.Error() != all.Error() {
				t.Errorf("spelled twice: %q, was %q", again, all)
			}
		})
	}
}

func TestAnAction(t *testing.T) {
	t.Parallel()
	a := fault.Do("share", "remove", "it's", "").With("expired", true)
	if got, want := a.String(), `share remove 'it'\''s' (expired = true)`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if b := a.With("x", 1); len(a.Settings) != 1 || len(b.Settings) != 2 {
		t.Errorf("%v, %v", a, b)
	}
}
