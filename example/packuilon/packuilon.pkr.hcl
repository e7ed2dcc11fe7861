# Builds the managed images of two personalities side by side, and puts each in the place of the
# image before.

packer {
  required_version = ">= 1.11.0"
  required_plugins {
    openstack = {
      source  = "github.com/imgctl/openstack"
      version = ">= 0.1.0"
    }
  }
}

data "openstack-catalog" "web" {
  profile       = "${path.root}/profiles/web-sl7x-x86-64.cloud.template.json"
  template_map  = "${path.root}/template-map.json"
  source_images = "${path.root}/source-images.json"
}

data "openstack-catalog" "batch" {
  profile       = "${path.root}/profiles/batch-sl7x-x86-64.cloud.template.json"
  template_map  = "${path.root}/template-map.json"
  source_images = "${path.root}/source-images.json"
}

locals {
  images = {
    web   = data.openstack-catalog.web
    batch = data.openstack-catalog.batch
  }
}

source "openstack" "managed" {
  flavor         = "m1.tiny"
  ssh_username   = "root"
  user_data_file = "${path.root}/guest/cloud-init.sh"
}

build {
  source "source.openstack.managed" {
    name              = "web"
    image_name        = "${local.images.web.name} AQ next"
    source_image      = local.images.web.source_image
    instance_metadata = local.images.web.metadata
    metadata          = { aq_profile = local.images.web.digest }
  }

  source "source.openstack.managed" {
    name              = "batch"
    image_name        = "${local.images.batch.name} AQ next"
    source_image      = local.images.batch.source_image
    instance_metadata = local.images.batch.metadata
    metadata          = { aq_profile = local.images.batch.digest }
  }

  # update_ccm_conf.sh, but for its endless waits.
  provisioner "openstack-quattor" {
    wait_for       = "metadata"
    profile_url    = "http://aquilon.example.com/profiles/{{ .Hostname }}.json"
    fetch_interval = "1s"
    remove         = ["/srv/aquilon", "/usr/libexec/aquilon"]
  }

  # rename-old-images.sh, with credentials of its own.
  post-processor "openstack-promote" {
    cloud       = "demo"
    image_name  = "${local.images[source.name].name} AQ"
    accept_with = ["member-a"]
  }
}
