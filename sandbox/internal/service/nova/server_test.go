package nova_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/apitest"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/inside"
)

// through waits for each of the states in turn. The clock is held, and a step ends each of them.
func (c *cloud) through(id string, step func(), states ...string) {
	c.t.Helper()
	for n, state := range states {
		if n > 0 {
			step()
		}
		status, task, _ := strings.Cut(state, "/")
		c.reach(id, status, task)
	}
}

func TestLife(t *testing.T) {
	t.Parallel()
	c := start(t, sandbox.Options{})
	step, _ := inside.Of(c.Cloud).Clock.Hold()
	id := c.create("web", map[string]any{"metadata": map[string]string{"imgctl_run": "x"}})
	c.through(id, step, "BUILD/scheduling", "BUILD/networking", "BUILD/spawning", "ACTIVE/")
	act := func(body any) { c.do(1, "POST", "/servers/"+id+"/action", body).want(202) }
	act(map[string]any{"os-stop": nil})
	c.do(1, "POST", "/servers/"+id+"/action", map[string]any{"os-start": nil}).want(409)
	c.through(id, step, "ACTIVE/powering-off", "SHUTOFF/")
	act(map[string]any{"os-start": nil})
	c.through(id, step, "SHUTOFF/powering-on", "ACTIVE/")
	act(map[string]any{"reboot": map[string]string{"type": "SOFT"}})
	c.through(id, step, "REBOOT/rebooting", "ACTIVE/")
	c.do(1, "DELETE", "/servers/"+id, nil).want(204)
	if got := c.do(1, "GET", "/servers/"+id, nil).want(200).str("server.OS-EXT-STS:task_state"); got != "deleting" {
		t.Errorf("deleting: task %q", got)
	}
	step()
	c.gone(id)
	if a := c.do(1, "GET", "/servers/"+id, nil).want(404); a.str("itemNotFound.message") != "Instance "+id+" could not be found." {
		t.Errorf("a deleted server: %s", a.text)
	}
	if ports := inside.Of(c.Cloud).Network.PortsOf(id); len(ports) != 0 {
		t.Errorf("the deleted server's ports: %v", ports)
	}
}

func TestCreateImage(t *testing.T) {
	t.Parallel()
	c := start(t, sandbox.Options{})
	id := c.create("web", nil)
	c.reach(id, "ACTIVE", "")
	step, release := inside.Of(c.Cloud).Clock.Hold()
	a := c.do(1, "POST", "/servers/"+id+"/action",
		map[string]any{"createImage": map[string]any{"name": "snap", "metadata": map[string]string{
			"image_type": "image",
			"mine":       "1",
		}}}).want(202)
	image := a.header.Get("Location")
	image = image[strings.LastIndex(image, "/")+1:]
	i := c.do(1, "GET", "//image/v2/images/"+image, nil).want(200)
	for key, want := range map[string]string{
		"status": "queued", "visibility": "private", "name": "snap", "min_disk": "1", "base_image_ref": c.image, "instance_uuid": id,
		"image_type": "image",
		"mine":       "1", "os_distro": "none", "image_location": "snapshot", "disk_format": "qcow2",
	} {
		if got := i.str(key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	c.through(id, step, "ACTIVE/image_snapshot_pending", "ACTIVE/image_snapshot", "ACTIVE/image_pending_upload",
		"ACTIVE/image_uploading", "ACTIVE/")
	if s := c.do(1, "GET", "//image/v2/images/"+image, nil).str("status"); s != "active" {
		t.Errorf("the image is %s", s)
	}
	// A server that is deleted meanwhile takes its unfinished image along.
	b := c.do(45, "POST", "/servers/"+id+"/action", map[string]any{"createImage": map[string]any{"name": "half"}}).want(202)
	c.do(1, "DELETE", "/servers/"+id, nil).want(204)
	release()
	c.gone(id)
	c.do(1, "GET", "//image/v2/images/"+b.str("image_id"), nil).want(404)
}

func TestFaults(t *testing.T) {
	t.Parallel()
	c := start(t, sandbox.Options{})
	id := c.create("unlucky", map[string]any{"flavorRef": "90"})
	var a answer
	apitest.Eventually(t, "the error", func() bool {
		a = c.do(1, "GET", "/servers/"+id, nil)
		return a.str("server.status") == "ERROR"
	})
	if got := a.str("server.fault.message"); got != "No valid host was found. There are not enough hosts available." ||
		a.str("server.fault.code") != "500" {
		t.Errorf("the fault is %s", a.text)
	}
	stuck := c.create("stuck", map[string]any{"flavorRef": "91"})
	time.Sleep(50 * time.Millisecond) // time to get on, which it must not
	if got := c.do(1, "GET", "/servers/"+stuck, nil).str("server.status"); got != "BUILD" {
		t.Errorf("the stuck server is %s", got)
	}
	deaf := c.create("deaf", map[string]any{"flavorRef": "92"})
	c.reach(deaf, "ACTIVE", "")
	c.do(1, "POST", "/servers/"+deaf+"/action", map[string]any{"os-stop": nil}).want(202)
	time.Sleep(50 * time.Millisecond) // time to stop, which it must not
	if a := c.do(1, "GET", "/servers/"+deaf, nil); a.str("server.status") != "ACTIVE" ||
		a.str("server.OS-EXT-STS:task_state") != "powering-off" {
		t.Errorf("the deaf server: %s", a.text)
	}
	for _, id := range []string{id, stuck, deaf} {
		c.do(1, "DELETE", "/servers/"+id, nil).want(204)
		c.gone(id)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	c := start(t, sandbox.Options{})
	big, err := c.AddImage(sandbox.Image{Name: "big", Visibility: sandbox.Public, MinDisk: 10, Data: []byte("x")})
	if err != nil {
		t.Fatal(err)
	}
	queued := c.do(1, "POST", "//image/v2/images", map[string]string{
		"name": "queued", "disk_format": "raw",
		"container_format": "bare",
	}).want(201).str("id")
	const absent = "11111111-2222-3333-4444-555555555555"
	for _, q := range []struct {
		name    string
		minor   int
		body    any
		status  int
		kind    string
		message string
	}{
		{"no name", 1, c.server("", nil), 400, "badRequest", "'name' is a required property"},
		{"no image", 1, c.server("x", map[string]any{"imageRef": nil}), 400, "badRequest", "Missing imageRef attribute"},
		{"unknown image", 1, c.server("x", map[string]any{"imageRef": absent}), 400, "badRequest", "Can not find requested image"},
		{"malformed image", 1, c.server("x", map[string]any{"imageRef": "base"}), 400, "badRequest", "Invalid imageRef provided."},
		{"queued image", 1, c.server("x", map[string]any{"imageRef": queued}), 400, "badRequest", "Image " + queued + " is not active."},
		{
			"small flavor", 1, c.server("x", map[string]any{"imageRef": big}), 400, "badRequest",
			"Flavor's disk is smaller than the minimum size specified in image metadata. Flavor disk is 1073741824 bytes, minimum " +
				"size is 10737418240 bytes.",
		},
		{"unknown flavor", 1, c.server("x", map[string]any{"flavorRef": "77"}), 400, "badRequest", "Flavor 77 could not be found."},
		{"unknown keypair", 1, c.server("x", map[string]any{"key_name": "77"}), 400, "badRequest", "Invalid key_name provided."},
		{
			"unknown network", 1, c.server("x", map[string]any{"networks": []any{map[string]string{"uuid": absent}}}), 400, "badRequest",
			"Network " + absent + " could not be found.",
		},
		{
			"unknown group", 1, c.server("x", map[string]any{"security_groups": []any{map[string]string{"name": "77"}}}), 400, "badRequest",
			"Unable to find security_group with name or id '77'",
		},
		{
			"unknown zone", 1, c.server("x", map[string]any{"availability_zone": "77"}), 400, "badRequest",
			"The requested availability zone is not available",
		},
		{
			"long metadata", 1, c.server("x", map[string]any{"metadata": map[string]string{"k": strings.Repeat("v", 256)}}), 400,
			"badRequest",
			"Invalid input for field/attribute k. Value: " + strings.Repeat("v", 256) + ". '" + strings.Repeat("v", 256) + "' is too long",
		},
		{
			"tags too early", 51, c.server("x", map[string]any{"networks": "auto", "tags": []string{"a"}}), 400, "badRequest",
			"Additional properties are not allowed ('tags' was unexpected)",
		},
		{"networks missing", 37, c.server("x", nil), 400, "badRequest", "'networks' is a required property"},
		{
			"too many", 1, c.server("x", map[string]any{"min_count": 11}), 403, "forbidden",
			"Quota exceeded for instances: Requested 11, but already used 0 of 10 instances",
		},
		{
			"user data", 1, c.server("x", map[string]any{"user_data": "%%%"}), 400, "badRequest",
			"Invalid input for field/attribute user_data. Value: %%%. '%%%' is not a 'base64'",
		},
	} {
		t.Run(q.name, func(t *testing.T) {
			a := c.do(q.minor, "POST", "/servers", q.body)
			if a.status != q.status || a.str(q.kind+".message") != q.message {
				t.Errorf("%d %s\nwant %d %s", a.status, a.text, q.status, q.message)
			}
		})
	}
	if n := len(inside.Of(c.Cloud).Compute.Servers()); n != 0 {
		t.Errorf("%d servers were created", n)
	}
}

func TestMicroversions(t *testing.T) {
	t.Parallel()
	c := start(t, sandbox.Options{})
	c.do(1, "GET", "/", nil).want(200)
	c.do(94, "GET", "/servers", nil).want(406)
	id := c.do(93, "POST", "/servers", c.server("x", map[string]any{
		"networks": "auto", "tags": []string{"b", "a"}, "description": "d",
		"hostname": "h",
	})).want(202).str("server.id")
	c.reach(id, "ACTIVE", "")
	old, latest := c.do(1, "GET", "/servers/"+id, nil), c.do(93, "GET", "/servers/"+id, nil)
	if old.at("server.description") != nil || old.at("server.tags") != nil || old.str("server.flavor.id") != "1" {
		t.Errorf("2.1 shows %s", old.text)
	}
	if latest.str("server.description") != "d" || latest.str("server.tags") != "[b a]" ||
		latest.str("server.flavor.original_name") != "m1.tiny" || latest.str("server.OS-EXT-SRV-ATTR:hostname") != "h" {
		t.Errorf("2.93 shows %s", latest.text)
	}
	if got := latest.header.Get("OpenStack-API-Version"); got != "compute 2.93" {
		t.Errorf("the answer's version is %q", got)
	}
	c.do(1, "GET", "/servers/"+id+"/tags", nil).want(404)
	c.do(26, "GET", "/servers/"+id+"/tags/a", nil).want(204)
}

func TestWhoSeesWhat(t *testing.T) {
	t.Parallel()
	c := start(t, sandbox.Options{})
	other, reader, admin := c.as("member-a"), c.as("reader"), c.as("admin")
	id := c.create("mine", nil)
	c.reach(id, "ACTIVE", "")
	other.do(1, "GET", "/servers/"+id, nil).want(404)
	other.do(1, "DELETE", "/servers/"+id, nil).want(404)
	reader.do(1, "GET", "/servers/"+id, nil).want(200)
	reader.do(1, "DELETE", "/servers/"+id, nil).want(403)
	reader.do(1, "POST", "/servers", reader.server("x", nil)).want(403)
	other.do(1, "GET", "/servers/detail?all_tenants=1", nil).want(403)
	names := func(a answer) (all []string) {
		for _, s := range a.want(200).at("servers").([]any) {
			all = append(all, s.(map[string]any)["name"].(string))
		}
		return all
	}
	if got := names(admin.do(1, "GET", "/servers/detail", nil)); len(got) != 0 {
		t.Errorf("admin's own servers: %v", got)
	}
	if got := names(admin.do(1, "GET", "/servers/detail?all_tenants=1", nil)); !slices.Equal(got, []string{"mine"}) {
		t.Errorf("everybody's servers: %v", got)
	}
	// Keypairs are a user's.
	c.newKey("k")
	c.do(2, "POST", "/os-keypairs", map[string]any{"keypair": map[string]string{"name": "k"}}).want(409)
	admin.do(2, "GET", "/os-keypairs/k", nil).want(404)
	c.do(2, "DELETE", "/os-keypairs/k", nil).want(204)
}

func TestPages(t *testing.T) {
	t.Parallel()
	c := start(t, sandbox.Options{})
	for _, name := range []string{"a", "b", "c"} {
		c.create(name, nil)
	}
	var got []string
	path := "/servers?limit=2"
	for path != "" {
		a := c.do(1, "GET", path, nil).want(200)
		for _, s := range a.at("servers").([]any) {
			got = append(got, s.(map[string]any)["name"].(string))
		}
		path = ""
		if l, ok := a.at("servers_links").([]any); ok {
			_, path, _ = strings.Cut(l[0].(map[string]any)["href"].(string), "/compute/v2.1")
		}
	}
	if !slices.Equal(got, []string{"c", "b", "a"}) {
		t.Errorf("the pages have %v", got)
	}
	if a := c.do(1, "GET", "/servers?name=^b$", nil); !strings.Contains(a.text, `"name":"b"`) || strings.Contains(a.text, `"name":"c"`) {
		t.Errorf("by name: %s", a.text)
	}
}

func TestPorts(t *testing.T) {
	t.Parallel()
	c := start(t, sandbox.Options{})
	private := c.do(1, "GET", "//network/v2.0/networks?name=private",
		nil).want(200).at("networks").([]any)[0].(map[string]any)["id"].(string)
	id := c.create("fixed", map[string]any{"networks": []any{map[string]string{"uuid": private, "fixed_ip": "127.77.200.201"}}})
	c.reach(id, "ACTIVE", "")
	if got := c.address(id); got != "127.77.200.201" {
		t.Errorf("the server's address is %s", got)
	}
	port := c.do(1, "POST", "//network/v2.0/ports",
		map[string]any{"port": map[string]string{"network_id": private}}).want(201).str("port.id")
	given := c.create("given", map[string]any{"networks": []any{map[string]string{"port": port}}})
	c.reach(given, "ACTIVE", "")
	a := c.do(1, "POST", "/servers", c.server("thief", map[string]any{"networks": []any{map[string]string{"port": port}}})).want(409)
	if a.str("conflictingRequest.message") != "Port "+port+" is still in use." {
		t.Errorf("a port in use: %s", a.text)
	}
	c.do(1, "DELETE", "/servers/"+given, nil).want(204)
	c.gone(given)
	if p, ok := inside.Of(c.Cloud).Network.Port(port); !ok || p.DeviceID != "" {
		t.Errorf("the port is not free again: %+v, %v", p, ok)
	}
	more := c.do(1, "POST", "/servers/"+id+"/os-interface",
		map[string]any{"interfaceAttachment": map[string]string{"port_id": port}}).want(200).str("interfaceAttachment.port_id")
	c.do(1, "DELETE", "/servers/"+id+"/os-interface/"+more, nil).want(202)
	if got := c.do(1, "GET", "/servers/"+id+"/os-interface", nil).want(200).at("interfaceAttachments").([]any); len(got) != 1 {
		t.Errorf("interfaces: %v", got)
	}
}

func TestVolumes(t *testing.T) {
	t.Parallel()
	c := start(t, sandbox.Options{})
	id := c.create("web", nil)
	c.reach(id, "ACTIVE", "")
	volume := c.do(1, "POST", "//volume/v3/volumes", map[string]any{"volume": map[string]any{"size": 1}}).want(202).str("volume.id")
	status := func(want string) {
		t.Helper()
		apitest.Eventually(t, "the volume to be "+want, func() bool {
			v, ok := inside.Of(c.Cloud).Volume.Volume(volume)
			return ok && v.Status == want
		})
	}
	status("available")
	path := "/servers/" + id + "/os-volume_attachments"
	c.do(1, "POST", path, map[string]any{"volumeAttachment": map[string]string{"volumeId": volume}}).want(200)
	status("in-use")
	c.do(1, "POST", path, map[string]any{"volumeAttachment": map[string]string{"volumeId": "nosuch"}}).want(404)
	c.do(1, "DELETE", path+"/"+volume, nil).want(202)
	status("available")
	c.do(1, "GET", path+"/"+volume, nil).want(404)
}

func TestMetadataAndTags(t *testing.T) {
	t.Parallel()
	c := start(t, sandbox.Options{})
	id := c.create("web", map[string]any{"metadata": map[string]string{"a": "1"}})
	c.reach(id, "ACTIVE", "")
	path := "/servers/" + id + "/metadata"
	c.do(1, "POST", path, map[string]any{"metadata": map[string]string{"b": "2"}}).want(200)
	c.do(1, "PUT", path+"/c", map[string]any{"meta": map[string]string{"c": "3"}}).want(200)
	c.do(1, "DELETE", path+"/a", nil).want(204)
	c.do(1, "DELETE", path+"/a", nil).want(404)
	c.do(1, "PUT", path+"/d", map[string]any{"meta": map[string]string{"d": strings.Repeat("x", 256)}}).want(400)
	if got := c.do(1, "GET", path, nil).text; got != `{"metadata":{"b":"2","c":"3"}}`+"\n" {
		t.Errorf("metadata: %s", got)
	}
	c.do(26, "PUT", "/servers/"+id+"/tags", map[string]any{"tags": []string{"x", "y"}}).want(200)
	c.do(26, "PUT", "/servers/"+id+"/tags/z", nil).want(201)
	c.do(26, "DELETE", "/servers/"+id+"/tags/x", nil).want(204)
	c.do(26, "PUT", "/servers/"+id+"/tags/a,b", nil).want(400)
	if got := c.do(26, "GET", "/servers/"+id+"/tags", nil).text; got != `{"tags":["y","z"]}`+"\n" {
		t.Errorf("tags: %s", got)
	}
	if got := c.do(26, "GET", "/servers?tags=y,z", nil).want(200).at("servers").([]any); len(got) != 1 {
		t.Errorf("by tags: %v", got)
	}
	if got := c.do(26, "GET", "/servers?not-tags-any=y", nil).want(200).at("servers").([]any); len(got) != 0 {
		t.Errorf("by missing tags: %v", got)
	}
}

func TestSmallThings(t *testing.T) {
	t.Parallel()
	c := start(t, sandbox.Options{})
	id := c.create("web", nil)
	c.reach(id, "ACTIVE", "")
	for _, path := range []string{
		"/flavors", "/flavors/detail", "/flavors/1", "/flavors/1/os-extra_specs", "/limits", "/os-availability-zone", "/os-quota-sets/" +
			c.ProjectID("demo"), "/os-server-groups", "/os-keypairs",
		"/servers/" + id + "/os-instance-actions", "/servers/" + id + "/os-server-password", "/servers/" + id + "/os-security-groups",
		"/servers/" + id + "/ips/private",
	} {
		c.do(93, "GET", path, nil).want(200)
	}
	for _, path := range []string{
		"/flavors/77", "/os-floating-ips", "/os-networks", "/servers/" + id + "/os-instance-actions/77",
		"/nosuch",
	} {
		c.do(1, "GET", path, nil).want(404)
	}
	c.do(1, "POST", "/servers/"+id+"/action", map[string]any{"addFloatingIp": map[string]string{"address": "1.2.3.4"}}).want(404)
	renamed := map[string]any{"server": map[string]string{"name": "renamed"}}
	if got := c.do(1, "PUT", "/servers/"+id, renamed).want(200).str("server.name"); got != "renamed" {
		t.Errorf("the name is %q", got)
	}
	k := c.do(2, "POST", "/os-keypairs", map[string]any{"keypair": map[string]string{"name": "made"}}).want(201)
	if !strings.Contains(k.str("keypair.private_key"), "RSA PRIVATE KEY") || k.str("keypair.type") != "ssh" {
		t.Errorf("a generated keypair: %s", k.text)
	}
	c.do(92, "POST", "/os-keypairs", map[string]any{"keypair": map[string]string{"name": "none"}}).want(400)
}
