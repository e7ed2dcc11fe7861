package launch

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/layout"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/names"
)

var (
	flavorList = &collection{
		service: "compute", path: "flavors", list: "flavors/detail", key: "flavors", one: "flavor",
		query: func(*world) url.Values { return url.Values{"is_public": {"None"}} },
	}
	keyList = &collection{service: "compute", path: "os-keypairs", key: "keypairs", one: "keypair"}
)

var flavors = &kind{
	name: "flavors", noun: "flavor", in: flavorList,
	fields: []field{
		{key: "ram", fixed: true},
		{key: "vcpus", fixed: true},
		{key: "disk", fixed: true},
		{key: "swap", fixed: true, same: sameSwap},
		{key: "ephemeral", attr: "OS-FLV-EXT-DATA:ephemeral", fixed: true},
		{key: "is_public", attr: "os-flavor-access:is_public", fixed: true},
		{key: "rxtx_factor", fixed: true, onlyNew: true},
	},
	parts: flavorParts,
}

// sameSwap knows that Nova shows no swap as "".
func sameSwap(have, want any) bool {
	if have == "" || have == nil {
		have = 0
	}
	return equal(have, want)
}

// flavorParts are the extra specs that a flavor doesn't have.
func flavorParts(ctx context.Context, w *world, r *layout.Resource, o object) ([]part, error) {
	want, _ := r.Fields["extra_specs"].(map[string]string)
	if len(want) == 0 {
		return nil, nil
	}
	has := func(ctx context.Context, id string) (bool, error) {
		var now map[string]object
		err := w.get(ctx, "compute", "flavors/"+url.PathEscape(id)+"/os-extra_specs", &now)
		return equal(map[string]any(now["extra_specs"]), want), err
	}
	if o != nil {
		if same, err := has(ctx, o.id()); same || err != nil {
			return nil, err
		}
	}
	return []part{{what: "extra specs", do: func(ctx context.Context, id string) error {
		return w.write(ctx, "compute", http.MethodPost, "flavors/"+url.PathEscape(id)+"/os-extra_specs",
			map[string]any{"extra_specs": want}, nil, func(ctx context.Context) (bool, error) { return has(ctx, id) })
	}}}, nil
}

var keypairs = &kind{name: "keypairs", noun: "key pair", in: keyList, judge: judgeKeyPair, loses: true}

// judgeKeyPair decides about a key pair. Nova has no way to give one another key: with rotate, a new one with the date
// in its name takes its place.
func judgeKeyPair(ctx context.Context, w *world, _ *kind, r *layout.Resource) (v verdict, err error) {
	all, err := w.all(ctx, keyList)
	if err != nil {
		return v, err
	}
	name := r.Name
	same := func(o object) bool { return o.text("name") == name }
	at := slices.IndexFunc(all, same)
	switch {
	case r.Absent && at < 0:
		return verdict{action: Same, reason: "it isn't there"}, nil
	case r.Absent:
		return verdict{action: Absent, do: func(ctx context.Context) (string, error) { return "", w.remove(ctx, keyList, name) }}, nil
	}
	key := r.Fields.Text("public_key")
	if key == "" {
		key = r.Fields.Text("public_key_file")
	}
	if at < 0 {
		return verdict{action: Create, reason: "it isn't there", do: w.newKey(name, key)}, nil
	}
	if keyOf(all[at].text("public_key")) == keyOf(key) {
		return verdict{action: Same, id: name}, nil
	}
	if !r.Fields.Flag("rotate") {
		return v, fault.New(fault.Conflict, "give it a new name, or have it rotated with rotate: true in the layout",
			"there is one of the name with another key (%s)", all[at].text("fingerprint"))
	}
	for _, o := range slices.Backward(all) {
		if names.Dated(name, o.text("name")) && keyOf(o.text("public_key")) == keyOf(key) {
			w.rotated[name] = o.text("name")
			return verdict{action: Same, id: o.text("name"), reason: "it was rotated"}, nil
		}
	}
	next := name + "-" + w.cloud.Now().Format("20060102")
	for n := 2; slices.ContainsFunc(all, func(o object) bool { return o.text("name") == next }); n++ {
		next = fmt.Sprintf("%s-%s-%d", name, w.cloud.Now().Format("20060102"), n)
	}
	var old []string
	for _, o := range all {
		if same(o) || names.Dated(name, o.text("name")) {
			old = append(old, o.text("name"))
		}
	}
	users, err := w.consumers(ctx, old)
	if err != nil {
		return v, err
	}
	w.rotated[name] = next
	reason := "another key: it is made as " + next
	note := fmt.Sprintf("key pair %q is rotated to %q; no server uses the old one", name, next)
	if len(users) > 0 {
		note = fmt.Sprintf("key pair %q is rotated to %q; servers that have the old key: %s", name, next, strings.Join(users, ", "))
	}
	return verdict{action: Create, reason: reason, note: note, do: w.newKey(next, key)}, nil
}

// keyOf is a public key without what people may change in its text: spaces and empty lines.
func keyOf(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) > 0 {
			lines = append(lines, strings.Join(words, " "))
		}
	}
	return strings.Join(lines, "\n")
}

func (w *world) newKey(name, key string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		body := map[string]any{"keypair": object{"name": name, "public_key": strings.TrimSpace(key)}}
		err := w.write(ctx, "compute", http.MethodPost, "os-keypairs", body, nil, func(ctx context.Context) (bool, error) {
			w.forget(keyList)
			all, err := w.all(ctx, keyList)
			return slices.ContainsFunc(all, func(o object) bool {
				return o.text("name") == name && keyOf(o.text("public_key")) == keyOf(key)
			}), err
		})
		w.forget(keyList)
		return name, err
	}
}

// consumers are the servers of the project that were made with one of the key pairs.
func (w *world) consumers(ctx context.Context, keys []string) (all []string, err error) {
	servers, err := w.all(ctx, serverList)
	for _, o := range servers {
		if slices.Contains(keys, o.text("key_name")) {
			all = append(all, o.text("name"))
		}
	}
	return all, err
}
