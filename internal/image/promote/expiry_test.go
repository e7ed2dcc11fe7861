package promote_test

import (
	"fmt"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// When a share ends goes from image to image with the members; without members it stays.
func TestPromotionKeepsWhenSharesEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, members := range []string{promote.Transfer, promote.Copy, promote.None} {
		n := w.newName("ends " + members)
		ends := fmt.Sprintf(`{"%s":"2100-01-01T00:00:00Z"}`, w.a.project)
		if _, err := n.owner.Update(t.Context(), n.old, glance.Patch{}.Set(glance.ShareEndsKey, ends)); err != nil {
			t.Fatal(err)
		}
		o := n.options()
		o.Members = members
		mustPromote(t, n.site(), o)
		want := ends
		if members == promote.None {
			want = ""
		}
		if got := n.watcher.image(t, n.fresh).Properties[glance.ShareEndsKey]; got != want {
			t.Errorf("members = %q: the new image has %s %q, want %q", members, glance.ShareEndsKey, got, want)
		}
		if r := mustPromote(t, n.site(), o); r.Changed {
			t.Errorf("members = %q: promoted again, it changes something", members)
		}
	}
}
