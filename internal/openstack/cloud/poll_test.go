package cloud

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

func TestPollPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, probes := time.Now(), 0
		err := Poll(t.Context(), "server", time.Hour, func(context.Context) (bool, error) {
			probes++
			return time.Since(start) >= time.Minute, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took > time.Minute+2500*time.Millisecond {
			t.Errorf("noticed after %s what was there after a minute", took)
		}
		if probes < 30 || probes > 50 {
			t.Errorf("%d probes in a minute", probes)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_ = Poll(t.Context(), "server", time.Hour, func(context.Context) (bool, error) {
			return time.Since(start) >= 500*time.Millisecond,
				nil
		})
		if took := time.Since(start); took > 620*time.Millisecond {
			t.Errorf("noticed after %s what was there after half a second", took)
		}
	})
}

func TestPollEnds(t *testing.T) {
	never := func(context.Context) (bool, error) { return false, nil }
	down := func(context.Context) (bool, error) { return false, fault.New(fault.Unavailable, "", "503") }
	for _, tt := range []struct {
		name    string
		timeout time.Duration
		cancel  time.Duration
		probe   func(context.Context) (bool, error)
		kind    fault.Kind
		text    string
		within  time.Duration
	}{
		{"at the timeout", time.Minute, 0, never, fault.Unavailable, "waiting for server: not done after 1m0s", 62 * time.Second},
		{
			"when cancelled", time.Hour, time.Second, never, fault.Cancelled, "waiting for server: stopped after 1s: context canceled",
			1100 * time.Millisecond,
		},
		{
			"at a failure", time.Hour, 0, func(context.Context) (bool, error) { return false, errors.New("boom") }, fault.Internal,
			"waiting for server: boom", 0,
		},
		{"after a long outage", time.Hour, 0, down, fault.Unavailable, "waiting for server: unavailable for 5m0s: 503", 5*time.Minute +
			5*time.Second},
		{
			"at the timeout in an outage", time.Minute, 0, down, fault.Unavailable, "waiting for server: not done after 1m0s: 503",
			62 * time.Second,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tt.cancel > 0 {
					time.AfterFunc(tt.cancel, cancel)
				}
				start := time.Now()
				err := Poll(ctx, "server", tt.timeout, tt.probe)
				if fault.KindOf(err) != tt.kind || !strings.HasPrefix(err.Error(), tt.text) {
					t.Errorf("%s: %q, want %s: %q", fault.KindOf(err), err, tt.kind, tt.text)
				}
				if took := time.Since(start); took > tt.within {
					t.Errorf("ended after %s, want at most %s", took, tt.within)
				}
			})
		})
	}
}

func TestPollSurvivesAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		err := Poll(t.Context(), "server", time.Hour, func(context.Context) (bool, error) {
			if time.Since(start) < 4*time.Minute {
				return false, refusal(503, "")
			}
			return true, nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}
