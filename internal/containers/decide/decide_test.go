package decide_test

import (
	"bytes"
	"io"
	"log"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/crane"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"go.yaml.in/yaml/v3"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/decide"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/envfile"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/imagelist"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/label"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/remote"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// example is one case of testdata/cases.yaml.
type example struct {
	Name, Release, Policy, Undercloud, Error string
	Environment, Roles                       yaml.Node
	Registry                                 map[string]repository
	Params                                   map[string]*string // those given have to be as given, null ones aren't looked at
	Images                                   []image
	MultiArch                                []bool `yaml:"multi_arch"`
}

type repository struct {
	Labels map[string]string
	Tags   []string
}

type image struct {
	Source string
	To     string
	Modify *struct {
		Role      string
		AppendTag string `yaml:"append_tag"`
		Vars      map[string]any
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("testdata", "cases.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var names []struct{ Name string }
	if err := yaml.Unmarshal(text, &names); err != nil {
		t.Fatal(err)
	}
	for i, n := range names {
		t.Run(n.Name, func(t *testing.T) {
			t.Parallel()
			// A registry of the case's own stands for docker.io in all that it says.
			host := listen(t)
			var examples []example
			if err := yaml.Unmarshal(bytes.ReplaceAll(text, []byte("docker.io"), []byte(host)), &examples); err != nil {
				t.Fatal(err)
			}
			examples[i].check(t)
		})
	}
}

func listen(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func (e *example) check(t *testing.T) {
	t.Helper()
	result, err := decide.Decide(t.Context(), e.request(t))
	if e.Error != "" {
		if err == nil || !strings.Contains(err.Error(), e.Error) {
			t.Fatalf("error %v; it should say %q", err, e.Error)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for n, p := range result.Params {
		got[n] = p.Value
	}
	want := map[string]string{}
	whole := true
	for n, v := range e.Params {
		if v == nil {
			whole = false
			continue
		}
		want[n] = *v
	}
	if !whole {
		maps.DeleteFunc(got, func(n, _ string) bool { _, listed := want[n]; return !listed })
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("params (-want +got):\n%s", diff)
	}
	e.checkImages(t, result)
}

func (e *example) checkImages(t *testing.T, result *decide.Result) {
	t.Helper()
	if e.Images == nil {
		return
	}
	if len(e.Images) != len(result.Images) {
		t.Fatalf("%d images, want %d", len(result.Images), len(e.Images))
	}
	for i, got := range result.Images {
		want := e.Images[i]
		if got.Source.String() != want.Source || got.Pushed != (want.To != "") {
			t.Errorf("image %d is %s, pushed: %v; want %s to %q", i, got.Source, got.Pushed, want.Source, want.To)
		}
		if want.To != "" && got.Target.Host != want.To {
			t.Errorf("image %s goes to %s, not to %s", got.Source, got.Target, want.To)
		}
		switch {
		case (got.Modify == nil) != (want.Modify == nil):
			t.Errorf("image %s: modify is %+v, want %+v", got.Source, got.Modify, want.Modify)
		case got.Modify != nil && !cmp.Equal(*got.Modify, decide.Modify(*want.Modify)):
			t.Errorf("image %s: modify is %+v, want %+v", got.Source, got.Modify, want.Modify)
		}
		if e.MultiArch != nil && got.MultiArch != e.MultiArch[i] {
			t.Errorf("image %s: multi-arch is %v", got.Source, got.MultiArch)
		}
		if got.FilterWhy == "" || got.TagWhy == "" {
			t.Errorf("image %s has no reason: filter %q, tag %q", got.Source, got.FilterWhy, got.TagWhy)
		}
	}
}

func (e *example) request(t *testing.T) decide.Request {
	t.Helper()
	release, err := imagelist.ByName(e.Release)
	if err != nil {
		t.Fatal(err)
	}
	environment := &envfile.Environment{}
	if err := environment.Add(parse(t, e.Environment)); err != nil {
		t.Fatal(err)
	}
	roles, err := environment.RolesOf(parse(t, e.Roles))
	if err != nil {
		t.Fatal(err)
	}
	return decide.Request{
		Environment: environment, Roles: roles, Release: release, Policy: decide.LabelPolicy(e.Policy), Undercloud: e.Undercloud,
		Registry: serve(t, e.Registry), Now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}
}

func parse(t *testing.T, n yaml.Node) *foreignfile.Value {
	t.Helper()
	if n.IsZero() {
		return nil
	}
	text, err := yaml.Marshal(&n)
	if err != nil {
		t.Fatal(err)
	}
	v, err := foreignfile.Tree("case.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// serve fills the repositories, and gives what asks for them.
func serve(t *testing.T, repositories map[string]repository) decide.Registry {
	t.Helper()
	for repo, r := range repositories {
		config, err := empty.Image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		config = config.DeepCopy()
		config.Config.Labels = r.Labels
		labelled, err := mutate.ConfigFile(empty.Image, config)
		if err != nil {
			t.Fatal(err)
		}
		for _, tag := range r.Tags {
			if err := crane.Push(labelled, repo+":"+tag); err != nil {
				t.Fatal(err)
			}
		}
	}
	client, err := registry.New(registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return remote.Registry{Client: client}
}

func TestNeutronDriver(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		release    string
		mechanisms []string
		given      bool
		want       string
	}{
		{"master", nil, false, "ovn"},
		{"master", []string{"sriovnicswitch", "openvswitch"}, true, "other"},
		{"master", []string{"sriovnicswitch", "ovn"}, true, "ovn"},
		{"master", nil, true, "other"},
		{"train", []string{"opendaylight_v2"}, true, "odl"},
		{"wallaby", []string{"opendaylight_v2"}, true, "other"},
	} {
		if got := decide.NeutronDriver(c.release, c.mechanisms, c.given); got != c.want {
			t.Errorf("%s %v: %s, want %s", c.release, c.mechanisms, got, c.want)
		}
	}
}

func TestUndercloud(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		local, hostname, hosts string
		want                   string
		found                  bool
	}{
		"the parameter counts":   {"192.168.24.1", "uc", "fd12::1 uc.ctlplane.localdomain uc.ctlplane", "192.168.24.1:8787", true},
		"IPv6 gets its brackets": {"fd12::1", "uc", "", "[fd12::1]:8787", true},
		"the control plane": {
			"", "uc.example.org", "127.0.0.1 localhost\nfd12::1 uc.ctlplane.localdomain uc.ctlplane # undercloud",
			"uc.ctlplane.localdomain:8787", true,
		},
		"nothing":   {"", "localhost.localdomain", "127.0.0.1 localhost", "localhost:8787", false},
		"a comment": {"", "uc", "# fd12::1 uc.ctlplane.localdomain uc.ctlplane", "localhost:8787", false},
	} {
		env := &envfile.Environment{}
		if c.local != "" {
			root, err := foreignfile.Tree("e.yaml", []byte("parameter_defaults: {LocalContainerRegistry: '"+c.local+"'}"))
			if err != nil {
				t.Fatal(err)
			}
			if err := env.Add(root); err != nil {
				t.Fatal(err)
			}
		}
		got, found, err := decide.Undercloud(env, c.hostname, strings.NewReader(c.hosts))
		if err != nil || got != c.want || found != c.found {
			t.Errorf("%s: %s, %v, %v; want %s, %v", name, got, found, err, c.want, c.found)
		}
	}
}

func TestRolesHaveListsOfTheirOwn(t *testing.T) {
	t.Parallel()
	root, err := foreignfile.Tree("e.yaml", []byte(`
parameter_defaults:
  ContainerImagePrepare:
  - set: {namespace: quay.io/t, name_prefix: p, tag: l}
  ComputeContainerImagePrepare:
  - set: {namespace: quay.io/other, name_prefix: p, tag: 2}
  DockerInsecureRegistryAddress: [ignored.example]
`))
	if err != nil {
		t.Fatal(err)
	}
	env := &envfile.Environment{}
	if err := env.Add(root); err != nil {
		t.Fatal(err)
	}
	roles, err := foreignfile.Tree("r.yaml", []byte(`
- {name: Controller, CountDefault: 1, ServicesDefault: ['OS::TripleO::Services::Keystone']}
- {name: Compute, CountDefault: 1, ServicesDefault: ['OS::TripleO::Services::NovaCompute']}
`))
	if err != nil {
		t.Fatal(err)
	}
	all, err := (&envfile.Environment{}).RolesOf(roles)
	if err != nil {
		t.Fatal(err)
	}
	release, err := imagelist.ByName("master")
	if err != nil {
		t.Fatal(err)
	}
	result, err := decide.Decide(t.Context(), decide.Request{
		Environment: env, Roles: all, Release: release,
		Insecure: []string{"quay.io"},
	})
	if err != nil {
		t.Fatal(err)
	}
	compute := result.Roles["Compute"]
	if got := compute.Params["ContainerNovaComputeImage"].Value; got != "quay.io/other/p-nova-compute:2" {
		t.Errorf("the role's image is %q", got)
	}
	if _, has := compute.Params["ContainerKeystoneImage"]; has {
		t.Error("the role has an image of another role's service")
	}
	if got := result.Params["ContainerNovaComputeImage"].Value; got != "quay.io/t/p-nova-compute:l" {
		t.Errorf("the deployment's image is %q", got)
	}
	if !slices.Equal(result.Insecure, []string{"quay.io"}) {
		t.Errorf("insecure are %v", result.Insecure)
	}
}

func TestLaterEntriesCountAndSayWhat(t *testing.T) {
	t.Parallel()
	root, err := foreignfile.Tree("e.yaml", []byte(`
parameter_defaults:
  ContainerImagePrepare:
  - set: {namespace: quay.io/t, tag: a}
    includes: [redis, 'redis:a', nosuchimage]
    excludes: [neither-this]
  - set: {namespace: quay.io/t, tag: b}
    includes: [redis]
`))
	if err != nil {
		t.Fatal(err)
	}
	env := &envfile.Environment{}
	if err := env.Add(root); err != nil {
		t.Fatal(err)
	}
	release, err := imagelist.ByName("master")
	if err != nil {
		t.Fatal(err)
	}
	result, err := decide.Decide(t.Context(), decide.Request{Environment: env, Release: release})
	if err != nil {
		t.Fatal(err)
	}
	p := result.Params["ContainerRedisImage"]
	overrode := []string{"quay.io/t/openstack-redis:a"}
	if p.Value != "quay.io/t/openstack-redis:b" || !slices.Equal(p.Overrode, overrode) || p.Image.Position != 2 {
		t.Errorf("%+v", p)
	}
	if len(result.Notes) != 1 || !strings.Contains(result.Notes[0], `"nosuchimage" matches no image`) {
		t.Errorf("notes: %q", result.Notes)
	}
}

func TestDiscoverTagNeedsALabel(t *testing.T) {
	t.Parallel()
	host := listen(t)
	r := serve(t, map[string]repository{host + "/t/x": {Labels: map[string]string{"a": "1"}, Tags: []string{"latest"}}})
	image, err := reference.Parse(host + "/t/x")
	if err != nil {
		t.Fatal(err)
	}
	_, err = decide.DiscoverTag(t.Context(), r, image, mustTemplate(t, "b"))
	if err == nil || !strings.Contains(err.Error(), `no label "b"; labels: a`) {
		t.Errorf("%v", err)
	}
}

// What labels say of one image's tag. Where a label is missing, the tag that was given stays, if there is one.
func TestDiscoverTag(t *testing.T) {
	t.Parallel()
	host := listen(t)
	r := serve(t, map[string]repository{
		host + "/t/foo": {
			Labels: map[string]string{"rdo_version": "a", "build_version": "4.0.0", "release": "1.0.0", "version": "20180125"},
			Tags:   []string{"a", "latest", "1.0.0-20180125"},
		},
		host + "/t/bare": {Tags: []string{"a"}},
	})
	for _, c := range []struct{ image, label, want, err string }{
		{"t/foo", "rdo_version", "a", ""},
		{"t/foo", "{release}-{version}", "1.0.0-20180125", ""},
		{"t/foo", "{build_version}", "", "has no tag 4.0.0; available tags: 1.0.0-20180125, a, latest"},
		{"t/foo:a", "bar", "a", ""},
		{"t/foo", "bar", "", `no label "bar"`},
		{"t/foo:zz", "bar", "", "404 Not Found"},
		{"t/foo:zz", "rdo_version", "", "404 Not Found"},
		{"t/bare:a", "{version}-{release}", "a", ""},
	} {
		image, err := reference.Parse(host + "/" + c.image)
		if err != nil {
			t.Fatal(err)
		}
		tag, err := decide.DiscoverTag(t.Context(), r, image, mustTemplate(t, c.label))
		switch {
		case c.err == "" && (err != nil || tag != c.want):
			t.Errorf("%s by %s: %q, %v; want %q", c.image, c.label, tag, err, c.want)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%s by %s: %q, %v; which should say %q", c.image, c.label, tag, err, c.err)
		}
	}
}

func mustTemplate(t *testing.T, text string) *label.Template {
	t.Helper()
	template, err := label.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return template
}
