package ironic

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
)

// operation is one of a patch; raw is how it was sent.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
	raw   json.RawMessage
}

// operations reads a patch.
func operations(r *http.Request) ([]operation, error) {
	var whole json.RawMessage
	if err := answer.Decode(r, &whole); err != nil {
		return nil, invalid("%s", err)
	}
	var parts []json.RawMessage
	if json.Unmarshal(whole, &parts) != nil {
		return nil, invalid("Schema error for patch: %s is not of type 'array'", python(whole))
	}
	ops := make([]operation, len(parts))
	for k, raw := range parts {
		if json.Unmarshal(raw, &ops[k]) != nil {
			return nil, invalid("Schema error for patch: %s is not of type 'object'", python(raw))
		}
		ops[k].raw = raw
		if err := ops[k].valid(); err != nil {
			return nil, err
		}
	}
	return ops, nil
}

// patchable are the fields that a patch may change, as Ironic lists them.
var patchable = []string{
	"automated_clean", "bios_interface", "boot_interface", "chassis_uuid", "conductor_group", "console_interface", "deploy_interface",
	"description", "driver", "driver_info", "extra", "inspect_interface", "instance_info", "instance_uuid", "lessee", "maintenance",
	"management_interface", "name", "network_data", "network_interface", "owner", "power_interface", "properties", "protected",
	"protected_reason", "raid_interface", "rescue_interface", "resource_class", "retired", "retired_reason", "shard",
	"storage_interface", "vendor_interface",
}

// patchNode changes fields of a node: all of them, or none.
func (s *Service) patchNode(w http.ResponseWriter, r *http.Request) error {
	ops, err := operations(r)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.own(r, "baremetal:node:update")
	if err != nil {
		return err
	}
	if n.inTransition() {
		return conflict("Node %s can not be updated while a state transition is in progress.", r.PathValue("id"))
	}
	if err := n.locked(); err != nil {
		return err
	}
	doc := n.document()
	for _, o := range ops {
		if err := o.apply(doc); err != nil {
			return invalid("Couldn't apply patch '%s'. Reason: %s", python(o.raw), err)
		}
	}
	if err := s.take(n, doc); err != nil {
		return err
	}
	answer.JSON(w, http.StatusOK, n.body(r, nil))
	return nil
}

// patchPath is what the path of an operation looks like.
var patchPath = regexp.MustCompile(`^(/[\w-]+)+$`)

func (o operation) valid() error {
	if !slices.Contains([]string{"add", "replace", "remove"}, o.Op) {
		return invalid("Schema error for patch: '%s' is not one of ['add', 'replace', 'remove']", o.Op)
	}
	if !patchPath.MatchString(o.Path) {
		return invalid("Schema error for patch: '%s' does not match '^(/[\\\\w-]+)+$'", o.Path)
	}
	if field := strings.Split(o.Path, "/")[1]; !slices.Contains(patchable, field) {
		return invalid("Cannot patch %s. Only the following can be updated: %s", o.Path, strings.Join(patchable, ", "))
	}
	return nil
}

// document is what a patch is applied to.
func (n *Node) document() map[string]any {
	text, _ := json.Marshal(map[string]any{
		"properties": n.Properties, "extra": n.Extra, "driver_info": n.DriverInfo, "instance_info": n.InstanceInfo,
		"instance_uuid": orNull(n.InstanceUUID), "name": orNull(n.Name), "resource_class": orNull(n.ResourceClass),
		"maintenance": n.Maintenance, "owner": orNull(n.Owner), "lessee": orNull(n.Lessee), "retired": n.Retired,
		"deploy_interface": n.DeployInterface, "boot_interface": n.BootInterface, "driver": n.Driver, "automated_clean": n.AutomatedClean,
	})
	var doc map[string]any
	_ = json.Unmarshal(text, &doc) // it was JSON before
	return doc
}

// apply changes the document; arrays are not looked into.
func (o operation) apply(doc map[string]any) error {
	parts := strings.Split(o.Path, "/")[1:]
	for k, p := range parts {
		parts[k] = strings.NewReplacer("~1", "/", "~0", "~").Replace(p)
	}
	last := parts[len(parts)-1]
	for _, p := range parts[:len(parts)-1] {
		inner, ok := doc[p].(map[string]any)
		if !ok {
			return fmt.Errorf("member '%s' not found in %v", p, doc)
		}
		doc = inner
	}
	_, there := doc[last]
	switch {
	case o.Op == "remove" && !there:
		return fmt.Errorf("can't remove a non-existent object '%s'", last)
	case o.Op == "replace" && !there:
		return fmt.Errorf("can't replace a non-existent object '%s'", last)
	case o.Op == "remove" && len(parts) == 1:
		doc[last] = nil
	case o.Op == "remove":
		delete(doc, last)
	default:
		doc[last] = o.Value
	}
	return nil
}

// take makes a patched document the node's state.
func (s *Service) take(n *Node, doc map[string]any) error {
	object := func(field string) map[string]any {
		m, _ := doc[field].(map[string]any)
		if m == nil {
			m = map[string]any{}
		}
		return m
	}
	text := func(field string) string {
		t, _ := doc[field].(string)
		return t
	}
	if instance := text("instance_uuid"); instance != "" && n.InstanceUUID != "" && instance != n.InstanceUUID {
		return conflict("Node %s is associated with instance %s.", n.UUID, n.InstanceUUID)
	}
	n.Properties, n.Extra = object("properties"), object("extra")
	n.DriverInfo, n.InstanceInfo = object("driver_info"), object("instance_info")
	n.Name, n.ResourceClass, n.Owner, n.Lessee = text("name"), text("resource_class"), text("owner"), text("lessee")
	n.DeployInterface, n.BootInterface = text("deploy_interface"), text("boot_interface")
	if n.InstanceUUID != "" && text("instance_uuid") == "" && n.AllocationUUID != "" {
		s.forget(n.AllocationUUID)
		n.AllocationUUID = ""
	}
	n.InstanceUUID = text("instance_uuid")
	n.Retired, _ = doc["retired"].(bool)
	if automated, ok := doc["automated_clean"].(bool); ok {
		n.AutomatedClean = &automated
	}
	if n.Maintenance, _ = doc["maintenance"].(bool); !n.Maintenance {
		n.MaintenanceReason, n.Fault = "", ""
	}
	n.UpdatedAt = s.now()
	return nil
}
