package leaks_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"golang.org/x/crypto/ssh"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/leaks"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// world is a project of CI: with leaks, and with what looks like leaks and isn't.
type world struct {
	*cloud.Cloud
	t                        *testing.T
	sandbox                  *sandbox.Cloud
	compute, network, volume *gophercloud.ServiceClient
	images                   *glance.Client
	leaked                   map[string]bool // ids
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newWorld(t *testing.T) *world {
	t.Helper()
	sb := sandboxtest.Start(t, sandbox.Options{})
	c := cloudtest.Connect(t, sb.CloudsYAML(), "demo")
	w := &world{
		Cloud: c, t: t, sandbox: sb, compute: must(c.Compute()), network: must(c.Network()), volume: must(c.BlockStorage()),
		images: glance.New(must(c.Image())), leaked: map[string]bool{},
	}
	w.addImages()
	w.addPorts()
	w.addVolumes()
	w.leaked[w.keyPair("launch-1719999999")] = true
	w.keyPair("infra-root-keys-2024-04-08")
	return w
}

// later is a time at which everything that the world has is old enough.
func later() time.Time { return time.Now().Add(48 * time.Hour) }

func (w *world) image(name string, hours int, change func(*sandbox.Image)) string {
	w.t.Helper()
	i := sandbox.Image{
		Name: name, Project: "demo", Visibility: "private", Data: []byte(name),
		CreatedAt:  time.Now().Add(-time.Duration(hours) * time.Hour),
		Properties: map[string]string{"nodepool_build_id": "7", "nodepool_upload_id": "9"},
	}
	if change != nil {
		change(&i)
	}
	return must(w.sandbox.AddImage(i))
}

func (w *world) addImages() {
	w.image("debian-1700000004", 1, nil)
	w.image("debian-1700000003", 2, nil)
	w.leaked[w.image("debian-1700000002", 3, nil)] = true
	used := w.image("debian-1700000001", 4, nil)
	must(w.sandbox.AddServers(sandbox.Server{Name: "np1", Project: "demo", Image: used}))
	w.leaked[w.image("gone-1700000001", 5, nil)] = true // with a configuration that doesn't have it
	w.image("mirror-1700000001", 6, func(i *sandbox.Image) { i.Properties = nil })
	w.image("theirs-1700000001", 6, func(i *sandbox.Image) { i.Project = "admin" })
	w.image("debian-1700000000", 7, func(i *sandbox.Image) { i.Protected = true })
}

func (w *world) addPorts() {
	ctx := w.t.Context()
	ids := map[string]string{}
	for _, n := range must(networks.ExtractNetworks(must(networks.List(w.network, nil).AllPages(ctx)))) {
		ids[n.Name] = n.ID
	}
	port := func(description string) string {
		return must(ports.Create(ctx, w.network, ports.CreateOpts{NetworkID: ids["private"], Description: description}).Extract()).ID
	}
	w.leaked[port("")] = true
	port("kept for the mirror")
	floating := func(port, description string) string {
		return must(floatingips.Create(ctx, w.network, floatingips.CreateOpts{
			FloatingNetworkID: ids["public"], PortID: port, Description: description,
		}).Extract()).ID
	}
	w.leaked[floating("", "")] = true
	floating("", "reserved for the mirror")
	floating(port("with an address"), "")
}

func (w *world) addVolumes() {
	from := must(w.sandbox.AddImage(sandbox.Image{Name: "vendor", Project: "demo", Data: []byte("x")}))
	ids := must(w.sandbox.AddVolumes(
		sandbox.Volume{Project: "demo", Image: from}, sandbox.Volume{Project: "demo"},
		sandbox.Volume{Project: "demo", Image: from, Name: "mirror"}, sandbox.Volume{Project: "admin", Image: from},
	))
	w.leaked[ids[0]] = true
	server := must(w.sandbox.AddServers(sandbox.Server{Name: "np2", Project: "demo"}))
	must(w.sandbox.AddVolumes(sandbox.Volume{Project: "demo", Image: from, Server: server[0]}))
}

func (w *world) keyPair(name string) string {
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	text := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(must(ssh.NewPublicKey(public)))))
	return must(keypairs.Create(w.t.Context(), w.compute, keypairs.CreateOpts{Name: name, PublicKey: text}).Extract()).Name
}

// state is all that the project has.
func (w *world) state() map[string]string {
	ctx := context.WithoutCancel(w.t.Context())
	all := map[string]string{}
	mine := w.Project().ID
	for _, s := range must(servers.ExtractServers(must(servers.List(w.compute, nil).AllPages(ctx)))) {
		all[s.ID] = "server " + s.Name
	}
	for _, k := range must(keypairs.ExtractKeyPairs(must(keypairs.List(w.compute, nil).AllPages(ctx)))) {
		all[k.Name] = "keypair"
	}
	for _, x := range must(ports.ExtractPorts(must(ports.List(w.network, ports.ListOpts{ProjectID: mine}).AllPages(ctx)))) {
		all[x.ID] = "port " + x.Description
	}
	for _, f := range must(floatingips.ExtractFloatingIPs(must(floatingips.List(w.network,
		floatingips.ListOpts{ProjectID: mine}).AllPages(ctx)))) {
		all[f.ID] = "floating-ip " + f.Description
	}
	for _, v := range must(volumes.ExtractVolumes(must(volumes.List(w.volume, nil).AllPages(ctx)))) {
		all[v.ID] = "volume " + v.Name
	}
	for _, i := range must(w.images.Images(ctx, glance.Query{Owner: mine, BothHidden: true})) {
		all[i.ID] = "image " + i.Name
	}
	return all
}

// clean is the state without the leaks.
func (w *world) clean() map[string]string {
	all := w.state()
	maps.DeleteFunc(all, func(id, _ string) bool { return w.leaked[id] })
	return all
}

func configured() leaks.Options {
	return leaks.Options{At: later(), DiskImages: []string{"debian"}, Known: true}
}

func plan(ctx context.Context, c *cloud.Cloud) (*leaks.Plan, error) {
	return leaks.NewPlan(ctx, c, configured())
}

func TestFindsAndRemovesLeaks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	want := w.clean()
	w.sandbox.ResetRequests()
	p := must(plan(t.Context(), w.Cloud))
	for _, r := range w.sandbox.Requests() {
		if r.Method != "GET" && !strings.HasSuffix(r.Path, "/auth/tokens") {
			t.Errorf("planning sends %s %s", r.Method, r.Path)
		}
	}
	found := map[string]bool{}
	for _, l := range p.Leaks {
		found[l.ID] = true
	}
	if diff := cmp.Diff(w.leaked, found); diff != "" {
		t.Errorf("other leaks are found:\n%s\n%v", diff, p.Rows())
	}
	if !strings.Contains(p.Loss(), "2 image, 1 port, 1 floating-ip, 1 volume, 1 keypair") {
		t.Errorf("the question is %q", p.Loss())
	}
	if err := p.Apply(t.Context(), report.Discard); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, w.state()); diff != "" {
		t.Errorf("removed, the project has\n%s", diff)
	}
	if again := must(plan(t.Context(), w.Cloud)); !again.Done() {
		t.Errorf("found again: %v", again.Rows())
	}
}

// Providers may share a project: each keeps its own newest images, and what another one uploads isn't looked at.
func TestImagesOfTwoProviders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	upload := func(provider, name string, hours int) string {
		return w.image(name, hours, func(i *sandbox.Image) {
			i.Properties = map[string]string{"nodepool_build_id": "7", "nodepool_provider_name": provider}
		})
	}
	for n, provider := range []string{"east", "west"} {
		for hours := range 2 {
			upload(provider, fmt.Sprintf("debian-17100000%02d", 10*n+hours), 10*n+hours)
		}
	}
	surplus := upload("west", "debian-1710000090", 90)
	upload("east", "only-east-1710000001", 50)
	o := configured()
	o.Kinds, o.Providers = []string{leaks.Image}, []string{"west"}
	var found []string
	for _, l := range must(leaks.NewPlan(t.Context(), w.Cloud, o)).Leaks {
		if !w.leaked[l.ID] {
			found = append(found, l.ID)
		}
	}
	if len(found) != 1 || found[0] != surplus {
		t.Errorf("found %v, want %s", found, surplus)
	}
}

func TestOnlyWhatIsOldEnoughAndWanted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	young := configured()
	young.At = time.Now()
	if p := must(leaks.NewPlan(t.Context(), w.Cloud, young)); !p.Done() {
		t.Errorf("too young, and yet found: %v", p.Rows())
	}
	ports := configured()
	ports.Kinds = []string{leaks.Port}
	if p := must(leaks.NewPlan(t.Context(), w.Cloud, ports)); len(p.Leaks) != 1 || p.Leaks[0].Kind != leaks.Port {
		t.Errorf("of ports: %v", p.Rows())
	}
	unknown := configured()
	unknown.DiskImages, unknown.Known = nil, false
	p := must(leaks.NewPlan(t.Context(), w.Cloud, unknown))
	if n := slices.IndexFunc(p.Leaks, func(l *leaks.Leak) bool { return strings.HasPrefix(l.Name, "gone-") }); n >= 0 {
		t.Errorf("without a configuration, %v is an alien", p.Leaks[n])
	}
	for _, o := range []leaks.Options{{Kinds: []string{"router"}}, {OlderThan: -time.Hour}} {
		if _, err := leaks.NewPlan(t.Context(), w.Cloud, o); !fault.Is(err, fault.Usage) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestWhatIsUsedMeanwhileStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := must(plan(t.Context(), w.Cloud))
	description := "mine now"
	for _, l := range p.Leaks {
		if l.Kind == leaks.FloatingIP {
			must(floatingips.Update(t.Context(), w.network, l.ID, floatingips.UpdateOpts{Description: &description}).Extract())
			delete(w.leaked, l.ID)
		}
	}
	want := w.clean()
	if err := p.Apply(t.Context(), report.Discard); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, w.state()); diff != "" {
		t.Error(diff)
	}
}

// Every request fails in turn, each in another way: nothing but leaks is removed, and the next run removes the rest.
func TestFaults(t *testing.T) {
	t.Parallel()
	faults := []sandbox.Fault{
		sandbox.Status(500), {Do: sandbox.DropBefore}, {Do: sandbox.DropAfter}, sandbox.Status(403), sandbox.Status(409),
	}
	for first, f := range faults {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			for nth := 1 + first; ; nth += len(faults) {
				w := newWorld(t)
				want, before := w.clean(), w.state()
				w.sandbox.ResetRequests()
				w.sandbox.Faults().Add(sandbox.Rule{Path: "/**", Nth: nth, Fault: f})
				c, err := cloudtest.Open(t.Context(), w.sandbox.CloudsYAML(), "demo")
				if err == nil {
					var p *leaks.Plan
					if p, err = plan(t.Context(), c); err == nil {
						err = p.Apply(t.Context(), report.Discard)
					}
					c.Close()
				}
				ended := len(w.sandbox.Requests()) < nth
				w.sandbox.Faults().Clear()
				for id, what := range before {
					if now := w.state()[id]; now != what && (now != "" || !w.leaked[id]) {
						t.Fatalf("request %d fails (%v): %s %s became %q", nth, err, what, id, now)
					}
				}
				if err := must(plan(t.Context(), w.Cloud)).Apply(t.Context(), report.Discard); err != nil {
					t.Fatalf("request %d failed: the next run says %v", nth, err)
				}
				if diff := cmp.Diff(want, w.state()); diff != "" {
					t.Fatalf("request %d failed: after the next run\n%s", nth, diff)
				}
				if ended {
					if nth < 10 {
						t.Errorf("only %d requests", nth)
					}
					return
				}
			}
		})
	}
}

func TestAKindThatCannotBeListedIsLeftOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sandbox.Faults().Add(sandbox.Rule{Path: "/network/v2.0/floatingips", Fault: sandbox.Status(403)})
	p := must(plan(t.Context(), w.Cloud))
	if err := p.LeftOut(); !fault.Is(err, fault.Partial) || !strings.Contains(fmt.Sprint(err), "floating-ip") {
		t.Errorf("left out: %v", err)
	}
	if len(p.Leaks) != len(w.leaked)-1 {
		t.Errorf("found %v", p.Rows())
	}
}
