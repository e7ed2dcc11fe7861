package sweep_test

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

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"golang.org/x/crypto/ssh"

	"github.com/imgctl/packer-plugin-openstack/internal/image/sweep"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// project is one project of a sandbox with all that a build needs.
type project struct {
	*cloud.Cloud
	t                        *testing.T
	sandbox                  *sandbox.Cloud
	compute, network, volume *gophercloud.ServiceClient
	images                   *glance.Client
	private, public, source  string
}

func newProject(t *testing.T, o sandbox.Options) *project {
	t.Helper()
	sb := sandboxtest.Start(t, o)
	source, err := sb.AddImage(sandbox.Image{Name: "debian", Visibility: sandbox.Public, Project: "admin", Data: []byte("a disk")})
	if err != nil {
		t.Fatal(err)
	}
	return (&project{sandbox: sb, source: source, t: t}).as("demo")
}

// as is the same sandbox, seen by another of its users.
func (p *project) as(name string) *project {
	p.t.Helper()
	c := cloudtest.Connect(p.t, p.sandbox.CloudsYAML(), name)
	next := &project{Cloud: c, t: p.t, sandbox: p.sandbox, source: p.source}
	for into, client := range map[**gophercloud.ServiceClient]func() (*gophercloud.ServiceClient, error){
		&next.compute: c.Compute, &next.network: c.Network, &next.volume: c.BlockStorage,
	} {
		*into = must(client())
	}
	next.images = glance.New(must(c.Image()))
	for _, n := range must(networks.ExtractNetworks(must(networks.List(next.network, nil).AllPages(p.t.Context())))) {
		switch n.Name {
		case "private":
			next.private = n.ID
		case "public":
			next.public = n.ID
		}
	}
	return next
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// leave makes one of each thing that a build makes, as builds mark them. It gives their kinds by id.
func (p *project) leave(run cloud.Run, deadline time.Time) map[string]string {
	ctx, marks, text := p.t.Context(), run.Metadata(deadline), run.Description(deadline)
	port := must(ports.Create(ctx, p.network, ports.CreateOpts{NetworkID: p.private, Name: run.Name(), Description: text}).Extract())
	made := must(floatingips.Create(ctx, p.network, floatingips.CreateOpts{
		FloatingNetworkID: p.public, PortID: port.ID,
		Description: text,
	}).Extract())
	group := must(groups.Create(ctx, p.network, groups.CreateOpts{Name: run.Name(), Description: text}).Extract())
	volume := p.newVolume(run.Name(), marks)
	server := p.newServer("packer", port.ID, marks)
	return map[string]string{
		port.ID: sweep.Port, made.ID: sweep.FloatingIP, group.ID: sweep.Group, volume: sweep.Volume, server: sweep.Server,
		p.newKeyPair(run.Name()):                sweep.KeyPair,
		p.newImage(run.Name(), marks):           sweep.Image,
		p.newImage(run.Name()+"-source", marks): sweep.Image,
	}
}

func (p *project) newServer(name, port string, metadata map[string]string) string {
	s := must(servers.Create(p.t.Context(), p.compute, servers.CreateOpts{
		Name: name, ImageRef: p.source, FlavorRef: "1", Networks: []servers.Network{{Port: port}}, Metadata: metadata,
	}, nil).Extract())
	p.settled(s.ID, func() bool { return must(servers.Get(p.t.Context(), p.compute, s.ID).Extract()).Status != "BUILD" })
	return s.ID
}

// settled waits until a server or volume is what it is going to be, so that states that are compared don't change by themselves.
func (p *project) settled(id string, is func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("%s is still being made", id)
		}
	}
}

func (p *project) newVolume(name string, metadata map[string]string) string {
	v := must(volumes.Create(p.t.Context(), p.volume, volumes.CreateOpts{Size: 1, Name: name, Metadata: metadata}, nil).Extract())
	p.settled(v.ID, func() bool { return must(volumes.Get(p.t.Context(), p.volume, v.ID).Extract()).Status != "creating" })
	return v.ID
}

func (p *project) newKeyPair(name string) string {
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		p.t.Fatal(err)
	}
	text := string(ssh.MarshalAuthorizedKey(must(ssh.NewPublicKey(public))))
	return must(keypairs.Create(p.t.Context(), p.compute, keypairs.CreateOpts{
		Name:      name,
		PublicKey: strings.TrimSpace(text),
	}).Extract()).Name
}

func (p *project) newImage(name string, properties map[string]string) string {
	nonce := string(cloud.NewRun())
	attributes := map[string]any{"name": name, "disk_format": "raw", "container_format": "bare", "visibility": "private", "nonce": nonce}
	for k, v := range properties {
		attributes[k] = v
	}
	img := must(p.images.Create(p.t.Context(), attributes, "nonce", nonce))
	if err := p.images.Upload(p.t.Context(), img.ID, strings.NewReader(name)); err != nil {
		p.t.Fatal(err)
	}
	return img.ID
}

// state is all that there is in the project, a line each with what may change about it.
func (p *project) state() map[string]string {
	ctx := context.WithoutCancel(p.t.Context())
	all := map[string]string{}
	for _, s := range must(servers.ExtractServers(must(servers.List(p.compute, nil).AllPages(ctx)))) {
		all[s.ID] = fmt.Sprint(sweep.Server, s.Name, s.Status, s.Metadata)
	}
	for _, k := range must(keypairs.ExtractKeyPairs(must(keypairs.List(p.compute, nil).AllPages(ctx)))) {
		all[k.Name] = fmt.Sprint(sweep.KeyPair, k.Fingerprint)
	}
	for _, x := range must(ports.ExtractPorts(must(ports.List(p.network, ports.ListOpts{ProjectID: p.Project().ID}).AllPages(ctx)))) {
		all[x.ID] = fmt.Sprint(sweep.Port, x.Name, x.Description, x.DeviceID)
	}
	for _, f := range must(floatingips.ExtractFloatingIPs(must(floatingips.List(p.network,
		floatingips.ListOpts{ProjectID: p.Project().ID}).AllPages(ctx)))) {
		all[f.ID] = fmt.Sprint(sweep.FloatingIP, f.FloatingIP, f.Description, f.PortID)
	}
	for _, g := range must(groups.ExtractGroups(must(groups.List(p.network,
		groups.ListOpts{ProjectID: p.Project().ID}).AllPages(ctx)))) {
		if g.Name != "default" {
			all[g.ID] = fmt.Sprint(sweep.Group, g.Name, g.Description)
		}
	}
	for _, v := range must(volumes.ExtractVolumes(must(volumes.List(p.volume, nil).AllPages(ctx)))) {
		all[v.ID] = fmt.Sprint(sweep.Volume, v.Name, v.Status, v.Metadata)
	}
	for _, i := range must(p.images.Images(ctx, glance.Query{Owner: p.Project().ID, BothHidden: true})) {
		all[i.ID] = fmt.Sprint(sweep.Image, i.Name, i.Status, i.Hidden, i.Properties)
	}
	return all
}

// changed tells what happened to the project's things since before.
func (p *project) changed(before map[string]string) string {
	var lines []string
	now := p.state()
	for id := range maps.Keys(before) {
		if now[id] != before[id] {
			lines = append(lines, fmt.Sprintf("%s was %q, is %q", id, before[id], now[id]))
		}
	}
	for id := range maps.Keys(now) {
		if before[id] == "" {
			lines = append(lines, fmt.Sprintf("%s is new: %q", id, now[id]))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func (p *project) plan(o sweep.Options) *sweep.Plan {
	p.t.Helper()
	plan, err := sweep.NewPlan(p.t.Context(), p.Cloud, o)
	if err != nil {
		p.t.Fatal(err)
	}
	return plan
}

func (p *project) sweep(o sweep.Options) sweep.Result {
	p.t.Helper()
	r, err := sweep.Apply(p.t.Context(), p.plan(o), report.Discard)
	if err != nil {
		p.t.Fatal(err)
	}
	return r
}

// kinds are the kinds by id of what a plan lists.
func kinds(leftovers []*sweep.Leftover) map[string]string {
	found := map[string]string{}
	for _, l := range leftovers {
		found[l.ID] = l.Kind
	}
	return found
}
