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
		if members == promote.Transfer { // who is a member already keeps what the new image says
			next := n.image(n.name+" next", map[string]any{glance.ShareEndsKey: fmt.Sprintf(`{"%s":"2099-01-01T00:00:00Z"}`, w.b.project)})
			mustPromote(t, n.site(), promote.Options{ImageID: next, Name: n.name})
			want := fmt.Sprintf(`{"%s":"2100-01-01T00:00:00Z","%s":"2099-01-01T00:00:00Z"}`, w.a.project, w.b.project)
			other := fmt.Sprintf(`{"%s":"2099-01-01T00:00:00Z","%s":"2100-01-01T00:00:00Z"}`, w.b.project, w.a.project)
			if got := n.watcher.image(t, next).Properties[glance.ShareEndsKey]; got != want && got != other {
				t.Errorf("the next image has %s %q, want %q", glance.ShareEndsKey, got, want)
			}
			continue
		}
		if r := mustPromote(t, n.site(), o); r.Changed {
			t.Errorf("members = %q: promoted again, it changes something", members)
		}
	}
}
