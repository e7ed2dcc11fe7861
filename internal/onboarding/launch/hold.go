package launch

import (
	"context"
	"errors"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/internal/wholefile"
)

// holdTimeout is how long a run waits for another one; launching a layout may take that long.
const holdTimeout = 2 * time.Hour

// Hold keeps other runs from launching the layout at path until release is called: two at once would both find that a
// server is missing, and both create it.
func Hold(ctx context.Context, path string, rep report.Reporter) (release func(), err error) {
	waiting, cancel := context.WithTimeout(ctx, holdTimeout)
	defer cancel()
	release, err = wholefile.HoldFile(waiting, path, func() { rep.Step("Waiting for another run that launches %s", path) })
	switch {
	case err == nil || ctx.Err() != nil:
		return release, err
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fault.New(fault.Conflict, "run it again when the other run has ended", "%w", err)
	}
	return nil, err
}
