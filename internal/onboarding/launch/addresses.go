package launch

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/layout"
)

// addressParts are the floating IPs that a server is to have, and has not: those that the layout names, one of each
// pool, or one of the only external network.
func (w *world) addressParts(ctx context.Context, r *layout.Resource, o object) (parts []part, err error) {
	pools := r.Fields.Texts("floating_ip_pools")
	given := r.Fields.Texts("floating_ips")
	if r.Fields.Flag("auto_ip") && len(pools)+len(given) == 0 {
		pools = []string{""}
	}
	if len(pools)+len(given) == 0 {
		return nil, nil
	}
	var has []object
	if o != nil {
		if has, err = w.addressesOf(ctx, o.id()); err != nil {
			return nil, err
		}
	}
	for _, address := range given {
		if !slices.ContainsFunc(has, func(f object) bool { return f.text("floating_ip_address") == address }) {
			parts = append(parts, part{what: "floating IP " + address, do: func(ctx context.Context, id string) error {
				return w.attachAddress(ctx, id, address)
			}})
		}
	}
	for _, pool := range pools {
		network, err := w.pool(ctx, r, pool)
		if err != nil {
			return nil, err
		}
		if network != "" && slices.ContainsFunc(has, func(f object) bool { return f.text("floating_network_id") == network }) {
			continue
		}
		parts = append(parts, part{what: "floating IP of " + pool, do: func(ctx context.Context, id string) error {
			return w.newAddress(ctx, id, network)
		}})
	}
	return parts, nil
}

// pool is the id of an external network; "" asks for the only one.
func (w *world) pool(ctx context.Context, r *layout.Resource, name string) (string, error) {
	if name != "" {
		return w.ref(ctx, "networks", name, r)
	}
	all, err := w.listed(ctx, networkList, url.Values{"router:external": {"true"}})
	if err == nil && len(all) != 1 {
		err = fault.New(fault.Ambiguous, "name one in the layout", "there are %d external networks", len(all))
	}
	if err != nil {
		return "", err
	}
	return all[0].id(), nil
}

// portsOf are a server's ports.
func (w *world) portsOf(ctx context.Context, server string) ([]object, error) {
	return w.read(ctx, portList, url.Values{"device_id": {server}})
}

func (w *world) addressesOf(ctx context.Context, server string) ([]object, error) {
	ports, err := w.portsOf(ctx, server)
	if err != nil || len(ports) == 0 {
		return nil, err
	}
	all, err := w.read(ctx, addressList, own(w))
	return slices.DeleteFunc(all, func(f object) bool {
		return !slices.ContainsFunc(ports, func(p object) bool { return p.id() == f.text("port_id") })
	}), err
}

func (w *world) firstPort(ctx context.Context, server string) (string, error) {
	ports, err := w.portsOf(ctx, server)
	if err == nil && len(ports) == 0 {
		err = fault.New(fault.Conflict, "", "the server has no port")
	}
	if err != nil {
		return "", err
	}
	return ports[0].id(), nil
}

// newAddress makes a floating IP for a server.
func (w *world) newAddress(ctx context.Context, server, network string) error {
	port, err := w.firstPort(ctx, server)
	if err != nil {
		return err
	}
	body := object{"floating_network_id": network, "port_id": port}
	describe(body, w.asked.Name)
	return w.write(ctx, "network", http.MethodPost, "floatingips", map[string]any{"floatingip": body}, nil,
		func(ctx context.Context) (bool, error) {
			has, err := w.addressesOf(ctx, server)
			return len(has) > 0, err
		})
}

// attachAddress gives a server a floating IP that the project has.
func (w *world) attachAddress(ctx context.Context, server, address string) error {
	all, err := w.read(ctx, addressList, own(w))
	if err != nil {
		return err
	}
	at := slices.IndexFunc(all, func(f object) bool { return f.text("floating_ip_address") == address })
	if at < 0 {
		return fault.New(fault.NotFound, "", "the project has no floating IP %s", address)
	}
	if all[at].text("port_id") != "" {
		return fault.New(fault.Conflict, "", "floating IP %s belongs to another port", address)
	}
	port, err := w.firstPort(ctx, server)
	if err != nil {
		return err
	}
	path := "floatingips/" + all[at].id()
	return w.write(ctx, "network", http.MethodPut, path, map[string]any{"floatingip": object{"port_id": port}}, nil,
		func(ctx context.Context) (bool, error) {
			var now map[string]object
			err := w.get(ctx, "network", path, &now)
			return now["floatingip"].text("port_id") == port, err
		})
}

// releaseAddresses removes the floating IPs that were made for a server.
func (w *world) releaseAddresses(ctx context.Context, server string) error {
	has, err := w.addressesOf(ctx, server)
	if err != nil {
		return err
	}
	for _, f := range has {
		if describedBy(f) == w.asked.Name {
			if err := w.remove(ctx, addressList, f.id()); err != nil {
				return err
			}
		}
	}
	return nil
}
