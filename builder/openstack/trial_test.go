package openstack

import (
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/image/boottest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

func TestBootTest(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	img, out := w.image(map[string]any{"boot_test": map[string]any{"console": "login:$"}}, nil)
	if img.Name != "web-base" || img.Properties[boottest.ResultKey] != boottest.Passed {
		t.Errorf("published as %q with %v\n%s", img.Name, img.Properties, out)
	}

	_, out, err := w.build(t.Context(), map[string]any{
		"image_name": "bad", "boot_test": map[string]any{"console": "never", "timeout": "5s"},
	}, nil)
	if err == nil || !strings.Contains(err.Error(), "failed the boot test: console never") {
		t.Fatalf("%v\n%s", err, out)
	}
	if len(w.named("bad")) > 0 {
		t.Error("an image that fails is published")
	}
	all, err := w.look.images.Images(t.Context(), glance.Query{Owner: w.look.cloud.Project().ID, BothHidden: true})
	if err != nil {
		t.Fatal(err)
	}
	kept := 0
	for _, i := range all {
		if i.Properties[boottest.ResultKey] == boottest.Failed && i.Hidden && strings.HasPrefix(i.Name, "imgctl-") {
			kept++
		}
	}
	if kept != 1 {
		t.Errorf("the image that failed isn't kept:\n%s", glance.List(all))
	}
}

func TestBootTestOptions(t *testing.T) {
	options := offline(t)
	for want, block := range map[string]map[string]any{
		"":                         {"ssh_username": "root"},
		"boot_test: port: 70000":   {"ports": []int{70000}},
		"boot_test: console: erro": {"console": "("},
		"unknown configuration":    {"flavour": "m1.tiny"},
	} {
		var b Builder
		_, _, err := b.Prepare(with(options, map[string]any{"boot_test": block}))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(strings.ToLower(err.Error()), want)) {
			t.Errorf("%v: %v, want %q", block, err, want)
		}
	}
}
