package launch

import (
	"cmp"
	"context"
	"net/url"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/layout"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// untold are the steps that remove what was made for this cloud of a layout, and isn't listed any more, last kind
// first. What another cloud of a layout, or somebody, has made carries another mark, or none.
func (w *world) untold(ctx context.Context) (steps []*Step, err error) {
	names := layout.Kinds()
	slices.Reverse(names)
	for _, name := range names {
		k := byName[name]
		if len(w.options.Only) > 0 && !slices.Contains(w.options.Only, name) {
			continue
		}
		if k == images {
			more, err := w.untoldImages(ctx)
			if err != nil {
				return nil, err
			}
			steps = append(steps, more...)
			continue
		}
		if k.marked == nil || k.in == nil {
			continue
		}
		all, err := w.all(ctx, k.in)
		if err != nil {
			if _, offered := w.client(k.in.service); offered != nil {
				continue // the cloud doesn't have the service
			}
			return nil, err
		}
		for _, o := range all {
			if k.marked(o) == w.asked.Name && !w.stillListed(k, o) {
				s := w.extra(k, w.nameOf(ctx, k, o))
				s.verdict, s.ID = w.removal(k, o), o.id()
				steps = append(steps, s)
			}
		}
	}
	return steps, w.keepUsed(ctx, steps)
}

// keepUsed makes conflicts of the networks that somebody else still uses, and of the subnets and routers that belong to
// them: without these, what is left in the network would be cut off before the network refuses to be removed.
func (w *world) keepUsed(ctx context.Context, steps []*Step) error {
	leaves := map[string]*Step{} // by id
	for _, s := range slices.Concat(w.steps, steps) {
		if s.Action == Absent {
			leaves[s.ID] = s
		}
	}
	for changed := true; changed; { // a router that stays holds on to its other networks
		changed = false
		for _, s := range steps {
			if s.Kind != networks.name || s.Action != Absent {
				continue
			}
			ports, err := w.listed(ctx, portList, url.Values{"network_id": {s.ID}})
			if err != nil {
				return err
			}
			user := inUse(ports, leaves)
			if user == "" {
				continue
			}
			changed = true
			keep := func(s *Step) {
				if s.asked == nil && s.Action == Absent {
					s.conflict(fault.New(fault.Conflict, fault.Advice{}, "%s", user))
					delete(leaves, s.ID)
				}
			}
			for _, p := range ports {
				if owner := leaves[p.text("device_id")]; owner != nil && owner.Kind == routers.name {
					keep(owner)
				}
			}
			within, err := w.all(ctx, subnetList)
			if err != nil {
				return err
			}
			for _, o := range within {
				if subnet := leaves[o.id()]; subnet != nil && o.text("network_id") == s.ID {
					keep(subnet)
				}
			}
			keep(s)
		}
	}
	return nil
}

// inUse says what uses a network by its ports, "" if nothing does but the network's own services and what leaves.
func inUse(ports []object, leaves map[string]*Step) string {
	for _, p := range ports {
		owner, device := p.text("device_owner"), p.text("device_id")
		if owner == "network:dhcp" || owner == "network:distributed" || device != "" && leaves[device] != nil {
			continue
		}
		what := "port " + p.id()
		if device != "" {
			what += " of " + cmp.Or(owner, "device") + " " + device
		}
		return "the network is still in use by " + what
	}
	return ""
}

func (w *world) nameOf(ctx context.Context, k *kind, o object) string {
	if k != rules {
		return o.text("name")
	}
	all, _ := w.all(ctx, groupList) // without it, groups are named by their ids
	return ruleOf(o).title(func(id string) string {
		for _, g := range all {
			if g.id() == id {
				return g.text("name")
			}
		}
		return id
	})
}

func (w *world) extra(k *kind, name string) *Step {
	return &Step{Cloud: w.asked.Name, Kind: k.name, Name: name, Action: Absent, Reason: "it isn't listed any more"}
}

// stillListed reports whether the layout lists an object; a rule counts by what it lets through.
func (w *world) stillListed(k *kind, o object) bool {
	return slices.ContainsFunc(w.asked.Resources, func(r layout.Resource) bool {
		if r.Kind != k.name {
			return false
		}
		return k == rules && w.told[o.id()] || k != rules && r.Name == o.text("name")
	})
}

func (w *world) untoldImages(ctx context.Context) (steps []*Step, err error) {
	all, err := w.ownImages(ctx)
	if err != nil {
		return nil, err
	}
	for _, img := range all {
		if img.Properties[MarkKey] != w.asked.Name || img.Properties[nameKey] != img.Name || img.Status != glance.StatusActive {
			continue
		}
		if !slices.ContainsFunc(w.asked.Resources, func(r layout.Resource) bool { return r.Kind == images.name && r.Name == img.Name }) {
			s := w.extra(images, img.Name)
			s.verdict, s.ID = w.imageRemoval(img), img.ID
			steps = append(steps, s)
		}
	}
	return steps, nil
}
