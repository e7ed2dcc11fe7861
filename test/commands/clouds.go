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
	return Cloud{c.CloudsYAML(), roles("demo"), map[string]string{"project": "demo", "user": "demo"}, 10 * time.Second}
}

// OnCloud is the cloud of test/openstack.
func OnCloud(file string) Cloud {
	return Cloud{file, roles("ci"), map[string]string{"project": "ci", "user": "ci"}, 2 * time.Minute}
}

func roles(member string) map[string]string {
	return map[string]string{"admin": "admin", "member": member}
}
