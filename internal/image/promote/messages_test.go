package promote_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// disturb promotes with rules in force and says how that ended, and what a person was told.
func (n *name) disturb(ctx context.Context, t *testing.T, o promote.Options, rules ...sandbox.Rule) (said string, err error) {
	t.Helper()
	plan, err := promote.NewPlan(t.Context(), n.site(), o)
	if err != nil {
		t.Fatal(err)
	}
	n.sandbox.Faults().Add(rules...)
	defer n.sandbox.Faults().Clear()
	told := &notes{}
	_, err = promote.Apply(ctx, n.site(), plan, told)
	return strings.Join(told.lines, "\n"), err
}

// says fails the test unless an error is of the kind, and its message has all of want and none of not.
func says(t *testing.T, err error, kind fault.Kind, want, not []string) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Errorf("%v is %s, want %s", err, fault.KindOf(err), kind)
	}
	for _, w := range want {
		if !strings.Contains(fmt.Sprint(err), w) {
			t.Errorf("%v doesn't say %q", err, w)
		}
	}
	for _, w := range not {
		if strings.Contains(fmt.Sprint(err), w) {
			t.Errorf("%v says %q", err, w)
		}
	}
}

func TestNothingIsTakenBackWhereNothingChanged(t *testing.T) {
	t.Parallel()
	n := newSandbox(t).newName("web-base")
	said, err := n.disturb(t.Context(), t, n.options(), sandbox.Rule{
		Match: n.step, Method: "PATCH", Path: "/image/v2/images/" + n.fresh, Nth: 1, Fault: sandbox.Status(http.StatusForbidden),
	})
	says(t, err, fault.Forbidden, []string{"nothing is changed"}, nil)
	if strings.Contains(said, "Rolling back") {
		t.Errorf("nothing was changed, and yet: %s", said)
	}
}

// An interrupted promotion says what it was at, the result, and how to go on if that is stopped.
func TestInterruptedPromotionSaysWhatItWasAt(t *testing.T) {
	t.Parallel()
	later := []string{"Rolling back", "promote resume web-base"}
	for _, tt := range []struct {
		method, path string
		kind         fault.Kind
		want, said   []string
	}{
		{"POST", "/image/v2/images", fault.Cancelled, []string{"interrupted while claiming the name", "nothing is changed"}, nil},
		{"POST", "/image/v2/images/*/members", fault.Cancelled, []string{"interrupted while preparing", "nothing is changed"}, later},
		{"PATCH", "/image/v2/images/OLD", fault.Cancelled, []string{"interrupted while archiving", "nothing is changed"}, later},
		{
			"DELETE", "/image/v2/images/*/members/*", fault.Partial,
			[]string{"interrupted while settling", "is current under", "promote resume web-base"},
			nil,
		},
	} {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			t.Parallel()
			n := newSandbox(t).newName("web-base")
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			said, err := n.disturb(ctx, t, n.options(), sandbox.Rule{
				Match: concerns, Method: tt.method, Path: strings.ReplaceAll(tt.path, "OLD", n.old), Nth: 1,
				Fault: sandbox.Fault{Do: sandbox.Observe, After: func(r *http.Request) {
					interrupt()
					<-r.Context().Done() // in the middle of the request
				}},
			})
			says(t, err, tt.kind, tt.want, []string{"context canceled"})
			for _, want := range tt.said {
				if !strings.Contains(said, want) {
					t.Errorf("doesn't say %q: %s", want, said)
				}
			}
		})
	}
}

// A gate that is over its limit, or interrupted, is stopped with all that it started, and hasn't refused
// anything.
func TestGateThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	n := newWorld(t).newName("web-base")
	for _, command := range []string{
		"sleep 600", "sleep 600 & wait", "trap '' INT; sleep 600; sleep 600", "echo waiting; sleep 600 | cat",
	} {
		o := n.options()
		o.Gate, o.Timeout = []string{"sh", "-c", command}, time.Second
		started := time.Now()
		_, err := promoted(t, n.site(), o)
		says(t, err, fault.Unavailable, []string{"timeout of 1s is over while testing the image", "nothing is changed"},
			[]string{"refused"})
		if took := time.Since(started); took >= 11*time.Second { // the gate's grace of ten seconds isn't used up
			t.Errorf("%s: it took %s", command, took)
		}
	}
	o := n.options()
	began := filepath.Join(t.TempDir(), "began")
	o.Gate = []string{"sh", "-c", "touch " + began + "; sleep 600"}
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	go func() {
		for {
			if _, err := os.Stat(began); err == nil || ctx.Err() != nil {
				interrupt()
				return
			}
			time.Sleep(10 * time.Millisecond) // between two looks
		}
	}()
	plan, err := promote.NewPlan(t.Context(), n.site(), o)
	if err != nil {
		t.Fatal(err)
	}
	_, err = promote.Apply(ctx, n.site(), plan, &notes{})
	says(t, err, fault.Cancelled, []string{"interrupted while testing the image", "nothing is changed"}, []string{"refused"})

	o.Gate = []string{"/nowhere/gate"}
	_, err = promoted(t, n.site(), o)
	says(t, err, fault.Usage, []string{"could not be started"}, []string{"refused"})
}

func TestImageThatIsDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, method, path string
		kind               fault.Kind
		want               []string
	}{
		{
			"while it is staged", "POST", "/image/v2/images/*/members", fault.NotFound,
			[]string{"was deleted by somebody while it was promoted"},
		},
		{
			"when it is current", "PATCH", "/image/v2/images/OLD", fault.Partial,
			[]string{"was then deleted by somebody", "promote rollback web-base"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n := newSandbox(t).newName("web-base")
			_, err := n.disturb(t.Context(), t, n.options(), sandbox.Rule{
				Match: concerns, Method: tt.method, Path: strings.ReplaceAll(tt.path, "OLD", n.old), Nth: 1,
				Fault: sandbox.Fault{Do: sandbox.Observe, After: func(*http.Request) {
					if err := n.owner.Delete(t.Context(), n.fresh); err != nil {
						t.Error(err)
					}
				}},
			})
			says(t, err, tt.kind, tt.want, []string{"run the promotion again"})
			if tt.kind == fault.Partial {
				if r, err := rolledBack(t, n, promote.Options{}); err != nil || r.ImageID != n.old {
					t.Errorf("rolling back: %+v, %v", r, err)
				}
			} else if img := n.watcher.image(t, n.old); img.Name != n.name {
				t.Errorf("the image before is called %q", img.Name)
			}
		})
	}
}

func TestQuotaOfMembersIsNamed(t *testing.T) {
	t.Parallel()
	n := newSandbox(t).newName("web-base")
	_, err := n.disturb(t.Context(), t, n.options(), sandbox.Rule{
		Match: concerns, Method: "POST", Path: "/image/v2/images/*/members", Nth: 2,
		Fault: sandbox.Status(http.StatusRequestEntityTooLarge),
	})
	says(t, err, fault.Quota, []string{"nothing is changed", "quota of members"}, nil)
}
