package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// setLoop sets a deploy ramdisk in the way of scripts, a node after the other.
const setLoop = `set -e
for node in $NODES; do
	openstack --os-cloud admin baremetal node set "$node" --driver-info deploy_kernel="$KERNEL" --driver-info deploy_ramdisk="$RAMDISK"
done
`

// looped is how many nodes the loop sets at most. It needs seconds for each; what it needs for more is computed.
const looped = 30

// pushing measures imgctl ipa push against the openstack client, on one sandbox. The client neither validates a node
// nor keeps what it had before.
func pushing(ctx context.Context, nodes int) (string, error) {
	seed := sandbox.DefaultSeed()
	seed.Nodes = make([]sandbox.Node, nodes)
	names := make([]string, nodes)
	for n := range seed.Nodes {
		names[n] = fmt.Sprintf("node-%03d", n+1)
		seed.Nodes[n] = sandbox.Node{Name: names[n], Type: "rack", Kernel: "kernel-before", Ramdisk: "ramdisk-before"}
	}
	cloud, err := sandbox.Start(ctx, sandbox.Options{Seed: seed})
	if err != nil {
		return "", err
	}
	defer cloud.Close()
	pairs := map[string][2]string{} // kernel and ramdisk by who sets them
	for _, who := range []string{"loop", "imgctl"} {
		var pair [2]string
		for n, role := range []string{"kernel", "initramfs"} {
			properties := map[string]string{"build-ipa": role, "build-tag": who}
			image := sandbox.Image{Project: "admin", Data: []byte(role), Name: role + "-" + who, Properties: properties}
			if pair[n], err = cloud.AddImage(image); err != nil {
				return "", err
			}
		}
		pairs[who] = pair
	}
	w, err := newShell(cloud)
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(w.home)
	if _, err := w.timed(ctx, "imgctl", "--help"); err != nil { // fills the cache of manifests
		return "", err
	}
	run := func(names []string, who, program string, args ...string) (pushed, error) {
		cloud.ResetRequests()
		took, err := w.timed(ctx, program, args...)
		if err != nil {
			return pushed{}, err
		}
		p := pushed{took: took.Seconds()}
		for _, r := range cloud.Requests() {
			if strings.HasPrefix(r.Path, "/baremetal/") {
				p.requests++
			}
		}
		for _, name := range names {
			if n, _ := cloud.Node(name); n.Kernel != pairs[who][0] || n.Ramdisk != pairs[who][1] {
				return p, fmt.Errorf("node %s has kernel %q and ramdisk %q after the push of %s", name, n.Kernel, n.Ramdisk, who)
			}
		}
		return p, nil
	}
	var loop pushed
	note, few := "", names[:min(looped, nodes)]
	if missing := nodeClient(ctx, w); missing != "" {
		note = "\nThe openstack client is not measured: " + missing + ".\n"
	} else {
		fmt.Fprintf(os.Stderr, "setting the deploy ramdisk of %d nodes in a shell loop, which takes minutes\n", len(few))
		env := w.env
		pair := pairs["loop"]
		w.env = slices.Concat(env, []string{"NODES=" + strings.Join(few, " "), "KERNEL=" + pair[0], "RAMDISK=" + pair[1]})
		if loop, err = run(few, "loop", "bash", "-c", setLoop); err != nil {
			return "", err
		}
		w.env = env
		if len(few) < nodes {
			times := float64(nodes) / float64(len(few))
			note = fmt.Sprintf("\nThe loop set %d of the %d nodes, in %.1f s. The table has that times %.2f.\n", len(few), nodes, loop.took,
				times)
			loop.took, loop.requests = loop.took*times, loop.requests*times
		}
	}
	ours, err := run(names, "imgctl", "imgctl", "--os-cloud", "admin", "ipa", "push", "--node-type", "rack",
		"--property", "build-tag=imgctl")
	if err != nil {
		return "", err
	}
	goal := -1.0
	if loop.took > 0 {
		goal = loop.took / 20
	}
	const page = 1000
	pages := (nodes + page - 1) / page
	rows := []row{
		{"pushing a deploy ramdisk to " + strconv.Itoa(nodes) + " nodes", loop.took, ours.took, "s", goal},
		{"requests of that to Ironic", loop.requests, ours.requests, "", float64(2*nodes + pages)},
	}
	return render("bare metal", "openstack client", rows) + note, nil
}

// pushed is what setting the images of all nodes took.
type pushed struct {
	took, requests float64 // seconds; requests to Ironic
}

// nodeClient is why the openstack client can't set nodes, "" if it can.
func nodeClient(ctx context.Context, w *shell) string {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if _, err := exec.LookPath("openstack"); err != nil {
		return "python3-openstackclient isn't installed"
	}
	if _, err := w.timed(ctx, "openstack", "baremetal", "node", "set", "--help"); err != nil {
		return "python3-ironicclient isn't installed"
	}
	return ""
}

func pushingAlone(ctx context.Context, nodes int) error {
	table, err := pushing(ctx, nodes)
	fmt.Print(table)
	return err
}
