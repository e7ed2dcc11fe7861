package usage_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/backups"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/snapshots"

	"github.com/imgctl/packer-plugin-openstack/internal/image/usage"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// states are all that a server can be in.
var states = []string{
	"ACTIVE", "BUILD", "SHUTOFF", "ERROR", "PAUSED", "SUSPENDED", "RESCUE", "SHELVED", "SHELVED_OFFLOADED", "VERIFY_RESIZE",
	"SOFT_DELETED",
}

// world is a cloud in which everything that can use an image uses one, each kind several times.
type world struct {
	*sandbox.Cloud
	t     testing.TB
	admin *cloud.Cloud
	image *glance.Image // that all use
	uses  []string      // that there are, as line writes them, sorted
}

// perPage is small, so that every list has several pages.
const perPage = 2

func newWorld(t testing.TB) *world {
	t.Helper()
	sb := sandboxtest.Start(t, sandbox.Options{
		ServerQuotas: sandbox.ServerQuotas{MaxPage: perPage}, ImageQuotas: sandbox.ImageQuotas{MaxPage: perPage},
		VolumeQuotas: sandbox.VolumeQuotas{MaxPage: perPage}, Baremetal: sandbox.Baremetal{MaxPage: perPage},
		Listed: sandbox.Listed{Services: []string{"heat", "magnum", "octavia", "trove"}, MaxPage: perPage},
	})
	w := &world{Cloud: sb, t: t, admin: cloudtest.Connect(t, sb.CloudsYAML(), "admin")}
	w.image = &glance.Image{Name: "Debian 12", Tags: []string{"amphora"}}
	w.image.ID = w.add(sandbox.Image{Name: w.image.Name, Tags: w.image.Tags})
	w.servers()
	w.volumes()
	w.images()
	w.nodes()
	w.platforms()
	slices.Sort(w.uses)
	return w
}

func (w *world) add(i sandbox.Image) string {
	w.t.Helper()
	i.Project, i.Data = "demo", []byte("data")
	id, err := w.AddImage(i)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func (w *world) want(kind, id, how string) { w.uses = append(w.uses, kind+" "+id+" "+how) }

func line(u usage.Use) string { return u.Kind + " " + u.ID + " " + u.How }

func (w *world) servers() {
	w.t.Helper()
	for n, state := range states {
		ids, err := w.AddServers(sandbox.Server{
			Name: "server-" + state, Project: []string{"demo", "member-a"}[n%2], Image: w.image.ID, Status: state,
		})
		if err != nil {
			w.t.Fatal(err)
		}
		w.want(usage.Server, ids[0], usage.Boots)
		if strings.HasPrefix(state, "SHELVED") {
			i := w.add(sandbox.Image{Name: "x-shelved", Properties: map[string]string{
				"instance_uuid": ids[0], "base_image_ref": w.image.ID,
			}})
			w.want(usage.Image, i, usage.Base)
		}
	}
}

func (w *world) volumes() {
	w.t.Helper()
	sc, err := w.admin.BlockStorage()
	if err != nil {
		w.t.Fatal(err)
	}
	for n := range 3 {
		server, err := w.AddServers(sandbox.Server{Name: "from-volume", Project: "demo"})
		if err != nil {
			w.t.Fatal(err)
		}
		volume, err := w.AddVolumes(sandbox.Volume{Name: "root", Project: "demo", Image: w.image.ID, Server: server[0]})
		if err != nil {
			w.t.Fatal(err)
		}
		s, err := snapshots.Create(w.t.Context(), sc, snapshots.CreateOpts{VolumeID: volume[0], Force: true}).Extract()
		if err != nil {
			w.t.Fatal(err)
		}
		b, err := backups.Create(w.t.Context(), sc, backups.CreateOpts{VolumeID: volume[0], Force: true}).Extract()
		if err != nil {
			w.t.Fatal(n, err)
		}
		w.want(usage.Server, server[0], usage.BootVolume)
		w.want(usage.Volume, volume[0], usage.Made)
		w.want(usage.Snapshot, s.ID, usage.Made)
		w.want(usage.Backup, b.ID, usage.Made)
	}
}

func (w *world) images() {
	w.t.Helper()
	for n, properties := range []map[string]string{
		{usage.Kernel: w.image.ID},
		{usage.Ramdisk: strings.ToUpper(w.image.ID)},
		{usage.Base: w.image.ID},
		{"block_device_mapping": fmt.Sprintf(`[{"source_type": "image", "image_id": %q}]`, w.image.ID)},
	} {
		i := w.add(sandbox.Image{Name: fmt.Sprint("of-", n), Properties: properties, Hidden: n%2 == 0})
		for how := range properties {
			w.want(usage.Image, i, how)
		}
	}
}

func (w *world) nodes() {
	for how, n := range map[string]sandbox.Node{
		"driver_info/deploy_kernel":   {Kernel: w.image.ID},
		"driver_info/deploy_ramdisk":  {Ramdisk: "glance://" + w.image.ID},
		"driver_info/rescue_ramdisk":  {DriverInfo: map[string]any{"rescue_ramdisk": w.image.ID}},
		"instance_info/image_source":  {InstanceInfo: map[string]any{"image_source": strings.ToUpper(w.image.ID)}},
		"instance_info/boot_iso":      {InstanceInfo: map[string]any{"boot_iso": "http://glance.example/v2/images/" + w.image.ID + "/file"}},
		"instance_info/deeply_nested": {InstanceInfo: map[string]any{"deeply_nested": []any{map[string]any{"x": w.image.ID}}}},
	} {
		w.want(usage.Node, w.AddNode(n), how)
	}
}

func (w *world) platforms() {
	w.t.Helper()
	for _, o := range []struct {
		kind, of, how string
		fields        map[string]any
	}{
		{"stacks", usage.Stack, "parameter/image", map[string]any{"stack_name": "a", "parameters": map[string]any{"image": w.image.ID}}},
		{"stacks", usage.Stack, "parameter/image", map[string]any{"stack_name": "b", "parameters": map[string]any{"image": w.image.Name}}},
		{"stacks", "", "", map[string]any{"stack_name": "c", "parameters": map[string]any{"flavor": "m1.tiny"}}},
		{"clustertemplates", usage.ClusterTemplate, "image_id", map[string]any{"name": "k8s", "image_id": w.image.Name}},
		{"clustertemplates", usage.ClusterTemplate, "image_id", map[string]any{"name": "k8s", "image_id": w.image.ID}},
		{"clustertemplates", "", "", map[string]any{"name": "k8s", "image_id": "another"}},
		{"amphorae", usage.Amphora, usage.Boots, map[string]any{"image_id": w.image.ID}},
		{"amphorae", "", "", map[string]any{}},
		{"amphorae", usage.Amphora, usage.Boots, map[string]any{"image_id": w.image.ID}},
		{"flavorprofiles", usage.FlavorProfile, usage.Tagged, map[string]any{"flavor_data": `{"amp_image_tag": "amphora"}`}},
		{"flavorprofiles", "", "", map[string]any{"flavor_data": `{}`}},
		{"flavorprofiles", usage.FlavorProfile, usage.Tagged, map[string]any{"flavor_data": `{"amp_image_tag": "amphora"}`}},
		{"versions", usage.DatastoreVersion, "image", map[string]any{"name": "8", "image": w.image.ID}},
		{"versions", usage.DatastoreVersion, usage.Tagged, map[string]any{"name": "9", "image_tags": []string{"amphora"}}},
		{"versions", "", "", map[string]any{"name": "9", "image_tags": []string{"amphora", "mysql"}}}, // it has only one of them
		{"versions", "", "", map[string]any{"name": "7"}},
	} {
		id, err := w.AddListed(o.kind, "member-b", o.fields)
		if err != nil {
			w.t.Fatal(err)
		}
		if o.of != "" {
			w.want(o.of, id, o.how)
		}
	}
}

// collect asks all sources as an administrator.
func (w *world) collect() *usage.Index {
	w.t.Helper()
	x, err := usage.Collect(w.t.Context(), []*cloud.Cloud{w.admin}, usage.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	return x
}

// found are the uses of the world's image, sorted.
func (w *world) found(x *usage.Index) (all []string) {
	for _, u := range x.Of(w.image) {
		all = append(all, line(u))
	}
	slices.Sort(all)
	return all
}
