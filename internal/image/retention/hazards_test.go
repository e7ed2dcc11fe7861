package retention_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/snapshots"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/image/retention"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// What Chameleon's cleaner gets wrong: each of these is a test that this one doesn't.

// A hidden image stays in sight of the policy, and is deleted when its time has come. So is one that isn't
// public any more.
func TestHiddenImagesAreDeletedAtTheirTime(t *testing.T) {
	t.Parallel()
	for _, action := range []string{retention.Hide, retention.Community, retention.Private, retention.Deactivate, retention.Trash} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{})
			w.old("web", 0)
			id := w.old("web-1", 19)
			w.run(strings.Replace(months, "hide", action, 1))
			want := map[string]string{
				retention.Hide: "active public hidden", retention.Community: "active community", retention.Private: "active private",
				retention.Deactivate: "deactivated public", retention.Trash: "deactivated public hidden",
			}
			w.want(id, want[action]+" stage "+action)
			expect(t, w.plan(strings.Replace(months, "hide", action, 1)), id, "", "marked less than 7d ago")
			w.run(strings.Replace(months, "hide", action, 1) + atOnce)
			w.want(id, "gone")
		})
	}
}

// Whatever the state of a server, its image stays.
func TestStoppedServersCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	w.old("web", 0)
	id := w.old("web-1", 19)
	sc, server := w.boot(id)
	if err := servers.Stop(t.Context(), sc, server).ExtractErr(); err != nil {
		t.Fatal(err)
	}
	w.run(months + atOnce)
	w.want(id, "active public hidden stage hide") // which harms nobody
	p := w.run(months + atOnce)
	expect(t, p, id, "", "delete is due, but it is in use")
	expect(t, p, id, "", "used by server")
	w.want(id, "active public hidden stage hide")
}

// Servers that boot from volumes have no image of their own; the volume tells, and so does its snapshot.
func TestVolumesAndSnapshotsCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	w.old("web", 0)
	booted, snapped := w.old("web-1", 19), w.old("web-2", 19)
	sc, volume := must(w.as.Compute()), must(w.as.BlockStorage())
	must(servers.Create(t.Context(), sc, servers.CreateOpts{
		Name: "from volume", FlavorRef: "1", BlockDevice: []servers.BlockDevice{{
			UUID: booted, SourceType: servers.SourceImage, DestinationType: servers.DestinationVolume, VolumeSize: 1,
		}},
	}, nil).Extract())
	v := must(w.AddVolumes(sandbox.Volume{Image: snapped}))
	must(snapshots.Create(t.Context(), volume, snapshots.CreateOpts{VolumeID: v[0]}).Extract())
	for range 2 {
		w.run(months + atOnce)
	}
	for _, id := range []string{booted, snapped} {
		w.want(id, "active public hidden stage hide")
	}
}

// The images that Ironic deploys with are two of a build, and the current pair is not under the name that
// others are archived from.
func TestCurrentRamdisksStay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	text := string(must(retention.ShippedPolicy("chameleon")))
	text = strings.Replace(text, "may_be_missing: [", "may_be_missing: [nodes, stacks, ", 1)
	image := func(name, ipa, stamp string, age int) string {
		return w.old(name, age, with("build-distro", "debian"), with("build-release", "11"), with("build-variant", "base"),
			with("build-ipa", ipa), with("build-timestamp", stamp))
	}
	at := func(months int) string { return w.now.AddDate(0, -months, -1).Format("2006-01-02 15:04:05.000000") }
	var stay, leave []string
	for _, ipa := range []string{"kernel", "initramfs"} {
		stay = append(stay, image("CC-IPA-Debian11."+ipa, ipa, at(20), 20))
		leave = append(leave, image("CC-IPA-Debian11."+ipa+"-1-1600000000", ipa, at(25), 25))
	}
	// A production image that an older build was promoted to again.
	stay = append(stay, image("CC-Debian11", "na", at(30), 30))
	stay = append(stay, image("CC-Debian11-2-1700000000", "na", at(20), 20))
	leave = append(leave, image("CC-Debian11-2-1700000001", "na", at(21), 21))
	p := w.plan(text)
	for _, id := range stay {
		if e := entry(t, p, id); e.Action != "" {
			t.Errorf("%+v", e)
		}
	}
	for _, id := range leave {
		expect(t, p, id, retention.Hide, "")
	}
	// A retired distribution is cleaned like any other, and the build's time counts, not the upload's.
	retired := w.old("CC-CentOS7", 1, with("build-distro", "centos"), with("build-release", "7"), with("build-variant", "base"),
		with("build-timestamp", "1500000000.5"))
	w.old("CC-CentOS7-new", 1, with("build-distro", "centos"), with("build-release", "7"), with("build-variant", "base"),
		with("build-timestamp", at(2)))
	expect(t, w.plan(strings.Replace(text, "keep_base_name: true", "keep_base_name: false", 1)), retired, retention.Hide,
		"its property build-timestamp is 2017-07-14T02:40:00Z")
}

// A hidden image still works for those who use it by its id.
func TestHidingIsNotPrivate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	w.old("web", 0)
	id := w.old("web-1", 13)
	w.run(months)
	w.want(id, "active public hidden stage hide")
	w.boot(id)
	if w.image(id).Properties[retention.ReplacedByKey] == "" {
		t.Error("nothing says what replaces it")
	}
}

// Protected images are reported, without a request that would be refused every night.
func TestProtectedImagesAreReported(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	w.old("web", 0)
	id := w.old("web-1", 19, func(i *sandbox.Image) { i.Protected = true })
	w.ResetRequests()
	expect(t, w.run(months+atOnce), id, "", "it is protected")
	if wrote := w.writes(); len(wrote) > 0 {
		t.Errorf("sent %q", wrote)
	}
}

// A promotion of the same family goes first.
func TestAPromotionUnderWayGoesFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	w.old("web", 0)
	id, later := w.old("web-1", 13), w.old("web-2", 13, with("imgctl_promotion", "{}"))
	p := w.plan(months)
	expect(t, p, later, "", "a promotion is changing it")
	site := promote.Site{Images: w.site.Images, Project: w.site.Project, Admin: true, Run: "5f0c24f0-6f2e-4b05-9d3e-5c1f0ad3b1c4"}
	next := w.old("next", 0)
	promotion := must(promote.NewPlan(t.Context(), site, promote.Options{ImageID: next, Name: "web-1", Gate: []string{"true"}}))
	var err error
	w.Faults().Add(sandbox.Rule{Method: "PATCH", Path: "/image/v2/images/" + next, Nth: 1, Fault: sandbox.Fault{
		Do: sandbox.Observe, After: func(*http.Request) { err = p.Apply(t.Context(), report.Discard) },
	}})
	if _, e := promote.Apply(t.Context(), site, promotion, report.Discard); e != nil || err != nil {
		t.Fatal(e, err)
	}
	if got := w.is(id); strings.Contains(got, "stage") {
		t.Errorf("retention changed an image that was being promoted: %s", got)
	}
}

// Two runs at once do the same as one.
func TestTwoRunsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	w.old("web", 0)
	var ids []string
	for range 12 {
		ids = append(ids, w.old("web-1", 13))
	}
	plans := []*retention.Plan{w.plan(months), w.plan(months)}
	done := make(chan error, 2)
	for _, p := range plans {
		go func() { done <- p.Apply(t.Context(), report.Discard) }()
	}
	if err := errors.Join(<-done, <-done); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		w.want(id, "active public hidden stage hide")
	}
}

// A share that appears after the plan was made isn't lost, and the image is left alone.
func TestAShareMeanwhileKeepsTheImage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	w.old("web", 0)
	id := w.old("web-1", 13)
	p := w.plan(months)
	if _, err := w.site.Images.Update(t.Context(), id, glance.Patch{}.Visibility(glance.Shared)); err != nil {
		t.Fatal(err)
	}
	if err := w.site.Images.AddMember(t.Context(), id, w.ProjectID("member-a")); err != nil {
		t.Fatal(err)
	}
	if err := p.Apply(t.Context(), report.Discard); err != nil {
		t.Fatal(err)
	}
	w.want(id, "active shared")
	if row := p.Rows()[0]; !slices.Contains(row.Values(), any(retention.Skipped)) {
		t.Errorf("%v", row)
	}
}

// A server that appears between plan and apply keeps its image, active and as it was.
func TestAServerThatAppearsMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	w.old("web", 0)
	id, other := w.old("web-1", 19), w.old("web-2", 19)
	w.run(months)
	p := w.plan(months + atOnce)
	expect(t, p, id, retention.Delete, "")
	w.boot(id)
	if err := p.Apply(t.Context(), report.Discard); err != nil {
		t.Fatal(err)
	}
	w.want(id, "active public hidden stage hide")
	w.want(other, "gone")
	// Even one that appears once it is checked: before the last check nobody can boot from it any more.
	late := w.old("web-3", 19)
	w.run(months)
	p = w.plan(months + atOnce)
	var refused error
	w.Faults().Add(sandbox.Rule{Method: "DELETE", Path: "/image/v2/images/" + late, Nth: 1, Fault: sandbox.Fault{
		Do: sandbox.Observe, Before: func(*http.Request) {
			_, refused = servers.Create(t.Context(), must(w.as.Compute()), servers.CreateOpts{Name: "late", ImageRef: late, FlavorRef: "1"},
				nil).Extract()
		},
	}})
	if err := p.Apply(t.Context(), report.Discard); err != nil {
		t.Fatal(err)
	}
	if refused == nil {
		t.Error("a server could boot from an image that was about to be deleted")
	}
	w.want(late, "gone")
}

// A cell of Nova's that doesn't answer doesn't tell which images its servers use: nothing is deleted, whether it goes
// down before the plan or after it, and the reason is given.
func TestACellThatIsDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	w.old("web", 0)
	id := w.old("web-1", 19)
	w.run(months)
	server := must(w.AddServers(sandbox.Server{Name: "user", Project: "demo", Image: id}))
	early := w.plan(months + atOnce)
	expect(t, early, id, "", "delete is due, but it is in use")
	unused := w.old("web-2", 19)
	w.run(months)
	plan := w.plan(months + atOnce)
	expect(t, plan, unused, retention.Delete, "")
	w.CellDown(server...)
	late := w.run(months + atOnce)
	for _, image := range []string{id, unused} {
		expect(t, late, image, "", "nothing tells whether it is in use: no answer from servers")
	}
	if notes := fmt.Sprint(late.Notes()); !strings.Contains(notes, "server "+server[0]+" is in a cell that doesn't answer") {
		t.Errorf("the notes don't say why: %s", notes)
	}
	if err := plan.Apply(t.Context(), report.Discard); err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprint(plan.Rows()[0].Values()); !strings.Contains(text, "nothing tells whether it is in use by now: servers") {
		t.Errorf("%s", text)
	}
	w.want(id, "active public hidden stage hide")
	w.want(unused, "active public hidden stage hide")
}

// A store that knows of clones refuses; that is no failure, and the image becomes active again.
func TestAStoreThatKnowsClones(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	w.old("web", 0)
	id := w.old("web-1", 19)
	w.run(months)
	w.Faults().Add(sandbox.Rule{Method: "DELETE", Path: "/image/v2/images/" + id, Fault: sandbox.Fault{
		Do: sandbox.Answer, Status: 409, Message: "Image could not be deleted because it is in use: has clones",
	}})
	p := w.run(months + atOnce)
	w.want(id, "active public hidden stage hide")
	if text := fmt.Sprint(p.Rows()[0].Values()); !strings.Contains(text, retention.Skipped) ||
		!strings.Contains(text, "has clones") {
		t.Errorf("%s", text)
	}
	if img := w.image(id); img.Properties["imgctl_releasing"] != "" {
		t.Error("the mark of the deletion is left")
	}
}

// A policy that would delete too many images at once changes nothing.
func TestTheBudgetStopsARun(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	w.old("web", 0)
	var ids []string
	for range 5 {
		ids = append(ids, w.old("web-1", 19))
	}
	w.run(months)
	before := w.all()
	p := w.plan(months + "grace: 0\nbudget: {images: 3, percent: 100}\n")
	if err := p.Apply(t.Context(), report.Discard); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "deletes 5 of 6") {
		t.Errorf("error is %v", err)
	}
	if after := w.all(); after != before {
		t.Errorf("was\n%s\nis\n%s", before, after)
	}
	w.run(months + "grace: 0\nbudget: {images: 5, percent: 100}\n")
	for _, id := range ids {
		w.want(id, "gone")
	}
}
