package main

import (
	"fmt"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/decide"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/lockfile"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
)

// Images are asked for at the same time. The race detector sees two that write what a third reads.
func TestDigestsOfManyImages(t *testing.T) {
	t.Parallel()
	lock, result, want := lockfile.New(), &decide.Result{}, map[string]string{}
	for n := range 300 {
		source, err := reference.Parse(fmt.Sprintf("registry.example.org/ns/image-%d:1", n%200))
		if err != nil {
			t.Fatal(err)
		}
		digest := fmt.Sprintf("sha256:%064x", n%200)
		lock.Images[source.String()], want[source.String()] = digest, digest
		result.Images = append(result.Images, &decide.Image{Source: source})
	}
	d := &deployment{Request: decide.Request{Lock: lock}}
	found, err := d.digests(t.Context(), result, nil)
	if err != nil || len(found) != 200 {
		t.Fatalf("%d digests: %v", len(found), err)
	}
	for _, i := range result.Images {
		if got := found.of(i); got != want[i.Source.String()] {
			t.Errorf("%s: %s, not %s", i.Source, got, want[i.Source.String()])
		}
	}
}
