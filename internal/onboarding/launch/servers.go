package launch

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/layout"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/nova"
)

var (
	serverList  = &collection{service: "compute", path: "servers", list: "servers/detail", key: "servers", one: "server"}
	addressList = &collection{service: "network", path: "floatingips", key: "floatingips", one: "floatingip", query: own}
)

var servers = &kind{
	name: "servers", noun: "server", in: serverList, loses: true, twice: true,
	reads: []*collection{serverList, flavorList},
	fields: []field{
		{key: "key_name", onlyNew: true},
		{key: "availability_zone", onlyNew: true},
		{key: "config_drive", onlyNew: true},
		{key: "meta", attr: "metadata", onlyNew: true},
		{key: "userdata", attr: "user_data", onlyNew: true, send: func(v any) any {
			return base64.StdEncoding.EncodeToString([]byte(v.(string))) //nolint:forcetypeassert // the layout's reader made it one
		}},
	},
	complete: completeServer, parts: serverParts, ready: serverReady, mark: inMetadata, marked: metadataMark,
	clear: func(ctx context.Context, w *world, o object) error { return w.releaseAddresses(ctx, o.id()) },
	beside: func(r *layout.Resource) map[string]any {
		if hints := r.Fields["scheduler_hints"]; hints != nil {
			return map[string]any{"os:scheduler_hints": hints}
		}
		return nil
	},
}

// completeServer adds what a new server is made of.
func completeServer(ctx context.Context, w *world, r *layout.Resource, body object) (err error) {
	f := r.Fields
	if body["flavorRef"], err = w.flavor(ctx, r); err != nil {
		return err
	}
	if name := w.rotated[f.Text("key_name")]; name != "" {
		body["key_name"] = name
	}
	if err := w.disks(ctx, r, body); err != nil {
		return err
	}
	nics, err := w.nics(ctx, r)
	if err != nil {
		return err
	}
	if len(nics) > 0 {
		body["networks"] = nics
	}
	var groupNames []object
	for _, name := range f.Texts("security_groups") {
		id, err := w.ref(ctx, "security_groups", name, r)
		if err != nil {
			return err
		}
		groupNames = append(groupNames, object{"name": id})
	}
	if len(groupNames) > 0 {
		body["security_groups"] = groupNames
	}
	return nil
}

// flavor is the id of the flavor that the layout names, or of the smallest one with enough memory whose name has the
// wanted part.
func (w *world) flavor(ctx context.Context, r *layout.Resource) (string, error) {
	if name := r.Fields.Text("flavor"); name != "" {
		return w.ref(ctx, "flavors", name, r)
	}
	all, err := w.all(ctx, flavorList)
	if err != nil {
		return "", err
	}
	least, _ := r.Fields["flavor_ram"].(int)
	ram := func(o object) float64 {
		n, _ := o["ram"].(float64)
		return n
	}
	all = slices.DeleteFunc(all, func(o object) bool {
		return ram(o) < float64(least) || !strings.Contains(o.text("name"), r.Fields.Text("flavor_include"))
	})
	if len(all) == 0 {
		return "", fault.New(fault.NotFound, "", "there is no flavor with %d MiB and %q in its name", least,
			r.Fields.Text("flavor_include"))
	}
	return slices.MinFunc(all, func(a, b object) int {
		return cmp.Or(cmp.Compare(ram(a), ram(b)), strings.Compare(a.text("name"), b.text("name")))
	}).id(), nil
}

// disks are an image, or volumes, as Nova takes them.
func (w *world) disks(ctx context.Context, r *layout.Resource, body object) (err error) {
	f := r.Fields
	var image string
	if name := f.Text("image"); name != "" {
		if image, err = w.ref(ctx, "images", name, r); err != nil {
			return err
		}
	}
	var root object
	switch {
	case f.Text("boot_volume") != "":
		id, err := w.ref(ctx, "volumes", f.Text("boot_volume"), r)
		if err != nil {
			return err
		}
		root = object{
			"source_type": "volume", "destination_type": "volume", "uuid": id, "delete_on_termination": f.Flag("terminate_volume"),
		}
	case f.Flag("boot_from_volume"):
		root = object{
			"source_type": "image", "destination_type": "volume", "uuid": image, "volume_size": 50,
			"delete_on_termination": f.Flag("terminate_volume"),
		}
		if size, given := f["volume_size"].(int); given {
			root["volume_size"] = size
		}
	default:
		body["imageRef"] = image
		root = object{"source_type": "image", "destination_type": "local", "uuid": image, "delete_on_termination": true}
	}
	root["boot_index"] = 0
	mapping := []object{root}
	for _, name := range f.Texts("volumes") {
		id, err := w.ref(ctx, "volumes", name, r)
		if err != nil {
			return err
		}
		mapping = append(mapping, object{
			"source_type": "volume", "destination_type": "volume", "uuid": id, "boot_index": -1, "delete_on_termination": false,
		})
	}
	if len(mapping) > 1 || body["imageRef"] == nil {
		body["block_device_mapping_v2"] = mapping
	}
	return nil
}

// nics are a server's networks: one by its name, or what Ansible's module takes, net-name=… and the like.
func (w *world) nics(ctx context.Context, r *layout.Resource) (all []object, err error) {
	add := func(key, value string) error {
		switch key {
		case "net-id":
			all = append(all, object{"uuid": value})
		case "net-name":
			id, err := w.ref(ctx, "networks", value, r)
			all = append(all, object{"uuid": id})
			return err
		case "port-id":
			all = append(all, object{"port": value})
		case "port-name":
			found, err := w.listed(ctx, portList, url.Values{"name": {value}, "project_id": {w.project()}})
			if err == nil && len(found) != 1 {
				err = fault.New(fault.NotFound, "", "%d ports have the name %q", len(found), value)
			}
			if err != nil {
				return err
			}
			all = append(all, object{"port": found[0].id()})
		default:
			return fault.New(fault.Usage, "", "%s: nics: %q is unknown; known are net-id, net-name, port-id and port-name", r.At, key)
		}
		return nil
	}
	if name := r.Fields.Text("network"); name != "" {
		if err := add("net-name", name); err != nil {
			return nil, err
		}
	}
	list, _ := r.Fields["nics"].([]any)
	for _, one := range list {
		switch one := one.(type) {
		case string:
			for pair := range strings.SplitSeq(one, ",") {
				key, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
				if err := add(key, value); err != nil {
					return nil, err
				}
			}
		case map[string]any:
			for key, value := range one {
				if err := add(key, fmt.Sprint(value)); err != nil {
					return nil, err
				}
			}
		}
	}
	return all, nil
}

// serverParts are what an existing server lacks: its metadata, its floating IPs, or the end of its creation.
func serverParts(ctx context.Context, w *world, r *layout.Resource, o object) (parts []part, err error) {
	if o == nil && w.planning { // what it is made of has to be there, or come first
		if err := completeServer(ctx, w, r, object{}); err != nil {
			return nil, err
		}
	}
	if o != nil {
		if o.text("status") == "ERROR" {
			why, _ := o["fault"].(map[string]any)
			return nil, fault.New(fault.Conflict, "remove it, and launch again", "its creation failed: %s", plain(why["message"]))
		}
		if o.text("status") == "BUILD" {
			parts = append(parts, part{what: "wait until it is active", do: func(ctx context.Context, id string) error {
				return serverReady(ctx, w, id)
			}})
		}
		want, _ := r.Fields["meta"].(map[string]string)
		if !equal(o["metadata"], want) {
			parts = append(parts, part{what: "metadata", do: func(ctx context.Context, id string) error {
				return w.write(ctx, "compute", http.MethodPost, "servers/"+id+"/metadata", map[string]any{"metadata": want}, nil,
					func(ctx context.Context) (bool, error) {
						var now map[string]object
						err := w.get(ctx, "compute", "servers/"+id+"/metadata", &now)
						return equal(map[string]any(now["metadata"]), want), err
					})
			}})
		}
	}
	more, err := w.addressParts(ctx, r, o)
	return append(parts, more...), err
}

func serverReady(ctx context.Context, w *world, id string) error {
	sc, err := w.client("compute")
	if err != nil {
		return err
	}
	return cloud.Poll(ctx, "the server", makingTime, func(ctx context.Context) (bool, error) {
		_, done, err := nova.Is(ctx, sc, id, "ACTIVE", "SHUTOFF")
		return done, err
	})
}
