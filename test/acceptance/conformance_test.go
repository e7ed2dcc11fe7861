// Package acceptance_test holds what has to be so on every cloud.
package acceptance_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
	"github.com/imgctl/packer-plugin-openstack/test/acceptance/record"
)

const recordings = "recordings"

// TestSandbox asks the sandbox the same questions: what it answers has to be what the real one answered.
func TestSandbox(t *testing.T) {
	box := sandboxtest.Start(t, sandbox.Options{Seed: sandbox.Seed{
		Images: []sandbox.Image{{
			Data: []byte("data"), Name: "tiny", Visibility: "public", DiskFormat: "qcow2", ContainerFormat: "bare",
			Properties: map[string]string{"hw_rng_model": "virtio", "os_distro": "debian"},
		}},
	}})
	used := map[int]bool{}
	people := map[string]string{"owner": "demo", "reader": "reader", "member": "other", "stranger": "member-b", "admin": "admin"}
	hold(t, box, people, record.Catalogue(), used)
	delete(people, "reader")
	delete(people, "stranger")
	hold(t, sandboxtest.Start(t, sandbox.Options{ImageQuotas: sandbox.ImageQuotas{
		Members: 3, Properties: 12, Tags: 4, CountTotal: 3, MiBTotal: 1,
	}}), people, record.Limited(), used)
	hold(t, sandboxtest.Start(t, sandbox.Options{ImageQuotas: sandbox.ImageQuotas{Page: 5, MaxPage: 10}}), people, record.Paged(), used)
	hold(t, sandboxtest.Start(t, sandbox.Options{
		Seed: sandbox.Seed{
			Images: []sandbox.Image{{
				Data: []byte("data"), Name: "tiny", Visibility: "public", Properties: map[string]string{sandbox.RamdiskKey: sandbox.RamdiskSilent},
			}},
			Nodes: []sandbox.Node{{
				Name: "real-1", ResourceClass: "real", BootInterface: "pxe", DeployInterface: "direct", NoCleaning: true,
			}},
		},
		Baremetal: sandbox.Baremetal{NoRamdisk: true},
	}), people, record.Bare(), used)
	if t.Failed() {
		return
	}
	for n, d := range differences {
		if !used[n] {
			t.Errorf("the sandbox does not differ any more there; take it off the list: %v", d.where)
		}
	}
}

// hold asks a sandbox a catalogue, and notes which of the accepted differences it meets.
func hold(t *testing.T, box *sandbox.Cloud, people map[string]string, catalogue map[string][]record.Scenario, used map[int]bool) {
	t.Helper()
	cloud, err := record.Open(t.Context(), box.CloudsYAML(), people)
	if err != nil {
		t.Fatal(err)
	}
	for file, scenarios := range catalogue {
		var want []record.Recording
		text, err := os.ReadFile(filepath.Join(recordings, file+".json"))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatalf("reading the recording %q: %v", file, err)
		}
		if len(want) != len(scenarios) {
			t.Fatalf("recording %q has %d scenarios, the catalogue %d: record again", file, len(want), len(scenarios))
		}
		for i, s := range scenarios {
			t.Run(want[i].Scenario, func(t *testing.T) {
				got, err := cloud.Run(t.Context(), s)
				if err != nil {
					t.Fatal(err)
				}
				for _, found := range record.Compare(want[i], got) {
					if n := accepted(found); n >= 0 {
						used[n] = true
						t.Logf("accepted: %s (%s)", found, differences[n].why)
					} else {
						t.Error(found)
					}
				}
			})
		}
	}
}

// accepted is the number of the difference in the list, or -1.
func accepted(found string) int {
	return slices.IndexFunc(differences, func(d difference) bool { return d.where.MatchString(found) })
}
