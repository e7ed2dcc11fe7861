package share_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/share"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// everyFault is what can happen to a request.
var everyFault = map[string]sandbox.Fault{
	"401":                      sandbox.Status(http.StatusUnauthorized),
	"403":                      sandbox.Status(http.StatusForbidden),
	"404":                      sandbox.Status(http.StatusNotFound),
	"409":                      sandbox.Status(http.StatusConflict),
	"413":                      sandbox.Status(http.StatusRequestEntityTooLarge),
	"429":                      {Do: sandbox.Answer, Status: http.StatusTooManyRequests, RetryAfter: "0"},
	"500":                      sandbox.Status(http.StatusInternalServerError),
	"500 after the write":      sandbox.StatusAfter(http.StatusInternalServerError),
	"403 after the write":      sandbox.StatusAfter(http.StatusForbidden),
	"503":                      sandbox.Status(http.StatusServiceUnavailable),
	"connection cut before":    {Do: sandbox.DropBefore},
	"connection cut after":     {Do: sandbox.DropAfter},
	"delayed":                  {Do: sandbox.Delay, Wait: 10 * time.Millisecond},
	"answer cut in the middle": {Do: sandbox.Truncate},
}

// mix is a set of images in all the states that an add meets, and the add.
type mix struct {
	*world
	ids []string
	o   share.AddOptions
}

func (w *world) newMix() *mix {
	w.t.Helper()
	m := &mix{world: w, ids: []string{
		w.image("private", nil), w.image("fresh", map[string]any{"visibility": "shared"}),
		w.image("shared", map[string]any{"colour": "blue"}), w.image("dormant", nil),
	}}
	w.member(m.ids[2], "member-a", glance.Pending)
	w.member(m.ids[2], "other", glance.Rejected)
	w.member(m.ids[3], "member-b", glance.Accepted)
	w.makePrivate(m.ids[3])
	m.o = share.AddOptions{
		Selection: images(m.ids...), To: []string{"member-a", "member-b"},
		Tuning: share.Tuning{Expires: time.Now().Add(time.Hour).Truncate(time.Second), Parallel: 2},
	}
	return m
}

func toGlance(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/image/") }

// concerns matches all requests of a command: its logins, its reads and its writes.
func concerns(r *http.Request) bool {
	return toGlance(r) || strings.HasPrefix(r.URL.Path, "/identity/")
}

// addAfterLogin is an add from the logins on.
func (m *mix) addAfterLogin(ctx context.Context) error {
	p, err := share.PlanAdd(ctx, opener(m.sandbox), m.o)
	if err != nil {
		return err
	}
	return share.Apply(ctx, p, report.Discard)
}

// disturbed logs in, plans and adds under the rules, and checks what holds then: a failed add has changed
// nothing; one that succeeded has done everything. It returns the add's error.
func (m *mix) disturbed(what string, rules ...sandbox.Rule) error {
	m.t.Helper()
	before := m.tree(m.ids...)
	m.sandbox.Faults().Add(rules...)
	err := m.addAfterLogin(m.t.Context())
	m.sandbox.Faults().Clear()
	if after := m.tree(m.ids...); err != nil && after != before {
		m.t.Errorf("%s: the add says: %v\nbefore:\n%safter:\n%s", what, err, before, after)
	}
	if err == nil {
		m.complete(what)
	}
	return err
}

// complete checks that each image is shared with both targets, accepted.
func (m *mix) complete(what string) {
	m.t.Helper()
	for _, id := range m.ids {
		now := m.sandbox.Members(id)
		for _, target := range []string{"member-a", "member-b"} {
			if now[m.project(target)] != glance.Accepted {
				m.t.Errorf("%s: the add says that it is done, and image %s has the members %v", what, id, now)
			}
		}
		if img := m.get(id); img.Visibility != glance.Shared || !strings.Contains(img.Properties[share.ExpiresKey], m.project("member-b")) {
			m.t.Errorf("%s: the add says that it is done, and image %s is %s with %v", what, id, img.Visibility, img.Properties)
		}
	}
}

// requests counts what an undisturbed add sends, logins included.
func requests(t *testing.T) int {
	t.Helper()
	m := newSandbox(t, sandbox.Options{}).newMix()
	return m.sends(func() error { return m.addAfterLogin(t.Context()) })
}

// sends counts the requests of a command that succeeds.
func (w *world) sends(command func() error) int {
	w.t.Helper()
	w.forget()
	if err := command(); err != nil {
		w.t.Fatal(err)
	}
	n := 0
	for _, r := range w.sandbox.Requests() {
		if strings.HasPrefix(r.Path, "/image/") || strings.HasPrefix(r.Path, "/identity/") {
			n++
		}
	}
	return n
}

// Each request of an add fails once, in each way, logins and reads included.
func TestEveryFaultAtEveryRequest(t *testing.T) {
	t.Parallel()
	total := requests(t)
	for kind, f := range everyFault {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newSandbox(t, sandbox.Options{})
			failed := 0
			for nth := 1; nth <= total; nth++ {
				if w.newMix().disturbed(fmt.Sprintf("%s at request %d", kind, nth),
					sandbox.Rule{Match: concerns, Nth: nth, Fault: f}) != nil {
					failed++
				}
			}
			if kind == "413" && failed == 0 {
				t.Error("no fault made an add fail: nothing is tested")
			}
		})
	}
}

// Each write of an add is refused; no more, no less is rolled back.
func TestEveryWriteRefused(t *testing.T) {
	t.Parallel()
	w := newSandbox(t, sandbox.Options{})
	undone := 0
	for nth := 1; ; nth++ {
		err := w.newMix().disturbed(fmt.Sprint("403 at write ", nth),
			sandbox.Rule{Match: toGlance, Method: "POST|PUT|PATCH", Nth: nth, Fault: sandbox.Status(http.StatusForbidden)})
		if err == nil {
			break
		}
		wantKind(t, err, fault.Forbidden)
		undone++
	}
	if want := 4 + 6 + 7; undone != want { // images made ready, members, acceptances
		t.Errorf("%d writes could be undone, want %d", undone, want)
	}
}

// Faults of all kinds hit requests at random, for a while: also those of rolling back.
func TestRandomFaultSchedules(t *testing.T) {
	t.Parallel()
	newSandbox(t, sandbox.Options{})
	var writes, reads []sandbox.Fault
	for _, name := range sortedNames(everyFault) {
		writes = append(writes, everyFault[name])
		if name != "404" { // that something isn't there has to be believed
			reads = append(reads, everyFault[name])
		}
	}
	const seeds = 60
	var failed, succeeded int
	var mu sync.Mutex
	for worker := range 4 {
		t.Run(fmt.Sprint(worker), func(t *testing.T) {
			t.Parallel()
			w := newSandbox(t, sandbox.Options{})
			for seed := worker; seed < seeds; seed += 4 {
				rule := sandbox.Rule{Match: concerns, Seed: uint64(seed), Rate: 0.1 + float64(seed%5)/10, Count: 1 + seed%7}
				onWrite, onRead := rule, rule
				onWrite.Method, onWrite.Any = "POST|PUT|PATCH|DELETE", writes
				onRead.Method, onRead.Any = "GET", reads
				err := w.newMix().disturbed(fmt.Sprint("seed ", seed), onWrite, onRead)
				mu.Lock()
				if err != nil {
					failed++
				} else {
					succeeded++
				}
				mu.Unlock()
			}
		})
	}
	t.Cleanup(func() {
		if failed < seeds/10 || succeeded < seeds/10 {
			t.Errorf("%d schedules made the add fail and %d didn't: they test one side only", failed, succeeded)
		}
	})
}

func sortedNames(m map[string]sandbox.Fault) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	return sorted(names...)
}

// A run that dies at any request leaves something that the next run finishes.
func TestNextRunFinishesWhatADeadOneLeft(t *testing.T) {
	t.Parallel()
	total := requests(t)
	var runs sync.WaitGroup // they mostly wait for a service that doesn't come back
	for nth := 1; nth <= total; nth++ {
		m := newSandbox(t, sandbox.Options{}).newMix()
		runs.Go(func() {
			m.sandbox.Faults().Add(sandbox.Rule{Match: concerns, From: nth, Fault: sandbox.Status(http.StatusForbidden)})
			first := m.addAfterLogin(t.Context())
			m.sandbox.Faults().Clear()
			if first == nil {
				t.Errorf("refused from request %d on, the add says that it is done", nth)
			}
			if err := m.add(m.o); err != nil {
				t.Errorf("refused from request %d on, the add says: %v\nthe next says: %v", nth, first, err)
				return
			}
			m.complete(fmt.Sprint("refused from request ", nth))
		})
	}
	runs.Wait()
}

// Where rolling back fails as well, the error says what is left.
func TestWhatCantBeTakenBackIsNamed(t *testing.T) {
	t.Parallel()
	w := newSandbox(t, sandbox.Options{})
	id := w.image("web", nil)
	w.sandbox.Faults().Add(
		sandbox.Rule{Method: "PUT", Path: "**/members/" + w.project("member-b"), Fault: sandbox.Status(http.StatusForbidden)},
		sandbox.Rule{Method: "DELETE", Path: "**/members/" + w.project("member-a"), Fault: sandbox.Status(http.StatusForbidden)},
	)
	err := w.add(share.AddOptions{Selection: images(id), To: []string{"member-a", "member-b"}})
	wantKind(t, err, fault.Partial, "project "+w.project("member-a"), "share remove")
	w.sandbox.Faults().Clear()
	if _, left := w.members(id)[w.project("member-b")]; left {
		t.Error("what could be undone wasn't")
	}
}

// The user interrupts at each request.
func TestInterruptedAtEveryRequest(t *testing.T) {
	t.Parallel()
	w := newSandbox(t, sandbox.Options{})
	total := requests(t)
	for nth := 1; nth <= total; nth++ {
		m := w.newMix()
		before := m.tree(m.ids...)
		ctx, cancel := context.WithCancel(t.Context())
		w.sandbox.Faults().Add(sandbox.Rule{
			Match: concerns, Nth: nth,
			Fault: sandbox.Fault{Do: sandbox.Observe, Before: func(*http.Request) { cancel() }},
		})
		err := m.addAfterLogin(ctx)
		w.sandbox.Faults().Clear()
		cancel()
		switch after := m.tree(m.ids...); {
		case err == nil:
			m.complete(fmt.Sprint("interrupted at request ", nth))
		case after != before:
			t.Errorf("interrupted at request %d, the add says: %v\nbefore:\n%safter:\n%s", nth, err, before, after)
		case !errors.Is(err, context.Canceled):
			t.Errorf("interrupted at request %d, the add says: %v", nth, err)
		}
	}
}

// What somebody else did meanwhile is not rolled back.
func TestOthersChangesStay(t *testing.T) {
	t.Parallel()
	w := newSandbox(t, sandbox.Options{})
	id := w.image("web", nil)
	a, other := w.project("member-a"), w.project("other")
	p, err := share.PlanAdd(t.Context(), w.clouds, share.AddOptions{Selection: images(id), To: []string{"member-a", "member-b"}})
	if err != nil {
		t.Fatal(err)
	}
	// Just before our own first member, somebody shares the image with two projects.
	var once sync.Once
	w.sandbox.Faults().Add(
		sandbox.Rule{Method: "PUT", Path: "**/members/" + w.project("member-b"), Fault: sandbox.Status(http.StatusForbidden)},
		sandbox.Rule{Method: "POST", Path: "**/members", Fault: sandbox.Fault{Do: sandbox.Observe, Before: func(*http.Request) {
			once.Do(func() {
				for _, project := range []string{a, other} {
					if err := w.sandbox.SetMember(id, project, glance.Accepted); err != nil {
						t.Error(err)
					}
				}
			})
		}}})
	err = share.Apply(t.Context(), p, report.Discard)
	w.sandbox.Faults().Clear()
	if err == nil {
		t.Fatal("it didn't fail")
	}
	w.expectMembers(id, map[string]string{"member-a": glance.Accepted, "other": glance.Accepted})
}

// Two adds of different projects to one image at the same time both take effect.
func TestAddsSideBySide(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.image("web", nil)
	time.Sleep(time.Second) // the service's times have seconds, and the image is older than its members
	var runs sync.WaitGroup
	for _, target := range []string{"member-a", "member-b", "other"} {
		runs.Go(func() {
			if err := w.add(share.AddOptions{Selection: images(id), From: "demo", To: []string{target}}); err != nil {
				t.Error(err)
			}
		})
	}
	runs.Wait()
	w.expectMembers(id, map[string]string{"member-a": glance.Accepted, "member-b": glance.Accepted, "other": glance.Accepted})
}
