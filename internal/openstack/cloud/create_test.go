package cloud

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
)

func TestCreate(t *testing.T) {
	lost := errors.New("connection lost")
	for _, tt := range []struct {
		name      string
		answers   []error // of each try
		effective []bool  // whether the try had its effect, although it failed
		creates   int
		failed    bool
	}{
		{"at once", []error{nil}, []bool{true}, 1, false},
		{"refused", []error{refusal(403, "")}, []bool{false}, 1, true},
		{"answer lost after the effect", []error{lost}, []bool{true}, 1, false},
		{"lost before the effect", []error{lost, nil}, []bool{false, true}, 2, false},
		{"500 after the effect", []error{refusal(500, "")}, []bool{true}, 1, false},
		{"500 for ever", []error{refusal(500, "")}, []bool{false}, change.DefaultRetry.Tries, true},
		{"refused because the lost one was carried out late", []error{lost, refusal(409, "")}, []bool{false, true}, 2, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				there, creates := false, 0
				got, err := Create(t.Context(), func(context.Context) (string, error) {
					at := min(creates, len(tt.answers)-1)
					creates++
					there = there || tt.effective[at]
					return "id", tt.answers[at]
				}, func(context.Context) (string, bool, error) { return "id", there, nil })
				if (err != nil) != tt.failed || creates != tt.creates {
					t.Errorf("%q, %v after %d tries; want %d, failure: %v", got, err, creates, tt.creates, tt.failed)
				}
			})
		})
	}
}

// A build that is cancelled while a create is under way still learns its answer.
func TestCreateCancelled(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer time.Duration
		made   bool
	}{
		{"answer in time", 500 * time.Millisecond, true},
		{"no answer", time.Hour, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Second, cancel)
				start := time.Now()
				id, err := Create(ctx, func(ctx context.Context) (string, error) {
					select {
					case <-time.After(time.Second + tt.answer):
						return "id", nil
					case <-ctx.Done():
						return "", ctx.Err()
					}
				}, func(context.Context) (string, bool, error) { return "", false, nil })
				if (id != "") != tt.made || (err == nil) != tt.made {
					t.Errorf("got %q, %v", id, err)
				}
				if took := time.Since(start); took > 2100*time.Millisecond {
					t.Errorf("took %s", took)
				}
			})
		})
	}
}
