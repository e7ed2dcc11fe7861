package check_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/check"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

func statuses(p *check.Plan) map[string]check.Status {
	all := map[string]check.Status{}
	for _, r := range p.Results {
		all[r.ID] = r.Status
	}
	return all
}

// A cloud that has exactly what is required meets all requirements, but for what launching it brings.
func TestReady(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shape{sandbox: ready()})
	w.ResetRequests()
	p := w.check(w.options())
	want := map[string]check.Status{
		"K1": check.Passed, "K2": check.Passed, "K3": check.Passed, "K4": check.Passed, "G1": check.Note, "G2": check.Passed,
		"G3": check.Note, "N1": check.Passed, "N2": check.Passed, "Q1": check.Passed, "Q2": check.Passed, "Q3": check.Passed,
		"V1": check.Passed, "I1": check.Passed, "I2": check.Skipped, "S1": check.Later, "M1": check.Later, "P1": check.Later,
		"A1": check.Passed,
	}
	if d := cmp.Diff(want, statuses(p)); d != "" {
		t.Error(d)
	}
	if err := p.Err(); err != nil {
		t.Error(err)
	}
	for _, r := range w.Requests() {
		if r.Method != http.MethodGet && !strings.HasSuffix(r.Path, "/auth/tokens") {
			t.Errorf("a check sends %s %s", r.Method, r.Path)
		}
	}
	for _, r := range p.Results {
		if r.Evidence == "" {
			t.Errorf("%s has no evidence", r.ID)
		}
		if r.Status != check.Passed && r.Status != check.Note && r.Remedy.IsZero() {
			t.Errorf("%s has no remedy", r.ID)
		}
	}
}

func flavor(name string, ram, cores, disk int) flavors.CreateOpts {
	return flavors.CreateOpts{Name: name, RAM: ram, VCPUs: cores, Disk: &disk}
}

// without is a catalog without the services of a type.
func without(kind string) func([]service) []service {
	return func(all []service) []service {
		return slices.DeleteFunc(all, func(s service) bool { return s.Type == kind })
	}
}

// with changes the options of a cloud that is ready.
func with(change func(*sandbox.Options)) sandbox.Options {
	o := ready()
	change(&o)
	return o
}

// Each case is a cloud that lacks one thing, and what is found.
func TestLacking(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	// Servers that boot from volumes need 100 of 80 GiB.
	onVolumes := func(volumes, gigabytes int) shape {
		return shape{
			flavors: []flavors.CreateOpts{flavor("diskless", 8192, 8, 0)},
			sandbox: with(func(o *sandbox.Options) {
				o.VolumeQuotas = sandbox.VolumeQuotas{Volumes: volumes, Gigabytes: gigabytes}
			}),
		}
	}
	for name, tt := range map[string]struct {
		shape
		id, evidence string
		status       check.Status
	}{
		"http Keystone":       {shape{plain: true}, "K1", "has no TLS", check.Failed},
		"http services":       {shape{plain: true}, "K2", "no TLS: compute", check.Failed},
		"self-signed, cacert": {shape{}, "K1", "certificate self-signed, verified with the entry's cacert", check.Passed},
		"certificate expires": {shape{valid: 20 * day}, "K1", "only 19 days more", check.Warning},
		"no network service":  {shape{catalog: without("network")}, "K2", "of: network", check.Failed},
		"no network, quota":   {shape{catalog: without("network")}, "Q3", "has no network service", check.Unknown},
		"no Cinder":           {shape{catalog: without("volumev3")}, "K2", "there is no block storage", check.Passed},
		"no Cinder, mirror":   {shape{catalog: without("volumev3")}, "V1", "no flavor has a disk of 500 GiB", check.Failed},
		"no Cinder, large flavor": {shape{
			catalog: without("volumev3"),
			flavors: []flavors.CreateOpts{fits, flavor("mirror", 8192, 4, 500)},
		}, "V1", "flavor mirror has a disk of 500 GiB", check.Passed},
		"one project": {shape{control: "ci-in-zuul"}, "K3", `both are project "zuul"`, check.Failed},
		"one user":    {shape{control: "zuul"}, "K3", "its one user", check.Failed},
		"admin":       {shape{admin: true}, "K4", "the role admin in zuul", check.Warning},
		"admin, no warning": {
			shape{admin: true, profile: "name: x\nseverity: {K4: info}"},
			"K4", "the role admin in zuul",
			check.Note,
		},
		"99 instances": {
			shape{sandbox: with(func(o *sandbox.Options) { o.ServerQuotas.Instances = 99 })},
			"Q1",
			"99 instances instead of 100", check.Failed,
		},
		"unlimited instances": {
			shape{sandbox: with(func(o *sandbox.Options) { o.ServerQuotas.Instances = -1 })},
			"Q1",
			"no limit of instances", check.Passed,
		},
		"799 cores": {
			shape{sandbox: with(func(o *sandbox.Options) { o.ServerQuotas.Cores = 799 })},
			"Q2",
			"799 cores instead of 800", check.Failed,
		},
		"RAM": {
			shape{sandbox: with(func(o *sandbox.Options) { o.ServerQuotas.RAM = 819199 })},
			"Q2",
			"819199 ram instead of 819200", check.Failed,
		},
		"8000 MiB of RAM": {shape{
			flavors: []flavors.CreateOpts{flavor("small", 8000, 8, 80)},
			sandbox: with(func(o *sandbox.Options) { o.ServerQuotas.RAM = 800000 }),
		}, "Q2", "800000 ram, 800000 needed", check.Passed},
		"8000 MiB in a flavor": {
			shape{flavors: []flavors.CreateOpts{flavor("small", 8000, 8, 80)}},
			"N1", "a little less memory",
			check.Passed,
		},
		"7999 MiB in a flavor": {shape{
			flavors: []flavors.CreateOpts{flavor("small", 7999, 8, 80)}, profile: "name: x\ntest: {ram: 8000, vcpus: 8, disk: 200}",
			catalog: without("volumev3"),
		}, "N1", "no flavor has 8000 MiB", check.Failed},
		"4 cores":    {shape{flavors: []flavors.CreateOpts{}}, "N1", "has only 4 of 8 vCPUs", check.Warning},
		"no disk":    {onVolumes(100, 8000), "N1", "with a volume of 80 GiB to boot from", check.Passed},
		"volumes":    {onVolumes(100, 8000), "Q2", "8000 gigabytes, 8000 needed", check.Passed},
		"99 volumes": {onVolumes(99, 8000), "Q2", "99 volumes instead of 100", check.Failed},
		"7999 GiB":   {onVolumes(100, 7999), "Q2", "7999 gigabytes instead of 8000", check.Failed},
		"749 GiB":    {onVolumes(2, 749), "V1", "749 gigabytes instead of 750", check.Failed},
		"1 volume":   {onVolumes(1, 750), "V1", "1 volumes instead of 2", check.Failed},
		"the mirror's disk in its flavor": {shape{
			flavors: []flavors.CreateOpts{fits, flavor("mirror", 8192, 4, 250)},
			sandbox: with(func(o *sandbox.Options) { o.VolumeQuotas = sandbox.VolumeQuotas{Volumes: 1, Gigabytes: 500} }),
		}, "V1", "500 gigabytes, 500 needed", check.Passed},
		"109 ports": {shape{sandbox: with(func(o *sandbox.Options) { o.NetworkQuotas.Ports = 109 })}, "Q3", "109 ports", check.Failed},
		"99 addresses": {
			shape{sandbox: with(func(o *sandbox.Options) { o.NetworkQuotas.FloatingIPs = 99 })},
			"Q3",
			"99 floating-ips instead of 100", check.Failed,
		},
		"public network": {shape{sandbox: with(func(o *sandbox.Options) {
			o.NetworkQuotas.FloatingIPs = 1
			o.Seed.Networks = []sandbox.Network{{Name: "provider", CIDR: "127.77.0.0/16", IPv6: "2001:4860::/64", Shared: true}}
		})}, "Q3", "110 ports", check.Passed},
		"shared external network": {shape{sandbox: with(func(o *sandbox.Options) {
			o.NetworkQuotas.FloatingIPs = 1
			o.Seed.Networks = []sandbox.Network{{Name: "provider", CIDR: "127.77.0.0/16", Shared: true, External: true}}
		})}, "I1", "servers can be on network provider (IPv4), which leads outside", check.Passed},
		"no external network": {shape{sandbox: with(func(o *sandbox.Options) {
			o.Seed.Networks = []sandbox.Network{{Name: "private", CIDR: "127.77.0.0/16", Shared: true}}
		})}, "I1", "none is external", check.Failed},
		"40 images": {
			shape{sandbox: with(func(o *sandbox.Options) { o.ImageQuotas.CountTotal = 40 })},
			"G2", "40 images instead of 41",
			check.Failed,
		},
		"room for images": {
			shape{sandbox: with(func(o *sandbox.Options) { o.ImageQuotas.MiBTotal = 41 * 16 << 10 })},
			"G2",
			"671744 image-size, 671744 needed", check.Passed,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := tt.shape
			if s.sandbox.Seed.Users == nil {
				s.sandbox = ready()
			}
			w := newWorld(t, s)
			p := w.check(w.options())
			r := result(t, p, tt.id, "")
			if r.Status != tt.status || !strings.Contains(r.Evidence, tt.evidence) {
				t.Errorf("%s: %s: %s; want %s with %q", r.ID, r.Status, r.Evidence, tt.status, tt.evidence)
			}
			switch err := p.Err(); {
			case tt.status == check.Failed && (!fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), tt.id)):
				t.Errorf("the verdict is %v", err)
			case tt.status == check.Passed && err != nil && strings.Contains(err.Error(), tt.id):
				t.Errorf("the verdict is %v", err)
			}
		})
	}
}

// Without the file of the authority, nobody can sign in, which is a finding, too.
func TestSelfSignedWithoutAuthority(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shape{sandbox: ready(), noCA: true})
	_, err := w.connect("zuul")
	if err == nil {
		t.Fatal("a self-signed certificate is accepted")
	}
	r, ok := check.SignIn(check.Options{Profile: check.Shipped(check.OpenDev)}, "zuul", time.Now(), err)
	if !ok {
		t.Fatalf("%v is not about the cloud", err)
	}
	first := r.Results[0]
	if len(r.Results) != len(check.IDs()) || first.Status != check.Failed || !strings.Contains(first.Remedy.String(), "cacert") {
		t.Errorf("%+v", first)
	}
	if err := r.Err(); !fault.Is(err, fault.Conflict) {
		t.Errorf("the verdict is %v", err)
	}
	if _, ok := check.SignIn(check.Options{Profile: check.Shipped(check.OpenDev)}, "x", time.Now(),
		fault.New(fault.NotFound, "", "no cloud %q", "x")); ok {
		t.Error("a cloud that nobody knows is checked")
	}
}

// twoRegions is a catalog with a second region, which lacks the network service.
func twoRegions(all []service) []service {
	for n := range all {
		if all[n].Type == "network" {
			continue
		}
		for _, e := range all[n].Endpoints {
			e.Region, e.RegionID, e.ID = "two", "two", e.ID+"2"
			all[n].Endpoints = append(all[n].Endpoints, e)
		}
	}
	return all
}

func TestRegions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shape{sandbox: ready(), catalog: twoRegions})
	o := w.options()
	o.Regions = []string{check.AllRegions}
	p := w.check(o)
	if r := result(t, p, "K2", "RegionOne"); r.Status != check.Passed {
		t.Errorf("%+v", r)
	}
	if r := result(t, p, "K2", "two"); r.Status != check.Failed {
		t.Errorf("%+v", r)
	}
	if err := p.Err(); err == nil || !strings.Contains(err.Error(), "K2 in two") || strings.Contains(err.Error(), "RegionOne") {
		t.Errorf("the verdict is %v", err)
	}
	global := 0
	for _, r := range p.Results {
		if r.ID == "K1" {
			global++
		}
	}
	if global != 1 {
		t.Errorf("K1 is made %d times", global)
	}
	o.Regions = []string{"three"}
	if _, err := check.NewPlan(t.Context(), o); !fault.Is(err, fault.NotFound) {
		t.Errorf("region three: %v", err)
	}
}

// What launching the cloud brings is required afterwards.
func TestLaunched(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shape{sandbox: ready(), profile: "name: x\nmirror: {name: mirror.invalid}\nseverity: {M1: off}"})
	o := w.options()
	o.Launched = true
	p := w.check(o)
	for _, id := range []string{"S1", "P1"} {
		if r := result(t, p, id, ""); r.Status != check.Failed {
			t.Errorf("%s: %+v", id, r)
		}
	}
}

func TestStrict(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shape{sandbox: ready(), admin: true})
	o := w.options()
	if err := w.check(o).Err(); err != nil {
		t.Error(err)
	}
	o.Strict = true
	if err := w.check(o).Err(); !fault.Is(err, fault.Conflict) {
		t.Errorf("the verdict is %v", err)
	}
}

// A service that fails makes checks unknown, and doesn't stop the others.
func TestUnknown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shape{sandbox: ready()})
	o := w.options()
	w.Faults().Add(sandbox.Rule{Path: "/compute/v2.1/limits", Fault: sandbox.Status(http.StatusForbidden)})
	p := w.check(o)
	if r := result(t, p, "Q1", ""); r.Status != check.Unknown || !strings.Contains(r.Evidence, "403") {
		t.Errorf("%+v", r)
	}
	if r := result(t, p, "Q3", ""); r.Status != check.Unknown { // key pairs are Nova's
		t.Errorf("%+v", r)
	}
	if r := result(t, p, "I1", ""); r.Status != check.Passed {
		t.Errorf("%+v", r)
	}
	if err := p.Err(); !fault.Is(err, fault.Partial) {
		t.Errorf("the verdict is %v", err)
	}
}

// Calls that had to be repeated are found, although they succeeded.
func TestRepeatedCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shape{sandbox: ready()})
	o := w.options()
	w.Faults().Add(sandbox.Rule{Path: "/network/v2.0/ports", Nth: 1, Fault: sandbox.Status(http.StatusServiceUnavailable)})
	if r := result(t, w.check(o), "A1", ""); r.Status != check.Warning || !strings.Contains(r.Evidence, "1 had to be repeated") {
		t.Errorf("%+v", r)
	}
}

// A mirror that doesn't answer is found once the cloud is launched, and isn't asked before.
func TestMirror(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shape{sandbox: ready(), profile: "name: x\nmirror: {name: localhost}"})
	o := w.options()
	if r := result(t, w.check(o), "M1", ""); r.Status != check.Later || !strings.Contains(r.Evidence, "not tried") {
		t.Errorf("%+v", r)
	}
	o.Launched = true
	switch r := result(t, w.check(o), "M1", ""); {
	case r.Status == check.Passed:
		t.Skip("needs ports 80 and 443 of this machine free, for a mirror that does not answer")
	case r.Status != check.Failed || !strings.Contains(r.Evidence, "localhost (127.0.0.1"):
		t.Errorf("%+v", r)
	}
}

// Whatever the check isn't allowed to read, or isn't there, it makes all other checks.
func TestEveryReadFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shape{sandbox: ready()})
	o := w.options()
	w.ResetRequests()
	good := statuses(w.check(o))
	paths := map[string]bool{}
	for _, r := range w.Requests() {
		paths[r.Path] = true
	}
	if len(paths) < 12 {
		t.Fatalf("a check reads only %v", paths)
	}
	for path := range paths {
		for _, f := range []sandbox.Fault{sandbox.Status(http.StatusForbidden), sandbox.Status(http.StatusNotFound)} {
			w.Faults().Add(sandbox.Rule{Path: path, Fault: f})
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			p, err := check.NewPlan(ctx, o)
			cancel()
			w.Faults().Clear()
			if err != nil || len(p.Results) != len(good) {
				t.Errorf("%s of %s: %v", f, path, err)
				continue
			}
			if verdict := p.Err(); verdict != nil && !fault.Is(verdict, fault.Partial) && !fault.Is(verdict, fault.Conflict) {
				t.Errorf("%s of %s: the verdict is %v", f, path, verdict)
			}
			for _, r := range p.Results {
				if r.Evidence == "" {
					t.Errorf("%s of %s: %s has no evidence", f, path, r.ID)
				}
			}
		}
	}
	if d := cmp.Diff(good, statuses(w.check(o))); d != "" {
		t.Errorf("afterwards: %s", d)
	}
}

// A key pair that was rotated counts by its newest one.
func TestARotatedKeyPair(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shape{
		sandbox: ready(), profile: "name: keys\nmirror: {name: mirror.invalid}\nkey_pairs: [{name: ops}]\nseverity: {M1: off}",
	})
	sc := must(cloudtest.Connect(t, w.CloudsYAML(), "zuul").Compute())
	prints := map[string]string{}
	for _, name := range []string{"ops", "ops-20260101"} {
		prints[name] = must(keypairs.Create(t.Context(), sc, keypairs.CreateOpts{Name: name}).Extract()).Fingerprint
	}
	o := w.options()
	o.Control, o.Launched = nil, true
	for name, want := range map[string]check.Status{"ops": check.Failed, "ops-20260101": check.Passed} {
		o.Profile.KeyPairs[0].Fingerprint = prints[name]
		if r := result(t, w.check(o), "P1", ""); r.Status != want || !strings.Contains(r.Evidence, "ops-20260101") {
			t.Errorf("the fingerprint of %s: %s: %s", name, r.Status, r.Evidence)
		}
	}
}
