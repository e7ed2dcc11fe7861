package main

import (
	"testing"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/plugintest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	plugintest.Conform(t, plugintest.Build(t, ".", "sweep"))
}
