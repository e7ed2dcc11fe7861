# Builds the image of any personality. The factory passes the variables.

packer {
  required_version = ">= 1.11.0"
  required_plugins {
    openstack = {
      source  = "github.com/imgctl/openstack"
      version = ">= 0.1.0"
    }
  }
}

variable "image_name" {
  type    = string
  default = "sl7x-x86_64 web"
}

variable "source_image" {
  type    = string
  default = ""
}

variable "profile" {
  type    = string
  default = ""
}

variable "metadata" {
  type    = map(string)
  default = {}
}

source "openstack" "image" {
  source_image      = var.source_image
  image_name        = "${var.image_name} next" # the factory promotes it under the name without " next"
  flavor            = "m1.tiny"
  ssh_username      = "root"
  instance_metadata = var.metadata
}

build {
  sources = ["source.openstack.image"]

  provisioner "file" {
    source      = var.profile
    destination = "/etc/profile.json"
  }
}
