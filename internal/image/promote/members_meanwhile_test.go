package promote_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// meanwhile promotes, and does something else after the first request that matches.
func (n *name) meanwhile(
	t *testing.T, site promote.Site, o promote.Options, method, path string, do func(context.Context) error,
) []string {
	t.Helper()
	done := make(chan struct{})
	meanwhile := func(*http.Request) {
		n.sandbox.Faults().Clear()
		defer close(done)
		if err := do(t.Context()); err != nil {
			t.Error(err)
		}
	}
	n.sandbox.Faults().Add(sandbox.Rule{
		Match: concerns, Method: method, Path: path, Nth: 1, Fault: sandbox.Fault{Do: sandbox.Observe, After: meanwhile},
	})
	plan, err := promote.NewPlan(t.Context(), site, o)
	if err != nil {
		t.Fatal(err)
	}
	said := &notes{}
	if _, err := promote.Apply(t.Context(), site, plan, said); err != nil {
		t.Fatal(err)
	}
	<-done
	return said.lines
}

// notes keep what a person is told.
type notes struct {
	mu    sync.Mutex
	lines []string
}

func (n *notes) Step(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, fmt.Sprintf(format, args...))
}

func (n *notes) Warn(format string, args ...any)    { n.Step("Warning: "+format, args...) }
func (*notes) Progress(what string, _, total int64) {}

// What projects and the owner do to the predecessor while a promotion runs counts for the new one.
func TestMembersChangeMeanwhile(t *testing.T) {
	t.Parallel()
	w := newSandbox(t)
	a, b, other := w.a.project, w.b.project, w.other.project
	alone := func(s *promote.Site) { s.Acceptors = map[string]*glance.Client{a: w.a.Client} }
	type members map[string]string
	for _, tt := range []struct {
		name    string
		options promote.Options
		site    func(*promote.Site)
		do      func(ctx context.Context, old string) error
		now     members // of the new image
		left    members // of the predecessor
		said    string
	}{
		{
			name: "a pending project accepts",
			do:   func(ctx context.Context, old string) error { return w.b.SetMemberStatus(ctx, old, b, glance.Accepted) },
			now:  members{a: glance.Accepted, b: glance.Accepted}, left: members{},
		},
		{
			name: "a pending project accepts, and nobody else can do it for it", site: alone,
			do:  func(ctx context.Context, old string) error { return w.b.SetMemberStatus(ctx, old, b, glance.Accepted) },
			now: members{a: glance.Accepted, b: glance.Pending}, left: members{b: glance.Accepted},
			said: "Warning: project " + b + " became accepted",
		},
		{
			name: "a project that had accepted rejects",
			do:   func(ctx context.Context, old string) error { return w.a.SetMemberStatus(ctx, old, a, glance.Rejected) },
			now:  members{a: glance.Rejected, b: glance.Pending}, left: members{},
		},
		{
			name: "a pending project rejects, with member_states = accept", options: promote.Options{MemberStates: promote.Accept},
			do:  func(ctx context.Context, old string) error { return w.b.SetMemberStatus(ctx, old, b, glance.Rejected) },
			now: members{a: glance.Accepted, b: glance.Rejected}, left: members{},
		},
		{
			name: "the owner adds a project",
			do:   func(ctx context.Context, old string) error { return w.owner.AddMember(ctx, old, other) },
			now:  members{a: glance.Accepted, b: glance.Pending, other: glance.Pending}, left: members{},
		},
		{
			name: "the owner adds a project, with members = copy", options: promote.Options{Members: promote.Copy},
			do:   func(ctx context.Context, old string) error { return w.owner.AddMember(ctx, old, other) },
			now:  members{a: glance.Accepted, b: glance.Pending, other: glance.Pending},
			left: members{a: glance.Accepted, b: glance.Pending, other: glance.Pending},
		},
		{
			name: "the owner adds a project, with members = none", options: promote.Options{Members: promote.None},
			do:  func(ctx context.Context, old string) error { return w.owner.AddMember(ctx, old, other) },
			now: members{}, left: members{a: glance.Accepted, b: glance.Pending, other: glance.Pending},
		},
		{
			name: "the owner removes a project",
			do:   func(ctx context.Context, old string) error { return w.owner.RemoveMember(ctx, old, a) },
			now:  members{b: glance.Pending}, left: members{},
		},
		{
			name: "the owner removes a project, with members = copy", options: promote.Options{Members: promote.Copy},
			do:  func(ctx context.Context, old string) error { return w.owner.RemoveMember(ctx, old, b) },
			now: members{a: glance.Accepted}, left: members{a: glance.Accepted},
		},
	} {
		for when, at := range map[string]struct {
			method, path string
		}{
			"while it is staged": {"POST", "/image/v2/images/*/members"}, "after the swap": {"PATCH", "/image/v2/images/OLD"},
		} {
			if tt.options.Members == promote.None && at.method == "POST" {
				continue // nobody is added then
			}
			t.Run(tt.name+" "+when, func(t *testing.T) {
				n := w.newName(tt.name + " " + when)
				o, site := tt.options, n.site()
				o.ImageID, o.Name = n.fresh, n.name
				if tt.site != nil {
					tt.site(&site)
				}
				said := n.meanwhile(t, site, o, at.method, strings.ReplaceAll(at.path, "OLD", n.old), func(ctx context.Context) error {
					return tt.do(ctx, n.old)
				})
				if got := n.watcher.members(t, n.fresh); !maps.Equal(got, tt.now) {
					t.Errorf("members of the new image are %v, want %v", got, tt.now)
				}
				if got := n.watcher.members(t, n.old); !maps.Equal(got, tt.left) {
					t.Errorf("members of the image before are %v, want %v", got, tt.left)
				}
				if !strings.Contains(strings.Join(said, "\n"), tt.said) {
					t.Errorf("doesn't say %q:\n%s", tt.said, strings.Join(said, "\n"))
				}
			})
		}
	}
}

// A share that the owner makes meanwhile ends when he said.
func TestShareThatIsMadeMeanwhileEnds(t *testing.T) {
	t.Parallel()
	n := newSandbox(t).newName("web-base")
	ends := fmt.Sprintf(`{"%s":"2100-01-01T00:00:00Z"}`, n.other.project)
	n.meanwhile(t, n.site(), n.options(), "POST", "/image/v2/images/*/members", func(ctx context.Context) error {
		if _, err := n.owner.Update(ctx, n.old, glance.Patch{}.Set(glance.ShareEndsKey, ends)); err != nil {
			return err
		}
		return n.owner.AddMember(ctx, n.old, n.other.project)
	})
	if got := n.watcher.image(t, n.fresh).Properties[glance.ShareEndsKey]; got != ends {
		t.Errorf("the new image has %s %q, want %q", glance.ShareEndsKey, got, ends)
	}
}

// Whenever a project accepts, it has the answer on an image that it is a member of. Only between the
// last look at the members of the predecessor and their removal an answer can't be seen.
func TestAnAnswerIsNeverLost(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("left out by -short: promotes many times")
	}
	w := newSandbox(t)
	for nth := 1; nth <= w.requests(); nth++ {
		n := w.newName(fmt.Sprint("web ", nth))
		accepted, late := false, false
		accept := func(r *http.Request) {
			n.sandbox.Faults().Clear()
			archived := n.watcher.image(t, n.old).Name != n.name
			late = r.Method == http.MethodDelete || archived && strings.HasSuffix(r.URL.Path, n.old+"/members")
			accepted = w.b.SetMemberStatus(t.Context(), n.old, w.b.project, glance.Accepted) == nil
		}
		n.sandbox.Faults().Add(sandbox.Rule{Match: n.step, Nth: nth, Fault: sandbox.Fault{Do: sandbox.Observe, After: accept}})
		mustPromote(t, n.site(), n.options())
		n.sandbox.Faults().Clear()
		now, left := n.watcher.members(t, n.fresh)[w.b.project], n.watcher.members(t, n.old)[w.b.project]
		if accepted && !late && now != glance.Accepted && left != glance.Accepted {
			t.Errorf("request %d: the project accepted the image before; it is %q there, and %q on the new image", nth, left, now)
		}
	}
}
