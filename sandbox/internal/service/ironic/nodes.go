package ironic

import (
	"maps"
	"slices"
	"time"
)

// The provision states that occur here.
const (
	Enroll       = "enroll"
	Manageable   = "manageable"
	Available    = "available"
	Deploying    = "deploying"
	DeployWait   = "wait call-back"
	DeployFailed = "deploy failed"
	Active       = "active"
	Deleting     = "deleting"
	Cleaning     = "cleaning"
	CleanWait    = "clean wait"
	CleanFailed  = "clean failed"
	Failed       = "error"
)

// states are all that a list may be filtered by.
var states = []string{
	Enroll, Manageable, Available, Deploying, DeployWait, DeployFailed, Active, Deleting, Cleaning, CleanWait, CleanFailed, Failed,
	"verifying", "inspecting", "inspect failed", "inspect wait", "adopting", "adopt failed", "rescue", "rescuing", "rescue wait",
	"rescue failed", "unrescuing", "unrescue failed", "rebuild", "deleted",
}

// Node is a node.
type Node struct {
	UUID, Name, Driver             string
	BootInterface, DeployInterface string
	ResourceClass, Owner, Lessee   string
	Properties, Extra, DriverInfo  map[string]any
	InstanceInfo, InternalInfo     map[string]any
	Traits                         []string
	ProvisionState, TargetState    string
	PowerState                     string
	InstanceUUID, AllocationUUID   string
	Maintenance, Retired           bool
	MaintenanceReason, Fault       string
	LastError                      string
	AutomatedClean                 *bool  // nil = the service's setting, which is on
	Reservation                    string // host that holds the node's lock; "" = none
	CreatedAt, UpdatedAt, MovedAt  time.Time
}

// host is the conductor that manages every node.
const host = "sandbox"

func (n *Node) complete(now time.Time) {
	for _, m := range []*map[string]any{&n.Properties, &n.Extra, &n.DriverInfo, &n.InstanceInfo, &n.InternalInfo} {
		if *m == nil {
			*m = map[string]any{}
		}
	}
	for _, d := range []struct {
		field *string
		value string
	}{
		{&n.Driver, "fake-hardware"},
		{&n.BootInterface, "fake"},
		{&n.DeployInterface, "direct"},
		{&n.ProvisionState, Available},
	} {
		if *d.field == "" {
			*d.field = d.value
		}
	}
	n.CreatedAt = now
}

func (n *Node) clone() Node {
	c := *n
	c.Properties, c.Extra, c.DriverInfo = maps.Clone(n.Properties), maps.Clone(n.Extra), maps.Clone(n.DriverInfo)
	c.InstanceInfo, c.InternalInfo = maps.Clone(n.InstanceInfo), maps.Clone(n.InternalInfo)
	c.Traits = slices.Clone(n.Traits)
	return c
}

// updatable are transitional states in which a node may be changed.
var updatable = []string{
	DeployFailed, "inspecting", "inspect failed", "inspect wait", CleanFailed, Failed, "verifying", "adopt failed", "rescue failed",
	"unrescue failed",
}

func (n *Node) inTransition() bool {
	return n.TargetState != "" && !slices.Contains(updatable, n.ProvisionState)
}

// move puts the node into a state; target is where it is going, "" for a state that stays.
func (n *Node) move(now time.Time, state, target string) {
	n.ProvisionState, n.TargetState, n.MovedAt, n.UpdatedAt = state, target, now, now
	n.Reservation = ""
	if slices.Contains([]string{Deploying, Deleting, Cleaning}, state) {
		n.Reservation = host
	}
}

func (n *Node) cleans() bool { return n.AutomatedClean == nil || *n.AutomatedClean }
