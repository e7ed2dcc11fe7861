package nodepool

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/wholefile"
)

// holdTimeout is far longer than a run takes that edits a file.
const holdTimeout = time.Minute

// Hold keeps other runs from a configuration file and its record until release is called: hold them while you read,
// plan and apply. record "" is RecordPath.
func Hold(ctx context.Context, path, record string) (release func(), err error) {
	waiting, cancel := context.WithTimeout(ctx, holdTimeout)
	defer cancel()
	release, err = wholefile.Hold(waiting, path, cmp.Or(record, RecordPath(path)))
	switch {
	case err == nil:
		return release, nil
	case ctx.Err() != nil:
		return nil, errors.Join(context.Cause(ctx), err)
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fault.New(fault.Conflict, "run it again when the other run has ended", "%w", err)
	case errors.Is(err, fs.ErrNotExist): // reading the file says it better
		return func() {}, nil
	}
	return nil, err
}
