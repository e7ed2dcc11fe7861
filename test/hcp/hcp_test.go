// Package hcp has a real packer tell HCP Packer about images, through the plugin's artifacts.
package hcp

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
	"github.com/imgctl/packer-plugin-openstack/test/packertest"
)

// required is at the start of each template.
const required = `packer {
  required_plugins {
    openstack = {
      source  = "github.com/imgctl/openstack"
      version = ">= 0.1.0"
    }
  }
}
`

func build(t *testing.T, s *sandbox.Cloud, env []string, template string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "web.pkr.hcl")
	if err := os.WriteFile(file, []byte(required+template), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := packertest.New(t).Run(t, slices.Concat(env, []string{"OS_CLIENT_CONFIG_FILE=" + s.CloudsYAML()}), "build", file)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// current is the id of the image of that name.
func current(t *testing.T, s *sandbox.Cloud, cloud, name string) string {
	t.Helper()
	sc, err := cloudtest.Connect(t, s.CloudsYAML(), cloud).Image()
	if err != nil {
		t.Fatal(err)
	}
	found, err := glance.New(sc).Images(t.Context(), glance.Query{Name: name})
	if err != nil || len(found) != 1 {
		t.Fatalf("images named %q in %s: %v, %v", name, cloud, found, err)
	}
	return found[0].ID
}

// The builder's image has its source and its checksum there, and the name that the promotion gave it.
func TestBuild(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t)
	if _, err := s.AddImage(sandbox.Image{Name: "debian-12", Project: "demo", Data: []byte("a disk")}); err != nil {
		t.Fatal(err)
	}
	hcp, env := newRegistry(t)
	build(t, s, env, `
source "openstack" "web" {
  cloud             = "demo"
  source_image_name = "debian-12"
  image_name        = "web build"
  flavor            = "m1.tiny"
  communicator      = "none"
}

build {
  sources = ["source.openstack.web"]

  post-processor "openstack-promote" {
    cloud      = "demo"
    image_name = "web"
  }
}
`)
	hcp.mu.Lock()
	defer hcp.mu.Unlock()
	want := []artifact{{ID: current(t, s, "demo", "web"), Region: "RegionOne"}}
	if !hcp.done || !slices.Equal(hcp.artifacts, want) {
		t.Errorf("HCP Packer has %+v (done: %v), want %+v", hcp.artifacts, hcp.done, want)
	}
	for label, value := range map[string]string{"image_name": "web", "source_image_name": "debian-12", "visibility": "private"} {
		if hcp.labels[label] != value {
			t.Errorf("label %s is %q, want %q; all: %v", label, hcp.labels[label], value, hcp.labels)
		}
	}
}

// A file that was brought into two clouds is an artifact in each of them.
func TestImport(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t)
	hcp, env := newRegistry(t)
	build(t, s, env, `
source "file" "disk" {
  content = "a disk"
  target  = "`+filepath.Join(t.TempDir(), "disk.raw")+`"
}

build {
  sources = ["source.file.disk"]

  post-processor "openstack-import" {
    clouds      = ["demo", "member-a"]
    image_name  = "web"
    disk_format = "raw"
  }
}
`)
	hcp.mu.Lock()
	defer hcp.mu.Unlock()
	for _, cloud := range []string{"demo", "member-a"} {
		if want := (artifact{ID: current(t, s, cloud, "web"), Region: cloud}); !slices.Contains(hcp.artifacts, want) {
			t.Errorf("HCP Packer has %+v, want %+v among them", hcp.artifacts, want)
		}
	}
	if hcp.labels["image_name"] != "web" {
		t.Errorf("labels %v", hcp.labels)
	}
}
