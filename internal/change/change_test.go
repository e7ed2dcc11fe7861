package change_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

var (
	errLost    = errors.New("lost")
	errRefused = errors.New("refused")
	errAway    = errors.New("away")
)

func judge(err error) change.Outcome {
	switch {
	case errors.Is(err, errRefused):
		return change.Refused
	case errors.Is(err, errAway):
		return change.Undone
	}
	return change.Unclear
}

func TestWriteLearnsWhetherItTookEffect(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		tries []error // what each try ends with; the last one goes on
		there int     // the try that takes effect although it fails, 0 for none
		want  error
		sent  int
	}{
		{"answered", []error{nil}, 0, nil, 1},
		{"refused", []error{errRefused}, 0, errRefused, 1},
		{"an answer was lost", []error{errLost}, 1, nil, 1},
		{"lost on the way there", []error{errLost, nil}, 0, nil, 2},
		{"refused because the lost one was carried out", []error{errLost, errRefused}, 2, nil, 2},
		{"refused after one that was lost on the way there", []error{errLost, errRefused}, 0, errRefused, 2},
		{"nobody answers the phone at first", []error{errAway, errAway, nil}, 0, nil, 3},
		{"nobody ever does", []error{errAway}, 0, errAway, change.DefaultRetry.Tries},
		{"always lost", []error{errLost}, 0, errLost, change.DefaultRetry.Tries},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				sent := 0
				err := change.Write(t.Context(), judge, func(context.Context) error {
					sent++
					return c.tries[min(sent, len(c.tries))-1]
				}, func(context.Context) (bool, error) { return c.there > 0 && sent >= c.there, nil })
				if !errors.Is(err, c.want) || sent != c.sent {
					t.Errorf("%v after %d requests, want %v after %d", err, sent, c.want, c.sent)
				}
			})
		})
	}
}

func TestWriteUnderWayLearnsItsAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		err := change.Write(ctx, judge, func(ctx context.Context) error {
			cancel()
			time.Sleep(500 * time.Millisecond) // the answer is on its way
			return ctx.Err()
		}, nil)
		if err != nil {
			t.Errorf("cancelled while the answer was on its way: %v", err)
		}
	})
}

func TestUndoTakesBackNewestFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var undo change.Undo
		var order []string
		add := func(what string, fails int) *change.Step {
			return undo.Add(what, func(ctx context.Context) (bool, error) {
				if fails--; fails >= 0 {
					return false, errAway
				}
				if ctx.Err() != nil || slices.Contains(order, what) {
					return false, ctx.Err()
				}
				order = append(order, what)
				return true, nil
			})
		}
		if changed, err := undo.TakeBack(t.Context(), errRefused, fault.Advice{}); changed || !errors.Is(err, errRefused) {
			t.Errorf("nothing is undone: %v, %v", changed, err)
		}
		add("first", 0)
		add("nothing", 0).Void()
		add("second", 3)
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // rolling back has a time of its own
		if changed, err := undo.TakeBack(ctx, errRefused, fault.Advice{}); !changed || !errors.Is(err, errRefused) ||
			fault.Is(err, fault.Partial) {
			t.Errorf("it gives %v, %v", changed, err)
		}
		if !slices.Equal(order, []string{"second", "first"}) {
			t.Errorf("undone: %q", order)
		}
		if changed, _ := undo.TakeBack(ctx, errRefused, fault.Advice{}); changed {
			t.Error("undone twice")
		}
		add("third", 1000)
		_, err := undo.TakeBack(t.Context(), errRefused, fault.Advise("look"))
		if !fault.Is(err, fault.Partial) || !errors.Is(err, errRefused) || !strings.Contains(err.Error(), "undoing third: away; look") {
			t.Errorf("something is left: %v", err)
		}
	})
}

func TestRetryPausesLongerEachTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start, tries := time.Now(), 0
		err := change.Retry{Tries: 5, First: time.Second, Most: 3 * time.Second}.Do(t.Context(),
			func(context.Context) error { tries++; return errAway })
		if took := time.Since(start); !errors.Is(err, errAway) || tries != 5 || took < 8*time.Second || took > 10*time.Second {
			t.Errorf("%v after %d tries and %s, want 5 in about 1+2+3+3 s", err, tries, took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		tries = 0
		if err := change.DefaultRetry.Do(ctx, func(context.Context) error { tries++; return errAway }); !errors.Is(err, errAway) ||
			tries > 3 {
			t.Errorf("%v after %d tries", err, tries)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"3": 3 * time.Second, "-1": -1, "": -1, "soon": -1,
		"Mon, 02 Jan 2006 15:04:05 GMT": 0,
	} {
		wait, asked := change.RetryAfter(http.Header{"Retry-After": {text}})
		if asked != (want >= 0) || asked && wait != want {
			t.Errorf("%q: %s, %v", text, wait, asked)
		}
	}
}

// plan is one that counts.
type plan struct {
	loss    string
	fails   error
	applied int
}

func (p *plan) Done() bool   { return false }
func (p *plan) Loss() string { return p.loss }
func (p *plan) Notes() []fault.Advice {
	return []fault.Advice{fault.Advise("set %s", fault.Set("keep", 3))}
}

func (p *plan) Rows() []change.Row                           { return []change.Row{{{Key: "applied", Value: p.applied}}} }
func (p *plan) Apply(context.Context, report.Reporter) error { p.applied++; return p.fails }

// door is one that writes down what goes through it.
type door struct {
	dry   bool
	says  error
	asked []string
	shown []string

	previews []string
}

func (d *door) DryRun() bool { return d.dry }

func (d *door) Ask(_ context.Context, q string) error {
	d.asked = append(d.asked, q)
	return d.says
}

func (d *door) Preview(rows []change.Row) {
	d.previews = append(d.previews, fmt.Sprint(rows[0].Values(), len(d.asked)))
}

func (d *door) Show(rows []change.Row, unchanged bool) {
	d.shown = append(d.shown, fmt.Sprint(rows[0].Values(), unchanged))
}

func (d *door) Reporter() report.Reporter { return report.Discard }

func TestCarry(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		plan  plan
		door  door
		err   error
		asked bool
		shown []string
	}{
		{"dry", plan{loss: "Lose it?"}, door{dry: true}, nil, false, []string{"[0] false"}},
		{"nothing is lost", plan{}, door{says: errRefused}, nil, false, []string{"[1] false"}},
		{"something is lost", plan{loss: "Lose it?"}, door{}, nil, true, []string{"[1] false"}},
		{"the answer is no", plan{loss: "Lose it?"}, door{says: errRefused}, errRefused, true, nil},
		{"it fails", plan{fails: errAway}, door{}, errAway, false, []string{"[1] false"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := change.Carry(t.Context(), &c.plan, &c.door)
			if !errors.Is(err, c.err) || (len(c.door.asked) > 0) != c.asked || !slices.Equal(c.door.shown, c.shown) {
				t.Errorf("%v, asked %q, shown %q", err, c.door.asked, c.door.shown)
			}
			if previewed := slices.Equal(c.door.previews, []string{"[0] 0"}); previewed != c.asked { // before it asks
				t.Errorf("what is asked about is shown as %q", c.door.previews)
			}
		})
	}
}

// ui is a Packer that writes down what is said.
type ui struct{ said []string }

func (u *ui) Say(s string)     { u.said = append(u.said, s) }
func (u *ui) Message(s string) { u.said = append(u.said, s) }
func (u *ui) Error(s string)   { u.said = append(u.said, s) }

func TestInPacker(t *testing.T) {
	t.Parallel()
	var u ui
	p := &plan{loss: "Lose it?"}
	if err := change.InPacker(t.Context(), &u, p, true); err != nil || p.applied > 0 ||
		!slices.Equal(u.said, []string{"Warning: set keep = 3", "would change: applied: 0"}) {
		t.Errorf("dry: %v, applied %d times, said %q", err, p.applied, u.said)
	}
	if err := change.InPacker(t.Context(), &u, p, false); err != nil || p.applied != 1 {
		t.Errorf("%v, applied %d times", err, p.applied)
	}
}
