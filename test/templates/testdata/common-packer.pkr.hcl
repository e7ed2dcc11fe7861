packer {
  required_plugins {
    openstack = {
      source  = "[[.Source]]"
      version = "~> 1"
    }
  }
}

variable "arch" {
  type    = string
  default = "x86_64"
}

variable "base_image" {
  type    = string
  default = "Ubuntu 22.04"
}

variable "cloud_network" {
  type    = string
  default = "private"
}

variable "cloud_user_data" {
  type    = string
  default = "null"
}

variable "distro" {
  type    = string
  default = "ubuntu"
}

variable "flavor" {
  type    = string
  default = "m1.tiny"
}

variable "networks" {
  type    = list(string)
  default = []
}

variable "ssh_user" {
  type    = string
  default = "ubuntu"
}

variable "ssh_proxy_host" {
  type    = string
  default = ""
}

variable "volume_size" {
  type    = number
  default = 1
}

variable "volume" {
  type    = bool
  default = true
}

locals {
  release = "20260101-000000.000"
}

source "openstack" "[[.Label]]" {
  cloud                   = "demo"
  flavor                  = var.flavor
  image_disk_format       = var.volume ? "qcow2" : ""
  image_name              = "ZZCI - ${var.distro} - [[.Name]] - ${var.arch} - ${local.release}"
  instance_name           = "${var.distro}-[[.Name]]-${uuidv4()}"
  metadata                = { ci_managed = "yes" }
  networks                = var.networks
  region                  = "RegionOne"
  source_image_name       = var.base_image
  ssh_proxy_host          = var.ssh_proxy_host
  ssh_username            = var.ssh_user
  use_blockstorage_volume = var.volume
  user_data               = "#!/bin/sh\nexit 0\n"
  volume_size             = var.volume_size
}

build {
  sources = ["source.openstack.[[.Label]]"]

  provisioner "shell" {
    inline = ["echo '${var.distro} [[.Name]]' | sudo tee /etc/image-release"]
  }

  provisioner "shell" {
    environment_vars = ["DISTRO=${var.distro}"]
    execute_command  = "chmod +x {{ .Path }}; if [ \"$UID\" = \"0\" ]; then {{ .Vars }} {{ .Path }}; else {{ .Vars }} sudo -E {{ .Path }}; fi"
    inline           = ["echo \"provisioned $DISTRO\""]
  }
}
