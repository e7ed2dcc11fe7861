package names_test

import (
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/names"
)

func TestHost(t *testing.T) {
	t.Parallel()
	for entry, want := range map[string]string{
		"openstackci-Donor": "mirror.ca-ymq-1.donor.example.org", "openstackzuul-donor": "mirror.ca-ymq-1.donor.example.org",
		"my_cloud": "mirror.ca-ymq-1.my-cloud.example.org",
	} {
		if got := names.Host("mirror.{region}.{cloud}.example.org", "ca-YMQ_1", names.Provider(entry)); got != want {
			t.Errorf("%s: %s, want %s", entry, got, want)
		}
	}
	if got := names.Host("mirror.{region}.{cloud}.org", "", "x"); got != "mirror.regionone.x.org" {
		t.Errorf("without a region: %s", got)
	}
}

func TestNewest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		all  []string
		want string
	}{
		{nil, ""},
		{[]string{"other", "ops-x"}, ""},
		{[]string{"ops-20260101", "ops"}, "ops-20260101"},
		{[]string{"ops", "ops-20260102", "ops-20260101-2", "ops-20260101"}, "ops-20260102"},
		{[]string{"ops-20260101", "ops-20260101-10", "ops-20260101-9"}, "ops-20260101-10"},
		{[]string{"ops-2018-06-15", "ops"}, "ops-2018-06-15"},
		{[]string{"ops", "ops-admin-20260101"}, "ops"},
	} {
		if got := names.Newest("ops", c.all); got != c.want {
			t.Errorf("%q: %q, want %q", c.all, got, c.want)
		}
	}
}
