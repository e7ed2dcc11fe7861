package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func TestProblem(t *testing.T) {
	t.Parallel()
	const id = "req-7f1c3c34-9d2a-4c1e-8f3e-0b9a3c1d2e4f"
	refusal := &fault.Error{Kind: fault.Quota, Service: "Over limit", RequestIDs: []string{id}, Err: fmt.Errorf("413 Over limit (%s)", id)}
	quota := fault.Wrap(fault.Quota, "free some", refusal)
	list := fault.Advise("see %s", fault.Do("factory dead-letters", "list", "two words"))
	resume := fault.Advise("resume it first, with %s", fault.Do("share", "resume", "web").With("as_of", "now"))
	for _, tt := range []struct {
		name           string
		err            error
		kind           sdk.ProblemKind
		message, hint  string
		ids            []string
		retry, byProxy bool
	}{
		{
			"a kind and a hint", fault.New(fault.NotFound, "check the name", "no image %q", "web"), sdk.NotFound, `no image "web"`,
			"check the name", nil, false, false,
		},
		{
			"a hint deep inside", fmt.Errorf("adding member: %w", quota), sdk.Quota, "adding member: 413 Over limit (" + id + ")",
			"free some",
			[]string{id},
			false, false,
		},
		{
			"the outermost kind counts", fault.Wrap(fault.Partial, "", quota), sdk.Partial, "413 Over limit (" + id + ")", "free some",
			[]string{id},
			false, false,
		},
		{
			"several", errors.Join(quota, quota), sdk.Quota, "413 Over limit (" + id + ")\n413 Over limit (" + id + ")", "free some",
			[]string{id},
			false, false,
		},
		{
			"an action and an option", fault.New(fault.Conflict, resume, "%s: no", fault.Option("image_name")), sdk.Conflict,
			"--image-name: no", "resume it first, with `imgctl share resume web --as-of now`", nil, false, false,
		},
		{
			"a subject of two words", fault.New(fault.NotFound, list, "no"), sdk.NotFound, "no",
			"see `imgctl factory dead-letters list 'two words'`", nil, false, false,
		},
		{"no kind", errors.New("boom"), sdk.Internal, "boom", "", nil, false, false},
		{"interrupted", fmt.Errorf("waiting: %w", context.Canceled), sdk.Cancelled, "waiting: context canceled", "", nil, false, false},
		{"the service is down", fault.New(fault.Unavailable, "", "503"), sdk.Unavailable, "503", "", nil, true, false},
		{"drift", fault.New(fault.Drift, "", "differs"), sdk.Drift, "differs", "", nil, false, false},
		{
			"a problem of the plugin's own", sdk.Fail(sdk.Usage, "say which", "no image"), sdk.Usage, "no image", "say which", nil, false,
			true,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := bridge.Problem(tt.err)
			var p *sdk.Problem
			if !errors.As(err, &p) || p.Kind != tt.kind || p.Error() != tt.message || p.Hint != tt.hint || p.Retryable != tt.retry ||
				!slices.Equal(p.RequestIDs, tt.ids) {
				t.Errorf("%#v (%v)", p, err)
			}
			if !tt.byProxy && !errors.Is(err, tt.err) {
				t.Error("the cause is lost")
			}
		})
	}
	if bridge.Problem(nil) != nil {
		t.Error("nil became a problem")
	}
	if err := bridge.Problem(sdk.ErrDeclined); !errors.Is(err, sdk.ErrDeclined) {
		t.Errorf("declined became %v", err)
	}
}
