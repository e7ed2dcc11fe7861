# What HashiCorp's registry of integrations shows. The pages beside it are made by `make generate`.
# https://github.com/hashicorp/integration-template#metadata-configuration
integration {
  name        = "OpenStack by imgctl"
  description = "Build images in OpenStack clouds, find them, and replace images that are in use."
  identifier  = "packer/imgctl/openstack"
  flags       = ["hcp-ready"]
  docs {
    process_docs    = true
    readme_location = "./README.md"
    external_url    = "https://github.com/imgctl/packer-plugin-openstack"
  }
  license {
    type = "Apache-2.0"
    url  = "https://github.com/imgctl/packer-plugin-openstack/blob/main/LICENSE"
  }
  component {
    type = "builder"
    name = "OpenStack"
    slug = "openstack"
  }
  component {
    type = "data-source"
    name = "OpenStack catalog"
    slug = "openstack-catalog"
  }
  component {
    type = "data-source"
    name = "OpenStack image"
    slug = "openstack-image"
  }
  component {
    type = "post-processor"
    name = "OpenStack import"
    slug = "openstack-import"
  }
  component {
    type = "post-processor"
    name = "OpenStack promote"
    slug = "openstack-promote"
  }
  component {
    type = "provisioner"
    name = "OpenStack Quattor"
    slug = "openstack-quattor"
  }
}
