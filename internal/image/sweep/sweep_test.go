package sweep_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/image/sweep"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

var past, future = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)

// bystanders makes what looks like a leftover and isn't one.
func (p *project) bystanders() {
	ctx, run := p.t.Context(), cloud.NewRun()
	p.leave(cloud.NewRun(), future)
	port := must(ports.Create(ctx, p.network, ports.CreateOpts{
		NetworkID: p.private, Name: run.Name(),
		Description: "imgctl_run=mine",
	}).Extract())
	must(floatingips.Create(ctx, p.network, floatingips.CreateOpts{FloatingNetworkID: p.public, Description: "imgctl is great"}).Extract())
	p.newServer(run.Name(), port.ID, nil)
	p.newVolume(run.Name(), map[string]string{cloud.RunKey: "mine"})
	p.newKeyPair("imgctl-deploy")
	// Published images keep their run's id, and what is made from images takes it over.
	p.newImage("web-base", map[string]string{cloud.RunKey: string(run)})
	p.newImage("snapshot of a build's server", run.Metadata(past))
	p.newImage(cloud.NewRun().Name(), run.Metadata(past))
	// A unfinished image that somebody promotes is on its way to be a current one.
	promoting := run.Metadata(past)
	promoting["imgctl_promoting"] = "web-base"
	p.newImage(run.Name(), promoting)
}

func TestSweepRemovesWhatADeadRunLeft(t *testing.T) {
	t.Parallel()
	p := newProject(t, sandbox.Options{Transition: 20 * time.Millisecond})
	p.bystanders()
	other := p.as("member-a")
	other.leave(cloud.NewRun(), past)
	before, others := p.state(), other.state()

	run := cloud.NewRun()
	left := p.leave(run, past)
	plan := p.plan(sweep.Options{})
	if got := kinds(plan.Leftovers); !maps.Equal(got, left) {
		t.Errorf("the plan lists %v, want %v", got, left)
	}
	for _, l := range plan.Leftovers {
		if l.Run != run || l.Created.IsZero() || !strings.Contains(l.Why, "deadline") || l.Action != sweep.Delete {
			t.Errorf("%+v", l)
		}
	}
	result := p.sweep(sweep.Options{})
	if len(result.Removed) != len(left) || len(result.Kept)+len(result.Left) > 0 {
		t.Errorf("%+v, want %d removed", result, len(left))
	}
	if diff := p.changed(before); diff != "" {
		t.Errorf("the project isn't as it was before the run:\n%s", diff)
	}
	if diff := other.changed(others); diff != "" {
		t.Errorf("another project changed:\n%s", diff)
	}
	p.sandbox.ResetRequests()
	if again := p.sweep(sweep.Options{}); len(again.Removed) > 0 {
		t.Errorf("the second sweep removed %v", again.Removed)
	}
	p.onlyReads()
}

func (p *project) onlyReads() {
	p.t.Helper()
	for _, r := range p.sandbox.Requests() {
		if r.Method != http.MethodGet && !strings.HasSuffix(r.Path, "/auth/tokens") {
			p.t.Errorf("sent %s %s", r.Method, r.Path)
		}
	}
}

func TestPlanWritesNothing(t *testing.T) {
	t.Parallel()
	p := newProject(t, sandbox.Options{})
	p.leave(cloud.NewRun(), past)
	p.sandbox.ResetRequests()
	if plan := p.plan(sweep.Options{}); len(plan.Leftovers) == 0 {
		t.Error("the plan is empty")
	}
	p.onlyReads()
}

// An administrator sees all projects' ports and floating IPs, and any image.
func TestAdminStaysInTheProject(t *testing.T) {
	t.Parallel()
	p := newProject(t, sandbox.Options{})
	p.leave(cloud.NewRun(), past)
	admin := p.as("admin")
	left := admin.leave(cloud.NewRun(), past)
	before := p.state()
	if got := kinds(admin.plan(sweep.Options{}).Leftovers); !maps.Equal(got, left) {
		t.Errorf("the plan lists %v, want %v", got, left)
	}
	admin.sweep(sweep.Options{})
	if diff := p.changed(before); diff != "" {
		t.Errorf("another project changed:\n%s", diff)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	p := newProject(t, sandbox.Options{})
	dead, alive, nameOnly := cloud.NewRun(), cloud.NewRun(), cloud.NewRun()
	ofDead, ofAlive := p.leave(dead, past), p.leave(alive, future)
	p.newKeyPair(nameOnly.Name())
	ofNameOnly := map[string]string{nameOnly.Name(): sweep.KeyPair}
	union := func(all ...map[string]string) map[string]string {
		sum := map[string]string{}
		for _, m := range all {
			maps.Copy(sum, m)
		}
		return sum
	}
	only := func(m map[string]string, kinds ...string) map[string]string {
		sum := maps.Clone(m)
		maps.DeleteFunc(sum, func(_, kind string) bool { return !slices.Contains(kinds, kind) })
		return sum
	}
	now := time.Now()
	for _, tt := range []struct {
		name string
		o    sweep.Options
		want map[string]string
	}{
		{"the deadline", sweep.Options{}, ofDead},
		{"later", sweep.Options{At: now.Add(2 * time.Hour)}, union(ofDead, ofAlive)},
		{"much later", sweep.Options{At: now.Add(80 * time.Hour)}, union(ofDead, ofAlive, ofNameOnly)},
		{"before", sweep.Options{At: now.Add(-2 * time.Hour)}, nil},
		{"a run", sweep.Options{Runs: []string{string(alive)}}, ofAlive},
		{"two runs", sweep.Options{Runs: []string{string(alive), string(nameOnly)}}, union(ofAlive, ofNameOnly)},
		{"an unknown run", sweep.Options{Runs: []string{string(cloud.NewRun())}}, nil},
		{"age", sweep.Options{OlderThan: 30 * time.Minute, At: now.Add(40 * time.Minute)}, union(ofDead, ofAlive, ofNameOnly)},
		{"an age that nothing has", sweep.Options{OlderThan: 30 * time.Minute}, nil},
		{"a run that is too young", sweep.Options{OlderThan: 30 * time.Minute, Runs: []string{string(dead)}}, nil},
		{"kinds", sweep.Options{Kinds: []string{sweep.Port, sweep.KeyPair}}, only(ofDead, sweep.Port, sweep.KeyPair)},
	} {
		if got := kinds(p.plan(tt.o).Leftovers); !maps.Equal(got, tt.want) {
			t.Errorf("%s: the plan lists %v, want %v", tt.name, got, tt.want)
		}
	}
	for want, o := range map[string]sweep.Options{
		"run: ":        {Runs: []string{"*"}},
		"kind: ":       {Kinds: []string{"router"}},
		"older_than: ": {OlderThan: -time.Hour},
	} {
		_, err := sweep.NewPlan(t.Context(), p.Cloud, o)
		if !fault.Is(err, fault.Usage) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%+v: error is %v, want %q", o, err, want)
		}
	}
}

// A floating IP that was there before the run goes back to what it was.
func TestReusedFloatingIPIsReleased(t *testing.T) {
	t.Parallel()
	p := newProject(t, sandbox.Options{})
	ctx, run := t.Context(), cloud.NewRun()
	ours := must(floatingips.Create(ctx, p.network, floatingips.CreateOpts{
		FloatingNetworkID: p.public,
		Description:       "the office's",
	}).Extract())
	plain := must(floatingips.Create(ctx, p.network, floatingips.CreateOpts{FloatingNetworkID: p.public}).Extract())
	before := p.state()
	port := must(ports.Create(ctx, p.network, ports.CreateOpts{NetworkID: p.private, Description: run.Description(past)}).Extract())
	for _, f := range []*floatingips.FloatingIP{ours, plain} {
		text := run.Reuse(f.Description, past)
		must(floatingips.Update(ctx, p.network, f.ID, floatingips.UpdateOpts{PortID: &port.ID, Description: &text}).Extract())
		port.ID = "" // only one can lead there
	}
	result := p.sweep(sweep.Options{})
	if diff := p.changed(before); diff != "" {
		t.Errorf("the project isn't as it was before the run:\n%s", diff)
	}
	released := 0
	for _, l := range result.Removed {
		if l.Action == sweep.Release {
			released++
		}
	}
	if released != 2 {
		t.Errorf("%d released, want 2: %v", released, result.Removed)
	}
}

// What is taken out of a dead run's hands between plan and removal stays.
func TestRescuedThingsStay(t *testing.T) {
	t.Parallel()
	p := newProject(t, sandbox.Options{})
	run := cloud.NewRun()
	rescued := p.newImage(run.Name(), run.Metadata(past))
	lost := p.newImage(run.Name(), run.Metadata(past))
	plan := p.plan(sweep.Options{})
	if _, err := p.images.Update(t.Context(), rescued, glance.Patch{}.Name("web-base")); err != nil {
		t.Fatal(err)
	}
	result, err := sweep.Apply(t.Context(), plan, report.Discard)
	if err != nil || len(result.Kept) != 1 || result.Kept[0].ID != rescued || len(result.Removed) != 1 || result.Removed[0].ID != lost {
		t.Errorf("%+v, %v", result, err)
	}
	if p.state()[rescued] == "" {
		t.Error("the rescued image is gone")
	}
}

// A claim of a promotion that lives stays; that of one which died goes.
func TestClaims(t *testing.T) {
	t.Parallel()
	p := newProject(t, sandbox.Options{})
	claim := func(name, holder string) string {
		img := must(p.images.Create(t.Context(), map[string]any{
			"name": "imgctl claim", "visibility": "private", "os_hidden": true, "imgctl_claim": name,
			cloud.RunKey: string(cloud.NewRun()), "imgctl_claim_holder": holder, "nonce": name,
		}, "nonce", name))
		return img.ID
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		t.Skip("only Linux tells whether a process of this machine is gone")
	}
	here := strings.TrimSpace(string(boot)) + "/" + must(os.Readlink("/proc/self/ns/pid"))
	before := p.state()
	alive := claim("alive", "process 1 on elsewhere (x)")
	withAlive := p.state()
	dead := claim("dead", fmt.Sprintf("process %d on here (%s/1)", 1<<30, here))
	result := p.sweep(sweep.Options{At: time.Now().Add(1000 * time.Hour)})
	if len(result.Removed) != 1 || result.Removed[0].ID != dead || result.Removed[0].Name != "dead" ||
		result.Removed[0].Kind != sweep.Claim {
		t.Errorf("%+v", result)
	}
	if diff := p.changed(withAlive); diff != "" {
		t.Error(diff)
	}

	// By the service's clock the other holder has been silent for long, too.
	p.Cloud = p.later(t, 6*time.Minute)
	if result := p.sweep(sweep.Options{}); len(result.Removed) != 1 || result.Removed[0].ID != alive {
		t.Errorf("%+v", result)
	}
	if diff := p.changed(before); diff != "" {
		t.Error(diff)
	}
}

// later is the project's cloud with an Image service whose clock is ahead.
func (p *project) later(t *testing.T, by time.Duration) *cloud.Cloud {
	t.Helper()
	proxy := httputil.NewSingleHostReverseProxy(must(url.Parse(p.sandbox.URL())))
	proxy.ModifyResponse = func(r *http.Response) error {
		r.Header.Set("Date", time.Now().Add(by).UTC().Format(http.TimeFormat))
		return nil
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	c, err := cloud.FromGrant(cloud.Grant{
		IdentityEndpoint: p.sandbox.URL() + "/identity", Token: p.compute.Token(), Project: p.Project(),
		Endpoints: map[string]string{"image": server.URL + "/image"},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// A promotion that died is as recoverable after a sweep as before.
func TestPromotionIsRecoverableAfterASweep(t *testing.T) {
	t.Parallel()
	p := newProject(t, sandbox.Options{})
	p.newImage("web-base", nil)
	fresh := p.newImage("build", nil)
	site := promote.Site{Images: p.images, Project: p.Project().ID, Run: string(cloud.NewRun())}
	p.sandbox.Faults().Add(sandbox.Rule{Method: "PATCH|DELETE", Path: "/image/**", From: 3, Fault: sandbox.Status(403)})
	plan := must(promote.NewPlan(t.Context(), site, promote.Options{ImageID: fresh, Name: "web-base"}))
	_, first := promote.Apply(t.Context(), site, plan, report.Discard)
	p.sandbox.Faults().Clear()
	before := p.state()
	p.sweep(sweep.Options{At: time.Now().Add(1000 * time.Hour)})
	if diff := p.changed(before); first == nil || diff != "" {
		t.Errorf("after a promotion that said %v the sweep changed:\n%s", first, diff)
	}
	plan = must(promote.NewPlan(t.Context(), site, promote.Options{ImageID: fresh, Name: "web-base"}))
	if _, err := promote.Apply(t.Context(), site, plan, report.Discard); err != nil {
		t.Error(err)
	}
}

func TestNothingButAnImageService(t *testing.T) {
	t.Parallel()
	p := newProject(t, sandbox.Options{})
	run := cloud.NewRun()
	p.newImage(run.Name(), run.Metadata(past))
	c, err := cloud.FromGrant(cloud.Grant{
		IdentityEndpoint: p.sandbox.URL() + "/identity", Token: p.compute.Token(), Project: p.Project(),
		Endpoints: map[string]string{"image": p.sandbox.URL() + "/image"},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	plan, err := sweep.NewPlan(t.Context(), c, sweep.Options{})
	if err != nil || len(plan.Leftovers) != 1 || !slices.Equal(plan.Missing,
		[]string{sweep.Server, sweep.Port, sweep.FloatingIP, sweep.Group, sweep.Volume, sweep.KeyPair}) {
		t.Errorf("%+v, %v", plan, err)
	}
	if _, err := sweep.NewPlan(t.Context(), c, sweep.Options{Kinds: []string{sweep.Port}}); !fault.Is(err, fault.NotFound) {
		t.Errorf("asked for ports: %v", err)
	}
}

// sweepAfterLogin is a sweep from the login on.
func (p *project) sweepAfterLogin() (sweep.Result, error) {
	c, err := cloudtest.Open(p.t.Context(), p.sandbox.CloudsYAML(), sandbox.DefaultCloud)
	if err != nil {
		return sweep.Result{}, err
	}
	defer c.Close()
	plan, err := sweep.NewPlan(p.t.Context(), c, sweep.Options{})
	if err != nil {
		return sweep.Result{}, err
	}
	result, err := sweep.Apply(p.t.Context(), plan, report.Discard)
	if left := plan.LeftOut(); err == nil && left != nil {
		return result, left
	}
	if (err == nil) != (len(result.Left) == 0) || err != nil && !fault.Is(err, fault.Partial) {
		p.t.Errorf("%v with left %v", err, result.Left)
	}
	return result, err
}

// Each request fails in each way, logins and reads included; the sweep after it removes the rest.
func TestEveryRequestFails(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("left out by -short: waits for services to come back")
	}
	count := newProject(t, sandbox.Options{})
	count.leave(cloud.NewRun(), past)
	count.sandbox.ResetRequests()
	must(count.sweepAfterLogin())
	total := len(count.sandbox.Requests())
	for _, kind := range []sandbox.Fault{
		sandbox.Status(401), sandbox.Status(403), sandbox.Status(404), sandbox.Status(409), sandbox.Status(500), sandbox.StatusAfter(500),
		sandbox.Status(503),
		{Do: sandbox.Answer, Status: 429, RetryAfter: "0"},
		{Do: sandbox.DropBefore},
		{Do: sandbox.DropAfter},
		{Do: sandbox.Truncate},
	} {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			p := newProject(t, sandbox.Options{})
			p.bystanders()
			before := p.state()
			for nth := 1; nth <= total; nth++ {
				p.leave(cloud.NewRun(), past)
				p.sandbox.Faults().Add(sandbox.Rule{Nth: nth, Fault: kind})
				_, err := p.sweepAfterLogin()
				p.sandbox.Faults().Clear()
				p.sweep(sweep.Options{})
				if diff := p.changed(before); diff != "" {
					t.Fatalf("request %d, which said %v:\n%s", nth, err, diff)
				}
			}
		})
	}
}

// A kind that can't be listed doesn't keep the others from being removed; what has no deadline of its own may belong to
// a live run, and stays.
func TestSweepGoesOnWithoutKindsThatFail(t *testing.T) {
	t.Parallel()
	p := newProject(t, sandbox.Options{})
	run := cloud.NewRun()
	p.newImage(run.Name(), run.Metadata(past))
	other := cloud.NewRun()
	unmarked := p.newImage(other.Name(), map[string]string{cloud.RunKey: string(other)})
	p.sandbox.Faults().Add(sandbox.Rule{
		Match: func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/volume/") }, Fault: sandbox.Status(http.StatusForbidden),
	})
	far := sweep.Options{At: time.Now().Add(365 * 24 * time.Hour)}
	plan, err := sweep.NewPlan(p.t.Context(), p.Cloud, far)
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Leftovers) != 1 || plan.Leftovers[0].Run != run {
		t.Errorf("it would remove %+v", plan.Leftovers)
	}
	for what, err := range map[string]error{"the plan": plan.LeftOut(), "applying": plan.Apply(t.Context(), report.Discard)} {
		if !fault.Is(err, fault.Partial) || !strings.Contains(err.Error(), "volume") {
			t.Errorf("%s says %v", what, err)
		}
	}
	if _, err := sweep.NewPlan(t.Context(), p.Cloud, sweep.Options{Kinds: []string{sweep.Volume}}); !fault.Is(err, fault.Forbidden) {
		t.Errorf("volumes alone: %v", err)
	}
	p.sandbox.Faults().Clear()
	if plan, err = sweep.NewPlan(t.Context(), p.Cloud, far); err != nil || len(plan.Leftovers) != 1 || plan.Leftovers[0].ID != unmarked {
		t.Errorf("it leaves %+v, %v", plan, err)
	}
}

// A key pair that can't be found for a moment stops nothing, and isn't forgotten.
func TestKeyPairThatSeemsGone(t *testing.T) {
	t.Parallel()
	p := newProject(t, sandbox.Options{})
	before := p.state()
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		p.leave(cloud.NewRun(), past)
		p.sandbox.Faults().Add(sandbox.Rule{Method: method, Path: "/compute/**/os-keypairs/*", Nth: 1, Fault: sandbox.Status(404)})
		p.sweep(sweep.Options{})
		p.sandbox.Faults().Clear()
		if diff := p.changed(before); diff != "" {
			t.Errorf("404 for %s:\n%s", method, diff)
		}
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	p := newProject(t, sandbox.Options{})
	before := p.state()
	p.leave(cloud.NewRun(), past)
	ctx, cancel := context.WithCancel(t.Context())
	p.sandbox.Faults().Add(sandbox.Rule{Method: "DELETE", Nth: 2, Fault: sandbox.Fault{
		Do:     sandbox.Observe,
		Before: func(*http.Request) { cancel() },
	}})
	_, err := sweep.Apply(ctx, p.plan(sweep.Options{}), report.Discard)
	if !fault.Is(err, fault.Cancelled) {
		t.Errorf("error is %v", err)
	}
	p.sandbox.Faults().Clear()
	p.sweep(sweep.Options{})
	if diff := p.changed(before); diff != "" {
		t.Error(diff)
	}
}

// A server that can't be deleted keeps what it uses, and the sweep says so without waiting.
func TestServerThatStays(t *testing.T) {
	t.Parallel()
	p := newProject(t, sandbox.Options{})
	p.leave(cloud.NewRun(), past)
	p.sandbox.Faults().Add(sandbox.Rule{Method: "DELETE", Path: "/compute/**/servers/*", Fault: sandbox.Status(403)})
	result, err := sweep.Apply(t.Context(), p.plan(sweep.Options{}), report.Discard)
	if !fault.Is(err, fault.Partial) || !strings.Contains(err.Error(), "its run's server is left") {
		t.Errorf("error is %v", err)
	}
	left := slices.Sorted(maps.Values(kinds(result.Left)))
	if want := []string{sweep.Image, sweep.Image, sweep.Port, sweep.Group, sweep.Server, sweep.Volume}; !slices.Equal(left, want) {
		t.Errorf("left: %v, want %v", left, want)
	}
}
