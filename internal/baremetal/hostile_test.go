package baremetal_test

import (
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/baremetal"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// Passwords, which Ironic masks, are neither sent back nor kept in the journal, whatever else a node's fields say.
func TestSecretsOfNodes(t *testing.T) {
	t.Parallel()
	w := start(t, "", sandbox.Node{
		Name: "<b>n\x1b[31m", DriverInfo: map[string]any{"ipmi_password": "secret", "ipmi_address": "10.0.0.1"},
	})
	s := w.site()
	if _, err := w.push(t.Context(), s, baremetal.PushOptions{}); err != nil {
		t.Fatal(err)
	}
	n, _ := w.Node("<b>n\x1b[31m")
	if n.Kernel != w.new.Kernel || strings.Contains(n.UUID, "secret") {
		t.Errorf("%+v", n)
	}
	for _, r := range w.Requests() {
		if strings.Contains(r.Path, "\x1b") {
			t.Errorf("the name is in the address %q", r.Path)
		}
	}
	if n.DriverInfo["ipmi_password"] != "secret" || n.DriverInfo["ipmi_address"] != "10.0.0.1" {
		t.Errorf("the push has changed %v", n.DriverInfo)
	}
	w.rollBack(string(s.Run))
	w.has("<b>n\x1b[31m", w.old)
}

// An empty value is an error, never all nodes or any image.
func TestEmptyValues(t *testing.T) {
	t.Parallel()
	w := start(t, "", sandbox.Node{})
	for name, sel := range map[string]baremetal.Selection{
		"nothing": {}, "an empty node": {Nodes: []string{""}}, "a blank node": {Nodes: []string{" "}}, "a blank type": {Type: " "},
		"both": {Type: nodeType, Nodes: []string{"node-1"}},
	} {
		o := w.options()
		o.Selection = sel
		if _, err := baremetal.NewTest(t.Context(), w.site(), o); !fault.Is(err, fault.Usage) {
			t.Errorf("test, %s: %v", name, err)
		}
		if _, err := baremetal.NewPush(t.Context(), w.site(), baremetal.PushOptions{Selection: sel}); !fault.Is(err, fault.Usage) {
			t.Errorf("push, %s: %v", name, err)
		}
	}
	for _, o := range []baremetal.RollbackOptions{{}, {Nodes: []string{""}}, {Run: "x", Nodes: []string{"node-1"}}} {
		if _, err := baremetal.NewRollback(t.Context(), w.site(), o); !fault.Is(err, fault.Usage) {
			t.Errorf("rollback, %+v: %v", o, err)
		}
	}
	w.has("node-1", w.old)
}
