# An appliance for clusters: the image is built on a volume or a server of the site, by Ansible at most.
packer {
  required_plugins {
    openstack = {
      version = ">= 1.1.2"
      source  = "[[.Source]]"
    }
  }
}

variable "source_image_name" {
  type    = string
  default = null
}

variable "source_image" {
  type    = string
  default = null
}

variable "fatimage" {
  type    = string
  default = "RL9"
}

variable "networks" {
  type    = list(string)
  default = []
}

variable "floating_ip_network" {
  type    = string
  default = null
}

variable "security_groups" {
  type    = list(string)
  default = []
}

variable "image_visibility" {
  type    = string
  default = "private"
}

variable "use_blockstorage_volume" {
  type    = bool
  default = true
}

variable "volume_type" {
  type    = string
  default = null
}

variable "volume_size" {
  type    = number
  default = null
}

variable "image_disk_format" {
  type    = string
  default = "raw"
}

variable "ssh_username" {
  type    = string
  default = "rocky"
}

variable "ssh_interface" {
  type    = string
  default = null
}

variable "metadata" {
  type    = map(string)
  default = { hw_scsi_model = "virtio-scsi", hw_disk_bus = "scsi" }
}

source "openstack" "openhpc" {
  flavor                  = "m1.tiny"
  use_blockstorage_volume = var.use_blockstorage_volume
  volume_type             = var.volume_type
  volume_size             = var.volume_size
  metadata                = var.metadata
  instance_metadata       = { ansible_init_disable = "true" }
  networks                = var.networks
  floating_ip_network     = var.floating_ip_network
  security_groups         = var.security_groups
  ssh_username            = var.ssh_username
  ssh_interface           = var.ssh_interface
  ssh_timeout             = "4m"
  ssh_clear_authorized_keys = true
  ssh_keypair_name        = [[if .KeyPair]]"ci"[[else]]null[[end]]
  ssh_private_key_file    = [[if .KeyPair]]"[[.KeyFile]]"[[else]]null[[end]]
  source_image_name       = var.source_image_name
  source_image            = var.source_image
  image_disk_format       = var.use_blockstorage_volume ? var.image_disk_format : null
  image_visibility        = var.image_visibility
}

build {
  source "source.openstack.openhpc" {
    image_name = "openhpc-${var.fatimage}-[[.Name]]"
  }

  provisioner "shell" {
    inline = ["echo 'openhpc ${var.fatimage} [[.Name]]' | sudo tee /etc/image-release", "echo built ${var.fatimage}"]
  }

  post-processor "manifest" {
    output      = "packer-manifest.json"
    custom_data = { source = "${source.name}" }
  }
}
