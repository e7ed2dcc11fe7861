package promote_test

import (
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
)

func TestOnlyAnAdministratorNamesAnotherOwner(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		project string
		admin   bool
		want    string
		refused bool
	}{
		{"", false, "own", false},
		{"own", false, "own", false},
		{"other", false, "", true},
		{"other", true, "other", false},
	} {
		got, err := promote.Site{Project: "own", Admin: c.admin}.Owner(c.project)
		if got != c.want || fault.Is(err, fault.Forbidden) != c.refused {
			t.Errorf("project %q, admin %v: %q, %v", c.project, c.admin, got, err)
		}
	}
}
