//go:build !unix

package watch

import (
	"context"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

func lock(context.Context, string, time.Duration) (release func(), err error) {
	return nil, fault.New(fault.Usage, "", "profiles can't be watched on this operating system")
}
