package main

import (
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// Options are those of a sandbox for scripts: servers have states, and no inside.
func Options() sandbox.Options {
	seed := sandbox.DefaultSeed()
	seed.Images = []sandbox.Image{{Project: "admin", Name: "tiny", Visibility: "public", DiskFormat: "qcow2", Data: make([]byte, 1<<20)}}
	seed.Images[0].Properties = map[string]string{"hw_rng_model": "virtio", "os_distro": "other"}
	return sandbox.Options{Seed: seed}
}

// OnSandbox is a sandbox.
func OnSandbox(c *sandbox.Cloud) Cloud {
	return Cloud{c.CloudsYAML(), roles("demo"), map[string]string{"project": "demo", "user": "demo"}, 2 * time.Minute}
}

// OnCloud is the cloud of test/openstack. Its project commands is for the scripts alone, so that lists don't show what
// other tests make.
func OnCloud(file string) Cloud {
	return Cloud{file, roles("commands"), map[string]string{"project": "commands", "user": "commands"}, 5 * time.Minute}
}

// Chains are the scripts as they may run on one cloud: those of a chain one after the other, as they make and list the
// same kinds of things, and chains at once. Servers take as long as everything else.
func Chains(scripts []Script) map[string][]Script {
	chains := map[string][]Script{}
	for _, s := range scripts {
		name := "other"
		if s.Name == "server" || s.Name == "compute-admin" {
			name = "compute"
		}
		chains[name] = append(chains[name], s)
	}
	return chains
}

func roles(member string) map[string]string {
	return map[string]string{"admin": "admin", "member": member}
}
