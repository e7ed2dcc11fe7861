//go:build deps

// Package main's deps.go holds module requirements while packages are being written; it goes away with the first release.
package main

import (
	_ "github.com/creack/pty"
	_ "github.com/google/go-cmp/cmp"
	_ "github.com/google/uuid"
	_ "github.com/gophercloud/gophercloud/v2/openstack"
	_ "github.com/gophercloud/gophercloud/v2/openstack/config"
	_ "github.com/gophercloud/gophercloud/v2/openstack/config/clouds"
	_ "github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	_ "github.com/hashicorp/hcl/v2/hcldec"
	_ "github.com/hashicorp/packer-plugin-sdk/communicator"
	_ "github.com/hashicorp/packer-plugin-sdk/multistep/commonsteps"
	_ "github.com/hashicorp/packer-plugin-sdk/packer"
	_ "github.com/hashicorp/packer-plugin-sdk/packer/registry/image"
	_ "github.com/hashicorp/packer-plugin-sdk/plugin"
	_ "github.com/hashicorp/packer-plugin-sdk/template/config"
	_ "github.com/hashicorp/packer-plugin-sdk/acctest"
	_ "github.com/klauspost/compress/zstd"
	_ "github.com/pkg/sftp"
	_ "github.com/rogpeppe/go-internal/testscript"
	_ "github.com/spf13/cobra"
	_ "golang.org/x/crypto/ssh"
	_ "golang.org/x/sync/errgroup"
	_ "golang.org/x/sys/unix"
	_ "golang.org/x/tools/go/packages"
	_ "gopkg.in/yaml.v3"
	_ "mvdan.cc/sh/moreinterp/coreutils"
	_ "mvdan.cc/sh/v3/interp"
	_ "github.com/u-root/u-root/pkg/core/find"
)
