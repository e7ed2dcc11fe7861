package launch_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"

	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/launch"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/layout"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/listing"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

const (
	firstKey  = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1tZZmcoOYxCtT8sXcOnNUx7QULnJkfe0Qy4w1jSm6Q first"
	secondKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGYlFRFRSW3Sn0bK3vb0fEiVqSBtV3vnp6ABvyrPCuTg second"
)

// world is a cloud and a folder for layouts.
type world struct {
	*testing.T
	cloud  *sandbox.Cloud
	folder string
}

func newWorld(t *testing.T, s *sandbox.Cloud) *world {
	t.Helper()
	w := &world{t, s, t.TempDir()}
	w.file("disk.img", "the disk's data")
	w.file("key.pub", firstKey+"\n")
	return w
}

func (w *world) file(name, text string) {
	w.Helper()
	if err := os.WriteFile(filepath.Join(w.folder, name), []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
}

func (w *world) open(ctx context.Context, entry, _ string) (*cloud.Cloud, error) {
	c, err := cloudtest.Open(ctx, w.cloud.CloudsYAML(), entry)
	if err == nil {
		w.Cleanup(c.Close)
	}
	return c, err
}

func (w *world) plan(text string, with func(*launch.Options)) *launch.Plan {
	w.Helper()
	w.file("layout.yml", text)
	l, err := layout.ReadFile(filepath.Join(w.folder, "layout.yml"), layout.Options{})
	if err != nil {
		w.Fatal(err)
	}
	o := launch.Options{Layout: l, Open: w.open, Everything: true}
	if with != nil {
		with(&o)
	}
	p, err := launch.NewPlan(w.Context(), o)
	if err != nil {
		w.Fatal(err)
	}
	return p
}

// launch plans and applies.
func (w *world) launch(text string, with func(*launch.Options)) *launch.Plan {
	w.Helper()
	p := w.plan(text, with)
	if err := p.Apply(w.Context(), report.Discard); err != nil {
		w.Errorf("applying: %v\n%s", err, steps(p))
	}
	return p
}

// settled plans again: nothing is left to do, and applying writes nothing.
func (w *world) settled(text string, with func(*launch.Options)) {
	w.Helper()
	w.cloud.ResetRequests()
	p := w.plan(text, with)
	if !p.Done() {
		w.Errorf("the second plan has changes:\n%s", steps(p))
	}
	if err := p.Apply(w.Context(), report.Discard); err != nil {
		w.Error(err)
	}
	for _, r := range w.cloud.Requests() {
		if r.Method != "GET" && r.Method != "HEAD" && !strings.HasSuffix(r.Path, "/auth/tokens") {
			w.Errorf("the second run sends %s %s", r.Method, r.Path)
		}
	}
}

// steps are a plan as text.
func steps(p *launch.Plan) string {
	var b strings.Builder
	for _, s := range p.Steps() {
		fmt.Fprintf(&b, "%s %s %q: %s %s %s\n", s.Cloud, s.Kind, s.Name, s.Action, s.Reason, s.Outcome)
	}
	return b.String()
}

// actions are the actions of a plan, such as "create 3, same 2".
func actions(p *launch.Plan) map[string]int {
	all := map[string]int{}
	for _, s := range p.Steps() {
		all[s.Action]++
	}
	return all
}

// list is what an entry sees of a collection.
func (w *world) list(entry, service, path, key string) (all []map[string]any) {
	w.Helper()
	c := cloudtest.Connect(w, w.cloud.CloudsYAML(), entry)
	sc, err := map[string]func() (*gophercloud.ServiceClient, error){
		"compute": c.Compute, "network": c.Network, "volume": c.BlockStorage,
	}[service]()
	if err != nil {
		w.Fatal(err)
	}
	path = strings.ReplaceAll(path, "PROJECT", c.Project().ID)
	err = listing.Each(w.Context(), sc, listing.List{Path: path, Key: key}, func(page []map[string]any) error {
		all = append(all, page...)
		return nil
	})
	if err != nil {
		w.Fatal(err)
	}
	return all
}

// names are the names of objects, sorted.
func names(all []map[string]any) string {
	var names []string
	for _, o := range all {
		names = append(names, fmt.Sprint(o["name"]))
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func (w *world) networks(entry string) string {
	own := w.list(entry, "network", "networks", "networks")
	id := w.cloud.ProjectID(entry)
	return names(slices.DeleteFunc(own, func(o map[string]any) bool { return o["project_id"] != id }))
}

func (w *world) keys(entry string) string {
	var all []map[string]any
	for _, o := range w.list(entry, "compute", "os-keypairs", "keypairs") {
		all = append(all, o["keypair"].(map[string]any))
	}
	return names(all)
}

func (w *world) groups(entry string) int {
	return len(w.list(entry, "network", "security-groups", "security_groups"))
}

// rules are those of a project, as text.
func (w *world) rules(entry string) string {
	w.groups(entry)
	var lines []string
	id := w.cloud.ProjectID(entry)
	for _, o := range w.list(entry, "network", "security-group-rules", "security_group_rules") {
		if o["project_id"] != id {
			continue
		}
		from := o["remote_ip_prefix"]
		if o["remote_group_id"] != nil {
			from = "group"
		}
		lines = append(lines, fmt.Sprint(o["direction"], " ", o["ethertype"], " ", from, " ", o["protocol"]))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func (w *world) keyOf(entry, server string) string {
	for _, o := range w.list(entry, "compute", "servers/detail", "servers") {
		if o["name"] == server {
			return fmt.Sprint(o["key_name"])
		}
	}
	return ""
}

func (w *world) image(entry, id string) *glance.Image {
	w.Helper()
	sc, err := cloudtest.Connect(w, w.cloud.CloudsYAML(), entry).Image()
	if err != nil {
		w.Fatal(err)
	}
	img, err := glance.New(sc).Image(w.Context(), id)
	if err != nil {
		w.Fatal(err)
	}
	return img
}

// manual makes a network as somebody would by hand.
func (w *world) manual(entry, name string) {
	w.Helper()
	sc, err := cloudtest.Connect(w, w.cloud.CloudsYAML(), entry).Network()
	if err != nil {
		w.Fatal(err)
	}
	if err := networks.Create(w.Context(), sc, networks.CreateOpts{Name: name}).Err; err != nil {
		w.Fatal(err)
	}
}

// wholeState is what the administrator has of a small layout.
func (w *world) wholeState() string {
	w.Helper()
	var b strings.Builder
	for _, of := range []struct{ title, service, path, key string }{
		{"networks", "network", "networks", "networks"},
		{"subnets", "network", "subnets", "subnets"},
		{"routers", "network", "routers", "routers"},
	} {
		fmt.Fprintf(&b, "%s: %s\n", of.title, names(w.list("admin", of.service, of.path, of.key)))
	}
	fmt.Fprintf(&b, "interfaces: %d\n", len(w.list("admin", "network", "ports?device_owner=network:router_interface", "ports")))
	fmt.Fprintf(&b, "addresses: %d\n", len(w.list("admin", "network", "floatingips", "floatingips")))
	fmt.Fprintf(&b, "keypairs: %s\n", w.keys("admin"))
	fmt.Fprintf(&b, "volumes: %s\n", names(w.list("admin", "volume", "volumes", "volumes")))
	fmt.Fprintf(&b, "servers: %s\n", names(w.list("admin", "compute", "servers", "servers")))
	sc, err := cloudtest.Connect(w, w.cloud.CloudsYAML(), "admin").Image()
	if err != nil {
		w.Fatal(err)
	}
	all, err := glance.New(sc).Images(w.Context(), glance.Query{BothHidden: true})
	if err != nil {
		w.Fatal(err)
	}
	var imageNames []string
	for _, img := range all {
		imageNames = append(imageNames, img.Name)
	}
	fmt.Fprintf(&b, "images: %s\n", strings.Join(imageNames, " "))
	fmt.Fprintf(&b, "rules: %d", len(w.list("admin", "network", "security-group-rules?port_range_min=80", "security_group_rules")))
	return b.String()
}

// unclaimed is wholeState without the claim of a promotion that couldn't be given up: whoever looks can't tell that the
// run is over until the claim expires.
func (w *world) unclaimed() string { return strings.ReplaceAll(w.wholeState(), " imgctl claim", "") }

func (w *world) identity(entry string) *gophercloud.ServiceClient {
	w.Helper()
	return cloudtest.Connect(w, w.cloud.CloudsYAML(), entry).Identity()
}
