package ironic

import (
	"net/http"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// brief are the fields of a list without details.
var brief = []string{"instance_uuid", "maintenance", "power_state", "provision_state", "uuid", "name"}

// body is what a request sees of a node: these fields, or all of its version for nil.
func (n *Node) body(r *http.Request, fields []string) map[string]any {
	all := n.fields(r)
	minor := minorOf(r)
	if fields != nil {
		some := map[string]any{"links": all["links"]}
		for _, f := range fields {
			if minor >= since[f] {
				some[f] = all[f]
			}
		}
		return some
	}
	if minor < 2 && n.ProvisionState == Available { // as the state had no name then
		all["provision_state"] = nil
	}
	for f, from := range since {
		if minor < from {
			delete(all, f)
		}
	}
	return all
}

func (n *Node) fields(r *http.Request) map[string]any {
	traits := n.Traits
	if traits == nil {
		traits = []string{}
	}
	var automated any
	if n.AutomatedClean != nil {
		automated = *n.AutomatedClean
	}
	b := map[string]any{
		"uuid": n.UUID, "name": orNull(n.Name), "driver": n.Driver, "driver_info": n.maskedInfo(), "driver_internal_info": n.InternalInfo,
		"properties": n.Properties, "extra": n.Extra, "instance_info": n.InstanceInfo, "instance_uuid": orNull(n.InstanceUUID),
		"allocation_uuid": orNull(n.AllocationUUID), "resource_class": orNull(n.ResourceClass), "traits": traits,
		"provision_state": n.ProvisionState, "target_provision_state": orNull(n.TargetState), "provision_updated_at": stamp(n.MovedAt),
		"power_state": orNull(n.PowerState), "target_power_state": nil, "maintenance": n.Maintenance,
		"maintenance_reason": orNull(n.MaintenanceReason), "fault": orNull(n.Fault), "last_error": orNull(n.LastError),
		"reservation": orNull(n.Reservation), "automated_clean": automated, "retired": n.Retired, "retired_reason": nil,
		"owner": orNull(n.Owner), "lessee": orNull(n.Lessee), "description": nil, "shard": nil, "conductor": host, "conductor_group": "",
		"created_at": stamp(n.CreatedAt), "updated_at": stamp(n.UpdatedAt), "chassis_uuid": nil, "console_enabled": false,
		"clean_step": map[string]any{}, "deploy_step": map[string]any{}, "raid_config": map[string]any{},
		"target_raid_config": map[string]any{}, "network_data": map[string]any{}, "inspection_started_at": nil,
		"inspection_finished_at": nil, "protected": false, "protected_reason": nil, "boot_mode": nil, "secure_boot": nil,
		"boot_interface": n.BootInterface, "deploy_interface": n.DeployInterface, "bios_interface": "no-bios",
		"console_interface": "no-console", "inspect_interface": "fake", "management_interface": "fake", "network_interface": "noop",
		"power_interface": "fake", "raid_interface": "no-raid", "rescue_interface": "no-rescue", "storage_interface": "noop",
		"vendor_interface": "no-vendor", "links": links(r, "nodes", n.UUID),
	}
	for _, part := range []string{"ports", "portgroups", "states", "volume"} {
		b[part] = links(r, "nodes", n.UUID+"/"+part)
	}
	return b
}

// maskedInfo is the driver's information without its passwords.
func (n *Node) maskedInfo() map[string]any {
	masked := map[string]any{}
	for key, value := range n.DriverInfo {
		if strings.Contains(strings.ToLower(key), "password") {
			value = "******"
		}
		masked[key] = value
	}
	return masked
}

func links(r *http.Request, kind, rest string) []map[string]any {
	return []map[string]any{
		{"href": front.Base(r) + "/v1/" + kind + "/" + rest, "rel": "self"},
		{"href": front.Base(r) + "/" + kind + "/" + rest, "rel": "bookmark"},
	}
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05+00:00")
}

// fresh is a time as it is before it has gone through Ironic's database.
func fresh(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000+00:00") }
