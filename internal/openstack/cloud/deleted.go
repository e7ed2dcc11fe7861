package cloud

import (
	"context"
	"fmt"
	"net/http"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
)

// ServerDeleted reports whether a server is gone after its deletion was requested; an error says that the
// deletion failed, or that its result is unknown.
func ServerDeleted(ctx context.Context, compute *gophercloud.ServiceClient, id string) (bool, error) {
	s, err := servers.Get(ctx, compute, id).Extract()
	switch {
	case gophercloud.ResponseCodeIs(err, http.StatusNotFound):
		return true, nil
	case err != nil:
		return false, err
	case s.Status == "DELETED" || s.Status == "SOFT_DELETED":
		return true, nil
	case s.Status == "ERROR" && s.TaskState == "":
		return false, fmt.Errorf("its deletion failed: %s", s.Fault.Message)
	}
	return false, nil
}

// VolumeDeleted reports whether a volume is gone after its deletion was requested; an error says that the
// deletion failed, or that its result is unknown.
func VolumeDeleted(ctx context.Context, storage *gophercloud.ServiceClient, id string) (bool, error) {
	v, err := volumes.Get(ctx, storage, id).Extract()
	switch {
	case gophercloud.ResponseCodeIs(err, http.StatusNotFound):
		return true, nil
	case err != nil:
		return false, err
	case v.Status == "error_deleting" || v.Status == "available":
		return false, fmt.Errorf("its deletion failed: status %s", v.Status)
	}
	return false, nil
}
