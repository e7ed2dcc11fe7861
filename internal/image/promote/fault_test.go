package promote_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// everyFault is what can happen to a request.
var everyFault = map[string]sandbox.Fault{
	"401":                      sandbox.Status(http.StatusUnauthorized),
	"404":                      sandbox.Status(http.StatusNotFound),
	"403":                      sandbox.Status(http.StatusForbidden),
	"409":                      sandbox.Status(http.StatusConflict),
	"413":                      sandbox.Status(http.StatusRequestEntityTooLarge),
	"429":                      {Do: sandbox.Answer, Status: http.StatusTooManyRequests, RetryAfter: "0"},
	"500":                      sandbox.Status(http.StatusInternalServerError),
	"500 after the write":      sandbox.StatusAfter(http.StatusInternalServerError),
	"503":                      sandbox.Status(http.StatusServiceUnavailable),
	"connection cut before":    {Do: sandbox.DropBefore},
	"connection cut after":     {Do: sandbox.DropAfter},
	"delayed":                  {Do: sandbox.Delay, Wait: 10 * time.Millisecond},
	"answer cut in the middle": {Do: sandbox.Truncate},
}

// requests counts what an undisturbed promotion sends to the Image service.
func (w *world) requests() int {
	w.t.Helper()
	n := w.newName("count")
	w.sandbox.ResetRequests()
	if err := n.promoteAfterLogin(); err != nil {
		w.t.Fatal(err)
	}
	count := 0
	for _, q := range w.sandbox.Requests() {
		if transaction(q.Path) {
			count++
		}
	}
	return count
}

// promoteAfterLogin is a promotion from the logins on.
func (n *name) promoteAfterLogin() error {
	site, err := n.login()
	if err == nil {
		_, err = promoted(n.t, site, n.options())
	}
	return err
}

// Each request of a promotion fails once, in each way; then each request and all that follow it.
// After the first run all invariants hold, and the second run reaches the end.
func TestEveryFaultAtEveryRequest(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("left out by -short: promotes many times")
	}
	total := newSandbox(t).requests()
	for kind, f := range everyFault {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newSandbox(t)
			for nth := 1; nth <= total; nth++ {
				w.disturbed(t, fmt.Sprintf("%s at request %d", kind, nth), sandbox.Rule{Nth: nth, Fault: f})
			}
		})
	}
}

// An answer that contradicts what was read before, and a token that expires, fail no promotion.
func TestDoubtfulAnswersDontFailAPromotion(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("left out by -short: promotes many times")
	}
	total := newSandbox(t).requests()
	for _, kind := range []string{"404", "401"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newSandbox(t)
			for nth := 1; nth <= total; nth++ {
				n := w.newName(fmt.Sprintf("%s at request %d", kind, nth))
				w.sandbox.Faults().Add(sandbox.Rule{Match: concerns, Nth: nth, Fault: everyFault[kind]})
				_, err := promoted(t, n.site(), n.options())
				w.sandbox.Faults().Clear()
				if err != nil {
					t.Errorf("request %d: %v", nth, err)
				}
				n.check(t, n.fresh)
				n.archived(t, n.old)
			}
		})
	}
}

// The runs mostly wait for the service to come back, so they all wait at the same time.
func TestServiceGoesAwayAtEveryRequest(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("left out by -short: promotes many times")
	}
	total := newSandbox(t).requests()
	var runs sync.WaitGroup
	for _, kind := range []string{"503", "connection cut after", "403", "404", "401"} {
		for nth := 1; nth <= total; nth++ {
			w := newSandbox(t)
			runs.Go(func() {
				w.disturbed(t, fmt.Sprintf("%s from request %d", kind, nth), sandbox.Rule{From: nth, Fault: everyFault[kind]})
			})
		}
	}
	runs.Wait()
}

// disturbed promotes under the rule, and again without it.
func (w *world) disturbed(t *testing.T, what string, rule sandbox.Rule) {
	t.Helper()
	n := w.newName(what)
	v := &watched{}
	rule.Match = concerns
	rule.After = func(r *http.Request) { v.look(n, r) }
	w.sandbox.Faults().Add(rule, v.rule(n))
	first := n.promoteAfterLogin()
	w.sandbox.Faults().Clear()

	w.sandbox.Faults().Add(v.rule(n))
	second := n.promoteAfterLogin()
	w.sandbox.Faults().Clear()
	v.report(t)
	if second != nil {
		t.Errorf("%s: the first run said: %v\nthe second run fails: %v", what, first, second)
		return
	}
	n.check(t, n.fresh)
	n.archived(t, n.old)
	if t.Failed() {
		t.Logf("%s: the first run said: %v", what, first)
	}
}

// A run that fails without a chance to go on leaves everything as it was.
func TestFailureTakesEverythingBack(t *testing.T) {
	t.Parallel()
	w := newSandbox(t)
	undone := 0
	for nth := 1; ; nth++ {
		n := w.newName(fmt.Sprint("web ", nth))
		before := n.state(t)
		w.sandbox.Faults().Add(sandbox.Rule{
			Match: n.step, Method: "POST|PUT|PATCH", Nth: nth, Fault: sandbox.Status(http.StatusRequestEntityTooLarge),
		})
		_, err := promoted(t, n.site(), n.options())
		w.sandbox.Faults().Clear()
		if fault.Is(err, fault.Partial) {
			break // the new image is live and everything behind it archived: from here on runs go forward
		}
		if after := n.state(t); err == nil || after != before {
			t.Fatalf("write %d failed, and the run says %v\nbefore: %s\nafter:  %s", nth, err, before, after)
		}
		undone++
	}
	if want := 7; undone != want { // claim, staging, two members, one acceptance, swap, archiving
		t.Errorf("%d writes could be undone, want %d", undone, want)
	}
}

// Of two images that carry the name the first is archived and the second can't be.
func TestHalfArchivedPredecessorsGetTheirNameBack(t *testing.T) {
	t.Parallel()
	n := newSandbox(t).newName("web-base")
	second := n.image(n.name, nil)
	n.fresh = n.image(n.name+" build 2", nil)
	before := n.state(t)
	archiving := func(r *http.Request) bool {
		return concerns(r) && (strings.HasSuffix(r.URL.Path, n.old) || strings.HasSuffix(r.URL.Path, second))
	}
	n.sandbox.Faults().Add(sandbox.Rule{Match: archiving, Method: "PATCH", Nth: 2, Fault: sandbox.Status(http.StatusForbidden)})
	_, err := promoted(t, n.site(), n.options())
	n.sandbox.Faults().Clear()

	if err == nil || fault.Is(err, fault.Partial) {
		t.Fatalf("error is %v", err)
	}
	now := n.watcher.image(t, second)
	if n.state(t) != before || now.Properties[promote.ArchivedFromKey] != "" {
		t.Errorf("before: %s\nafter:  %s %v", before, n.state(t), now)
	}
	mustPromote(t, n.site(), n.options())
	n.check(t, n.fresh)
	n.archived(t, n.old)
	n.archived(t, second)
}

// state is what people see of the name: its images with names, visibilities and members.
func (n *name) state(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, id := range []string{n.old, n.fresh} {
		img := n.watcher.image(t, id)
		fmt.Fprintf(&b, "%s %s %s hidden=%t %v;", id, img.Name, img.Visibility, img.Hidden, img.Properties)
		if img.Visibility == glance.Shared {
			fmt.Fprintf(&b, " %v;", n.watcher.members(t, id))
		}
	}
	return b.String()
}

// childEnv makes the test binary a program that promotes once; its value is the sandbox's
// clouds.yaml, the image and the name, separated by newlines.
const childEnv = "PROMOTE_CHILD"

func TestMain(m *testing.M) {
	if job := os.Getenv(childEnv); job != "" {
		os.Exit(child(strings.Split(job, "\n")))
	}
	promote.LeaseTime(4 * time.Second)
	os.Exit(m.Run())
}

func child(job []string) int {
	ctx := context.Background()
	site := promote.Site{Run: string(cloud.NewRun()), Acceptors: map[string]*glance.Client{}}
	err := func() error {
		for _, entry := range []string{"member-a", "member-b", "demo"} {
			c, sc, err := reach(ctx, job[0], entry)
			if err != nil {
				return err
			}
			site.Images, site.Project = glance.New(sc), c.Project().ID
			site.Acceptors[site.Project] = site.Images
		}
		plan, err := promote.NewPlan(ctx, site, promote.Options{ImageID: job[1], Name: job[2]})
		if err != nil {
			return err
		}
		_, err = promote.Apply(ctx, site, plan, report.Discard)
		return err
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// The process is killed at each request, before and after the service carried it out. Another
// process then finishes.
func TestKilledAtEveryRequest(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("left out by -short: promotes many times")
	}
	for _, when := range []string{"before", "after"} {
		t.Run(when, func(t *testing.T) {
			t.Parallel()
			w, nth := newSandbox(t), 1
			for w.killed(t, when, nth) {
				nth++
			}
			if nth < fewestRequests {
				t.Errorf("the process ended before its request %d", nth)
			}
		})
	}
}

// fewestRequests is less than any promotion with members makes. How many it makes exactly hangs on how long
// it lives, as its claim shows heartbeats.
const fewestRequests = 20

// killed kills a promotion at a request and lets another finish it; false if it ended before that
// request.
func (w *world) killed(t *testing.T, when string, nth int) bool {
	t.Helper()
	n := w.newName(fmt.Sprintf("killed %s request %d", when, nth))
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+strings.Join([]string{w.file, n.fresh, n.name}, "\n"))
	var dead sync.WaitGroup
	started := make(chan struct{})
	kill := func(*http.Request) {
		<-started // the process may be asking before Start has returned
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		dead.Wait()
	}
	v := &watched{}
	rule := sandbox.Rule{Match: concerns, Nth: nth, Fault: sandbox.Fault{Do: sandbox.DropBefore, Before: kill}}
	if when == "after" {
		rule.Fault = sandbox.Fault{Do: sandbox.DropAfter, After: kill}
	}
	w.sandbox.Faults().Add(rule, v.rule(n))
	dead.Add(1)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	close(started)
	err := cmd.Wait()
	dead.Done()
	w.sandbox.Faults().Clear()
	if cmd.ProcessState.Success() {
		return false
	}
	if cmd.ProcessState.Exited() {
		t.Fatalf("%s request %d: the process wasn't killed: %v", when, nth, err)
	}

	w.sandbox.Faults().Add(v.rule(n))
	if _, err := promoted(t, n.site(), n.options()); err != nil {
		t.Errorf("killed %s request %d: the second run fails: %v", when, nth, err)
	}
	w.sandbox.Faults().Clear()
	v.report(t)
	n.check(t, n.fresh)
	n.archived(t, n.old)
	if claims := n.watcher.images(t, url.Values{"os_hidden": {"true"}, "imgctl_claim": {n.name}}); len(claims) > 0 {
		t.Errorf("claims are left: %v", claims)
	}
	if t.Failed() {
		t.Fatalf("killed %s request %d", when, nth)
	}
	return true
}

// The run that follows a dead one may promote another image.
func TestNextImageSettlesWhatADeadRunLeft(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("left out by -short: promotes many times")
	}
	w := newSandbox(t)
	total := w.requests()
	for nth := 1; nth <= total; nth++ {
		n := w.newName(fmt.Sprint("web ", nth))
		next := n.image(n.name+" build 2", nil)
		// The claim can be given up, all else can't be rolled back.
		w.sandbox.Faults().Add(sandbox.Rule{
			Match: concerns, Method: "GET|POST|PUT|PATCH", From: nth, Fault: sandbox.Status(http.StatusForbidden),
		})
		_, _ = promoted(t, n.site(), n.options()) // whatever it says, the next run settles it
		w.sandbox.Faults().Clear()

		o := n.options()
		o.ImageID = next
		mustPromote(t, n.site(), o)
		n.check(t, next)
		n.archived(t, n.old)
	}
}

func TestRacingPromotions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		name  string
		image func(n *name, k int) string
	}{
		{"images with names of their own", func(n *name, k int) string {
			return n.image(fmt.Sprint(n.name, " build ", k), nil)
		}},
		{"images that carry the name from the start", func(n *name, k int) string {
			return n.image(n.name, map[string]any{cloud.RunKey: fmt.Sprint("run ", k)})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for round := range rounds(w) {
				n := w.newName(fmt.Sprint(c.name, " ", round))
				v := &watched{}
				racers := []string{c.image(n, 1), c.image(n, 2), c.image(n, 3)}
				v.during(n, func() {
					var group errgroup.Group
					for _, id := range racers {
						group.Go(func() error {
							o := n.options()
							o.ImageID = id
							_, err := promoted(t, n.site(), o)
							return err
						})
					}
					if err := group.Wait(); err != nil {
						t.Errorf("round %d: %v", round, err)
					}
				})
				v.report(t)
				n.oneWinner(t, racers)
			}
		})
	}
}

// rounds is how often the race is run.
func rounds(w *world) int {
	if w.sandbox == nil {
		return 20
	}
	return 5
}

// oneWinner checks that each racer was current once, and that the last of them is now.
func (n *name) oneWinner(t *testing.T, racers []string) {
	t.Helper()
	carriers := n.watcher.carriers(t, n.owner.project, n.name)
	if len(carriers) != 1 {
		t.Fatalf("images of the name are %v", carriers)
	}
	n.check(t, carriers[0].ID)
	n.archived(t, n.old)
	for _, id := range racers {
		img := n.watcher.image(t, id)
		if img.Properties[promote.PromotedKey] == "" {
			t.Errorf("image %s was archived without ever having been current: %v", img, img.Properties)
		}
		if id != carriers[0].ID {
			n.archived(t, id)
		}
	}
}
