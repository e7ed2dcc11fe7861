package sandbox_test

import (
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

func TestPopulationsAreThreeYearsOld(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t, sandbox.Options{})
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	ids, err := s.Populate(sandbox.Population{Images: 2000, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	last := time.Time{}
	for n, id := range ids {
		img, ok := s.Image(id)
		if !ok || img.CreatedAt.Before(last) || img.CreatedAt.After(now) || now.Sub(img.CreatedAt) > 3*366*24*time.Hour {
			t.Fatalf("image %d was made %s, the one before it %s", n, img.CreatedAt, last)
		}
		last = img.CreatedAt
	}
	if first, _ := s.Image(ids[0]); now.Sub(first.CreatedAt) < 3*364*24*time.Hour {
		t.Errorf("the oldest image was made %s", first.CreatedAt)
	}
}
