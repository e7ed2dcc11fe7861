// Package pluginv1 is version 1 of the protocol between imgctl and its plugins, generated from
// plugin.proto, which documents it.
package pluginv1

//go:generate go -C ../../../../../../tools/proto run . -root ../../plugins/sdk/proto imgctl/plugin/v1/plugin.proto
