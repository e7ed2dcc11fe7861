package glance_test

import (
	"errors"
	"maps"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Undoing grants takes back what they added and set, and leaves a member that somebody else has added.
func TestGrantsAreUndoneExactly(t *testing.T) {
	f := start(t)
	ctx := t.Context()
	a, projectA := f.as("member-a")
	b, projectB := f.as("member-b")
	_, other := f.as("other")
	img := f.image(map[string]any{"visibility": glance.Shared})
	for _, project := range []string{projectB, other} {
		if err := f.AddMember(ctx, img.ID, project); err != nil {
			t.Fatal(err)
		}
	}
	before := f.sandbox.Members(img.ID)

	var undo change.Undo
	err := f.Grant(ctx, img, []glance.Grant{
		{Project: projectA, Status: glance.Accepted, Answers: a},
		{Project: projectB, Before: glance.Pending, Status: glance.Rejected, Answers: b},
		{Project: other, Status: glance.Pending}, // added since it was read
	}, glance.Granting{Undo: &undo})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{projectA: glance.Accepted, projectB: glance.Rejected, other: glance.Pending}
	if got := f.sandbox.Members(img.ID); !maps.Equal(got, want) {
		t.Errorf("members are %v, want %v", got, want)
	}
	why := errors.New("it failed later")
	if changed, err := undo.TakeBack(ctx, why, fault.Advice{}); !changed || !errors.Is(err, why) || fault.Is(err, fault.Partial) {
		t.Errorf("undoing: changed is %v, the error %v", changed, err)
	}
	if got := f.sandbox.Members(img.ID); !maps.Equal(got, before) {
		t.Errorf("undone, members are %v, want %v", got, before)
	}
}

func TestGrantSaysWhoDiffers(t *testing.T) {
	f := start(t)
	_, project := f.as("member-a")
	img := f.image(map[string]any{"visibility": glance.Shared})
	err := f.Grant(t.Context(), img, []glance.Grant{{Project: project, Before: glance.Accepted, Status: glance.Accepted}},
		glance.Granting{})
	if !fault.Is(err, fault.Conflict) {
		t.Errorf("a member that was removed meanwhile is the error %v", err)
	}
}
