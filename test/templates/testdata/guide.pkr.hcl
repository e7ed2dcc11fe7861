source "openstack" "[[.Label]]" {
  flavor       = "m1.tiny"
  image_name   = "[[.Name]]"
  ssh_username = "[[.User]]"
[[.More]]
}

build {
  sources = ["source.openstack.[[.Label]]"]

  provisioner "shell" {
    inline = ["echo '[[.Name]]' | sudo tee /etc/image-release"]
  }

  provisioner "shell" {
    inline = ["echo ID is ${build.ID != "" ? "known" : "unknown"}"]
  }
}
