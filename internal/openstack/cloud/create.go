package cloud

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
)

// Create creates one object with do. If it is unclear whether that took effect, find looks for the object
// by the run's mark before do is retried, see change.Write.
func Create[T any](ctx context.Context, do func(context.Context) (T, error), find func(context.Context) (T, bool, error)) (made T,
	err error,
) {
	err = change.Write(ctx, Outcome, func(ctx context.Context) (err error) {
		made, err = do(ctx)
		return err
	}, func(ctx context.Context) (bool, error) {
		found, ok, err := find(ctx)
		if err == nil && ok {
			made = found
		}
		return ok, err
	})
	return made, err
}

// Grace is ctx ending a moment later, for a change whose outcome must be known.
func Grace(ctx context.Context) (context.Context, context.CancelFunc) { return change.Grace(ctx) }
