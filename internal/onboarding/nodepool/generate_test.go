package nodepool_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/nodepool"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// facts are what a project of a sandbox has, where an administrator adds flavors.
func facts(t *testing.T, o sandbox.Options, more ...flavors.CreateOpts) *nodepool.Facts {
	t.Helper()
	sb := sandboxtest.Start(t, o)
	admin, err := cloudtest.Connect(t, sb.CloudsYAML(), "admin").Compute()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range more {
		if err := flavors.Create(t.Context(), admin, f).Err; err != nil {
			t.Fatal(err)
		}
	}
	f, err := nodepool.ReadFacts(t.Context(), cloudtest.Connect(t, sb.CloudsYAML(), "demo"))
	if err != nil {
		t.Fatal(err)
	}
	f.Cloud, f.Region = "donor", "RegionOne"
	return f
}

func wanted(t *testing.T, text string) *nodepool.Request {
	t.Helper()
	r, err := nodepool.ParseRequest([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// big are quotas that limit nothing unless a test says so.
var big = sandbox.Options{
	ServerQuotas:  sandbox.ServerQuotas{Instances: 100, Cores: -1, RAM: -1},
	NetworkQuotas: sandbox.NetworkQuotas{Ports: -1, FloatingIPs: -1},
	VolumeQuotas:  sandbox.VolumeQuotas{Volumes: -1, Gigabytes: -1},
}

const twoLabels = `
key-name: root-keys
config-drive: true
headroom: 2
labels:
  - name: debian-bookworm
  - name: big
    cloud-image: Vendor image
    min-ram: 4000
    min-disk: 30
    flavor-name: m1
    console-log: true
`

func TestGenerates(t *testing.T) {
	t.Parallel()
	f := facts(t, big)
	offer, err := wanted(t, twoLabels).Fit(f, 0)
	if err != nil {
		t.Fatal(err)
	}
	text := nodepool.Text([]*nodepool.Offer{offer})
	want := `labels:
  - name: debian-bookworm
  - name: big

providers:
  - name: donor-regionone
    cloud: donor
    region-name: RegionOne
    diskimages:
      - name: debian-bookworm
        config-drive: true
    cloud-images:
      - name: "Vendor image"
        config-drive: true
    pools:
      - name: main
        max-servers: 98  # limited by instances: 100 free, less 2 of headroom
        networks:
          - private
        labels:
          - name: debian-bookworm
            diskimage: debian-bookworm
            flavor-name: m1.large  # 8192 MiB, 4 vCPUs, 80 GiB
            key-name: root-keys
          - name: big
            cloud-image: "Vendor image"
            flavor-name: m1.medium  # 4096 MiB, 2 vCPUs, 40 GiB
            key-name: root-keys
            console-log: true

diskimages:
  - name: debian-bookworm
`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Error(diff)
	}
	c, err := nodepool.Parse("generated.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	if problems := c.Validate(); len(problems) > 0 {
		t.Errorf("%+v", problems)
	}
	if _, err := nodepool.ZuulText([]*nodepool.Offer{offer}); !fault.Is(err, fault.Usage) {
		t.Errorf("a cloud image by name: %v", err)
	}
	offer.Labels[1].CloudImage = "6d3c1a52-6b0c-4d0f-8d55-1f6a3f9c6b11"
	zuul, err := nodepool.ZuulText([]*nodepool.Offer{offer})
	if err != nil {
		t.Fatal(err)
	}
	for _, has := range []string{
		"- section:\n    name: donor-regionone", "instances: 98", "flavor-name: m1.large",
		"image: debian-bookworm",
	} {
		if !strings.Contains(string(zuul), has) {
			t.Errorf("for zuul-launcher, %q is missing:\n%s", has, zuul)
		}
	}
}

func TestMaxServers(t *testing.T) {
	t.Parallel()
	const label = "labels: [{name: a, min-ram: 8000, min-disk: 80}]\n"
	for _, c := range []struct {
		name    string
		change  func(*sandbox.Options)
		request string
		most    int
		want    int
		reason  string
	}{
		{"instances", func(*sandbox.Options) {}, label, 0, 100, "limited by instances: 100 free"},
		{"cores", func(o *sandbox.Options) { o.ServerQuotas.Cores = 399 }, label, 0, 99, "limited by cores: 399 free, 4 a server"},
		{"just enough cores", func(o *sandbox.Options) { o.ServerQuotas.Cores = 400 }, label, 0, 100, "limited by instances: 100 free"},
		{"memory", func(o *sandbox.Options) { o.ServerQuotas.RAM = 8192 * 50 }, label, 0, 50, "limited by ram: 409600 free, 8192 a server"},
		{"floating IPs", func(o *sandbox.Options) { o.NetworkQuotas.FloatingIPs = 7 }, label, 0, 7, "limited by floating-ips: 7 free"},
		{
			"no floating IPs", func(o *sandbox.Options) { o.NetworkQuotas.FloatingIPs = 7 }, "floating-ips: never\n" + label, 0, 100,
			"instances",
		},
		{
			"ports", func(o *sandbox.Options) { o.NetworkQuotas.Ports = 12 }, "headroom: 3\n" + label, 0, 9,
			"limited by ports: 12 free, less 3",
		},
		{
			"volumes", func(o *sandbox.Options) { o.VolumeQuotas.Volumes = 5 }, "labels: [{name: a, min-disk: 200}]\n", 0, 5,
			"limited by volumes: 5 free",
		},
		{
			"gigabytes", func(o *sandbox.Options) { o.VolumeQuotas.Gigabytes = 1000 }, "labels: [{name: a, min-disk: 200}]\n", 0, 5,
			"limited by gigabytes: 1000 free, 200 a server",
		},
		{"as asked for", func(o *sandbox.Options) { o.ServerQuotas.Cores = 40 }, label, 20, 20, "the quota of cores is only enough for 10"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := big
			c.change(&o)
			offer, err := wanted(t, c.request).Fit(facts(t, o), c.most)
			if err != nil {
				t.Fatal(err)
			}
			if got := offer.Capacity; got.Servers != c.want || !strings.Contains(got.Reason, c.reason) {
				t.Errorf("max-servers is %d (%s), want %d (%s)", got.Servers, got.Reason, c.want, c.reason)
			}
		})
	}
}

func TestChoosesFlavors(t *testing.T) {
	t.Parallel()
	disk := func(gib int) *int { return &gib }
	f := facts(t, big,
		flavors.CreateOpts{Name: "a.m1.large", RAM: 8192, VCPUs: 4, Disk: disk(90)},
		flavors.CreateOpts{Name: "fast.8", RAM: 8000, VCPUs: 8, Disk: disk(0)},
		flavors.CreateOpts{Name: "fast.16", RAM: 16384, VCPUs: 8, Disk: disk(200)},
	)
	for _, c := range []struct {
		name, label, flavor string
		volume              bool
	}{
		{"the smallest with enough", "min-ram: 8000", "m1.large", false},
		{"a disk before a volume", "min-ram: 8000, min-vcpus: 8", "fast.16", false},
		{"a volume where no disk is large enough", "min-ram: 8000, min-disk: 500", "fast.8", true},
		{"by its name", "min-ram: 8000, flavor-name: fast.8", "fast.8", true},
		{"no disk is needed", "min-ram: 8000, min-disk: 0", "fast.8", false},
	} {
		offer, err := wanted(t, "labels: [{name: a, "+c.label+"}]").Fit(f, 0)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := offer.Labels[0]; got.Flavor.Name != c.flavor || got.OnVolume != c.volume {
			t.Errorf("%s: flavor %s, on a volume: %t; want %s, %t", c.name, got.Flavor.Name, got.OnVolume, c.flavor, c.volume)
		}
	}
	for _, c := range []struct {
		request, says string
		kind          fault.Kind
	}{
		{"labels: [{name: a, min-ram: 99000}]", "the largest flavor is fast.16", fault.NotFound},
		{"labels: [{name: a, flavor-name: gpu}]", `"gpu" in its name`, fault.NotFound},
		{"networks: [privat]\nlabels: [{name: a}]", `no network "privat"; did you mean "private"?`, fault.NotFound},
		{"security-groups: [ssh]\nlabels: [{name: a}]", `no security group "ssh"`, fault.NotFound},
		{"availability-zones: [moon]\nlabels: [{name: a}]", `no availability zone "moon"`, fault.NotFound},
	} {
		if _, err := wanted(t, c.request).Fit(f, 0); !fault.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.request, err, c.says)
		}
	}
}

func TestNoQuotaIsLeft(t *testing.T) {
	t.Parallel()
	o := big
	o.ServerQuotas.Instances = -1
	if _, err := wanted(t, "labels: [{name: a}]").Fit(facts(t, o), 0); !fault.Is(err, fault.Usage) {
		t.Errorf("unlimited: %v", err)
	}
	o = big
	o.ServerQuotas.Cores = 3
	if _, err := wanted(t, "labels: [{name: a}]").Fit(facts(t, o), 0); !fault.Is(err, fault.Quota) {
		t.Errorf("too few cores: %v", err)
	}
}

func TestAnUnreadableQuotaIsNotUnlimited(t *testing.T) {
	t.Parallel()
	sb := sandboxtest.Start(t, big)
	sb.Faults().Add(sandbox.Rule{Path: "/network/v2.0/quotas/**", Fault: sandbox.Status(403)})
	_, err := nodepool.ReadFacts(t.Context(), cloudtest.Connect(t, sb.CloudsYAML(), "demo"))
	if !fault.Is(err, fault.Forbidden) {
		t.Errorf("%v", err)
	}
}

func TestRefusesRequests(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"": "begin with labels:", "labels: []": "there are none", "labels: [{name: a}, {name: a}]": `another label "a"`,
		"labels: [{name: a, diskimage: a, cloud-image: a}]": "exclude each other", "labels: [{nmae: a}]": `did you mean "name"`,
		"labels: [{name: a}]\nnetworks: ['']": "a text is expected", "labels: [{name: a, min-ram: 0}]": "from 1 on",
		"labels: [{name: a}]\nfloating-ips: maybe": "always or never", "labels:": "a list is expected",
	} {
		if _, err := nodepool.ParseRequest([]byte(text)); !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
}

// A cloud whose catalog has two regions gives two providers.
func TestTwoRegions(t *testing.T) {
	t.Parallel()
	sb := sandboxtest.Start(t, big)
	first := cloudtest.Connect(t, sb.CloudsYAML(), "demo")
	grant, err := first.Grant()
	if err != nil {
		t.Fatal(err)
	}
	var entries []struct {
		Type      string           `json:"type"`
		Name      string           `json:"name"`
		Endpoints []map[string]any `json:"endpoints"`
	}
	if err := json.Unmarshal(grant.Catalog, &entries); err != nil {
		t.Fatal(err)
	}
	for n := range entries {
		for _, e := range entries[n].Endpoints {
			other := maps.Clone(e)
			other["region"], other["region_id"] = "South", "South"
			entries[n].Endpoints = append(entries[n].Endpoints, other)
		}
	}
	if grant.Catalog, err = json.Marshal(entries); err != nil {
		t.Fatal(err)
	}
	grant.Name, grant.Region = "donor", "RegionOne"
	both, err := cloud.FromGrant(grant, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(both.Close)
	var offers []*nodepool.Offer
	for _, region := range []string{"RegionOne", "South"} {
		there, err := both.In(region)
		if err != nil {
			t.Fatal(err)
		}
		f, err := nodepool.ReadFacts(t.Context(), there)
		if err != nil {
			t.Fatal(err)
		}
		offer, err := wanted(t, twoLabels).Fit(f, 0)
		if err != nil {
			t.Fatal(err)
		}
		offers = append(offers, offer)
	}
	c, err := nodepool.Parse("generated.yaml", nodepool.Text(offers))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(c.Providers(), " "); got != "donor-regionone donor-south" || len(c.Validate()) > 0 {
		t.Errorf("providers are %q; problems %+v", got, c.Validate())
	}
	if n := strings.Count(string(c.Text), "region-name: South"); n != 1 {
		t.Errorf("the region is named %d times:\n%s", n, c.Text)
	}
	for _, regions := range [][]string{{"South", "South"}, {"South", "RegionOne", "South"}} {
		if err := wanted(t, twoLabels).CheckRegions(regions); !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), `"South" is given twice`) {
			t.Errorf("%q: %v", regions, err)
		}
	}
	if _, err := both.In("Atlantis"); !fault.Is(err, fault.NotFound) {
		t.Errorf("no such region: %v", err)
	}
}
