package baremetal_test

import (
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/baremetal"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

func TestPairs(t *testing.T) {
	t.Parallel()
	w := start(t, "", sandbox.Node{})
	before := time.Now().Add(-2 * time.Hour)
	arm := w.image(sandbox.Image{
		Name: "arm", CreatedAt: before,
		Properties: map[string]string{"build-ipa": "kernel", "build-tag": "7", "hw_architecture": "aarch64"},
	})
	off := w.image(sandbox.Image{Name: "off", CreatedAt: before, Properties: map[string]string{"build-ipa": "kernel"}})
	if err := w.site().Images.Deactivate(t.Context(), off); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		o    baremetal.PairOptions
		kind fault.Kind
		want string // part of the error, or the kernel
	}{
		"the newest":            {baremetal.PairOptions{}, 0, w.new.Kernel},
		"by name":               {baremetal.PairOptions{Kernel: "ipa kernel 7", Ramdisk: "ipa initramfs 7"}, 0, w.old.Kernel},
		"by id":                 {baremetal.PairOptions{Kernel: "glance://" + w.old.Kernel, Ramdisk: w.old.Ramdisk}, 0, w.old.Kernel},
		"addresses":             {baremetal.PairOptions{Kernel: "https://x/k", Ramdisk: "file:///r"}, 0, "https://x/k"},
		"half a pair":           {baremetal.PairOptions{Kernel: w.old.Kernel}, fault.Usage, "half a pair"},
		"the other half":        {baremetal.PairOptions{Ramdisk: w.old.Ramdisk}, fault.Usage, "half a pair"},
		"an empty half":         {baremetal.PairOptions{Kernel: w.old.Kernel, Ramdisk: " "}, fault.Usage, "is empty"},
		"of two builds":         {baremetal.PairOptions{Kernel: w.old.Kernel, Ramdisk: w.new.Ramdisk}, fault.Conflict, "of build 7"},
		"of two builds, wanted": {baremetal.PairOptions{Kernel: w.old.Kernel, Ramdisk: w.new.Ramdisk, Mixed: true}, 0, w.old.Kernel},
		"of two architectures":  {baremetal.PairOptions{Kernel: arm, Ramdisk: w.old.Ramdisk}, fault.Conflict, "aarch64"},
		"swapped":               {baremetal.PairOptions{Kernel: w.old.Ramdisk, Ramdisk: w.old.Kernel}, fault.Usage, "build-ipa"},
		"deactivated":           {baremetal.PairOptions{Kernel: off, Ramdisk: w.old.Ramdisk}, fault.Conflict, "is deactivated"},
		"no such image":         {baremetal.PairOptions{Kernel: "nothing", Ramdisk: w.old.Ramdisk}, fault.NotFound, "nothing"},
		"with a property":       {baremetal.PairOptions{Properties: map[string]string{"build-tag": "7"}}, 0, w.old.Kernel},
		"with none such":        {baremetal.PairOptions{Properties: map[string]string{"build-tag": "6"}}, fault.NotFound, "no active image"},
	} {
		p, err := w.site().Pair(t.Context(), tt.o)
		switch {
		case err == nil && (tt.kind != 0 || p.Kernel.Ref != tt.want):
			t.Errorf("%s: %+v, want %s", name, p, tt.want)
		case err != nil && (!fault.Is(err, tt.kind) || tt.kind == 0 || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: %v (%s), want %s", name, err, fault.KindOf(err), tt.want)
		}
	}
	// A build that is half uploaded is not mixed with the one before.
	w.image(sandbox.Image{Name: "ipa kernel 9", Properties: map[string]string{"build-ipa": "kernel", "build-tag": "9"}})
	if _, err := w.site().Pair(t.Context(), baremetal.PairOptions{}); !fault.Is(err, fault.Conflict) ||
		!strings.Contains(err.Error(), "of build 9") {
		t.Errorf("a half uploaded build: %v", err)
	}
}

// A pair for another architecture than the nodes' is refused before anything is sent.
func TestPairForOtherNodes(t *testing.T) {
	t.Parallel()
	w := start(t, "", sandbox.Node{Arch: "aarch64"})
	if _, err := w.test(t.Context(), w.site(), w.options()); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "aarch64") {
		t.Error(err)
	}
	o := baremetal.PushOptions{}
	o.Type = nodeType
	if _, err := baremetal.NewPush(t.Context(), w.site(), o); !fault.Is(err, fault.Conflict) {
		t.Error(err)
	}
}

// What others wrote into a node's extra is not taken for a journal.
func TestHostileJournals(t *testing.T) {
	t.Parallel()
	for _, value := range []any{
		"text", 7,
		[]any{1},
		map[string]any{"runs": "x"},
		map[string]any{"runs": []any{map[string]any{}}},
		map[string]any{"runs": []any{map[string]any{"run": "x", "action": "erase", "state": "testing"}}},
	} {
		w := start(t, "", sandbox.Node{Extra: map[string]any{baremetal.JournalKey: value}})
		if _, err := w.test(t.Context(), w.site(), w.options()); !fault.Is(err, fault.Conflict) ||
			!strings.Contains(err.Error(), "can't be read") {
			t.Errorf("%v: %v", value, err)
		}
		if plan, err := w.push(t.Context(), w.site(), baremetal.PushOptions{}); err != nil || count(plan) != "map[skipped:1]" {
			t.Errorf("%v: %v", value, err)
		}
		if all, err := w.site().Statuses(t.Context(), baremetal.Selection{}, nil); err != nil || all[0].Note == "" {
			t.Errorf("%v: %+v, %v", value, all, err)
		}
		w.has("node-1", w.old)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	w := start(t, "", sandbox.Node{}, sandbox.Node{}, sandbox.Node{Kernel: "none"}, sandbox.Node{Kernel: "k"})
	s := w.site()
	all, err := s.Statuses(t.Context(), baremetal.Selection{Type: nodeType}, nil)
	if err != nil || len(all) != 4 {
		t.Fatalf("%d, %v", len(all), err)
	}
	for n, want := range []string{"node ", "node ", "default differs from most of its type", "half half a pair"} {
		if got := all[n].Source + " " + all[n].Drift; got != want {
			t.Errorf("node-%d: %q, want %q", n+1, got, want)
		}
	}
	if all[0].Kernel != "ipa kernel 7" || all[0].Build != "7" {
		t.Errorf("%+v", all[0])
	}
	pair, err := s.Pair(t.Context(), baremetal.PairOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if all, err = s.Statuses(t.Context(), baremetal.Selection{}, pair); err != nil || all[0].Drift == "" {
		t.Errorf("%+v, %v", all[0], err)
	}
}
