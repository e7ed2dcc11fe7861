package fault

import (
	"errors"
	"fmt"
	"testing"
)

func TestErrorCarriesItsKindAndHint(t *testing.T) {
	t.Parallel()
	cause := errors.New("image quota reached")
	err := fmt.Errorf("adding member %q: %w", "p1", Wrap(Quota, "remove members first", cause))

	if !Is(err, Quota) || KindOf(err) != Quota {
		t.Errorf("kind is %s, want quota", KindOf(err))
	}
	if got := Hint(err); got != "remove members first" {
		t.Errorf("hint is %q", got)
	}
	if !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
	if got, want := err.Error(), `adding member "p1": image quota reached; remove members first`; got != want {
		t.Errorf("message is %q, want %q", got, want)
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
		{"usage", New(Usage, "", "x"), 2},
		{"partial", New(Partial, "", "x"), 3},
		{"not found", New(NotFound, "", "x"), 4},
		{"ambiguous", New(Ambiguous, "", "x"), 5},
		{"forbidden", New(Forbidden, "", "x"), 6},
		{"quota", New(Quota, "", "x"), 7},
		{"drift", New(Drift, "", "x"), 8},
		{"cancelled", New(Cancelled, "", "x"), 130},
		{"the outermost kind counts", Wrap(Partial, "", New(NotFound, "", "x")), 3},
	} {
		if got := ExitCode(c.err); got != c.want {
			t.Errorf("%s: exit code %d, want %d", c.name, got, c.want)
		}
	}
}

func TestWrapKeepsNil(t *testing.T) {
	t.Parallel()
	if err := Wrap(Quota, "hint", nil); err != nil {
		t.Errorf("wrapping nil gave %v", err)
	}
}
