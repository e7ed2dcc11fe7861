package baremetal

import "net/http"

// ServeBlazar is a Blazar whose only free host is a node, and how many leases it has.
func ServeBlazar(node string) (http.Handler, func() int) {
	b := &blazar{node: node, becomes: "ACTIVE"}
	return b, func() int {
		b.mu.Lock()
		defer b.mu.Unlock()
		return len(b.leases)
	}
}

// ServeDoni is a Doni with the hardware of some nodes, whose images are Refs, and what it says of one.
func ServeDoni(nodes map[string]Refs) (http.Handler, func(node string) Refs) {
	all := map[string]*doni{}
	mux := http.NewServeMux()
	for id, r := range nodes {
		all[id] = &doni{id: id, properties: map[string]any{kernelField: r.Kernel, ramdiskField: r.Ramdisk}}
		mux.Handle("/hardware/"+id, all[id])
	}
	return mux, func(node string) Refs {
		d := all[node]
		d.mu.Lock()
		defer d.mu.Unlock()
		kernel, _ := d.properties[kernelField].(string)
		ramdisk, _ := d.properties[ramdiskField].(string)
		return Refs{kernel, ramdisk}
	}
}
