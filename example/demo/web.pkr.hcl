# Builds the next web-base upon the current one, then puts it in the current one's place.

packer {
  required_version = ">= 1.11.0"
  required_plugins {
    openstack = {
      source  = "github.com/imgctl/openstack"
      version = ">= 0.1.0"
    }
  }
}

# The image that carries the name today. No id to look up, and none to go stale.
data "openstack-image" "base" {
  name  = "web-base"
  owner = "self"
}

source "openstack" "web" {
  source_image = data.openstack-image.base.id
  image_name   = "web-base next"
  flavor       = "m1.tiny"
  ssh_username = "root"

  metadata = {
    os_distro = "demo"
  }
}

build {
  sources = ["source.openstack.web"]

  provisioner "file" {
    source      = "${path.root}/files/index.html"
    destination = "/tmp/index.html"
  }

  provisioner "shell" {
    inline = [
      "mkdir -p /srv/www",
      "mv /tmp/index.html /srv/www/index.html",
      "echo \"made from image ${data.openstack-image.base.id}\" > /etc/image-release",
    ]
  }

  # The new image gets the name, the projects that the name was shared with, and what each of
  # them said to the offer. The image before stays, under an archive name.
  post-processor "openstack-promote" {
    cloud       = "demo"
    image_name  = "web-base"
    accept_with = ["member-a", "member-b"]
  }
}
