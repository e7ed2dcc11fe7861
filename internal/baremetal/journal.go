package baremetal

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/ironic"
)

// JournalKey is the key of a node's extra under which its runs are kept, newest first.
const JournalKey = "imgctl_ipa"

// kept is how many runs a node remembers.
const kept = 8

// What a run does to a node, and how far it is.
const (
	ActionTest = "test"
	ActionPush = "push"

	Testing    = "testing"   // the test is going on, or its run is dead
	Restoring  = "restoring" // the node has its values back, and isn't available yet
	Passed     = "passed"
	TestFailed = "failed"
	Pushed     = "pushed"
	RolledBack = "rolled back"
)

// Refs are the values of a node's deploy_kernel and deploy_ramdisk; "" is none, for which the conductor's default
// counts.
type Refs struct {
	Kernel  string `json:"kernel,omitempty"`
	Ramdisk string `json:"ramdisk,omitempty"`
}

// refsOf are a node's own values.
func refsOf(n *ironic.Node) Refs {
	return Refs{ironic.Text(n.DriverInfo, "deploy_kernel"), ironic.Text(n.DriverInfo, "deploy_ramdisk")}
}

// Entry is what a run did to a node.
type Entry struct {
	Run    string    `json:"run"`
	Action string    `json:"action"`
	State  string    `json:"state"`
	At     time.Time `json:"at"`
	Build  string    `json:"build,omitempty"`
	Set    Refs      `json:"set"`
	Before Refs      `json:"before"`
	Why    string    `json:"why,omitempty"`

	// Compute says that Nova deploys the node for the test.
	Compute bool `json:"compute,omitempty"`
	// Provided says that the node was manageable, and was made available for the test.
	Provided bool `json:"provided,omitempty"`
	// Inventory are the values before in the source of truth, nil if that wasn't written.
	Inventory *Refs `json:"inventory,omitempty"`
}

func (e *Entry) open() bool { return e.State == Testing || e.State == Restoring }

// journal is a node's list of runs.
type journal struct {
	Runs []Entry `json:"runs"`
}

// journalOf reads a node's journal. One that isn't ours is fault.Conflict.
func journalOf(n *ironic.Node) (journal, error) {
	var j journal
	value, there := n.Extra[JournalKey]
	if !there || value == nil {
		return j, nil
	}
	text, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(text, &j)
	}
	for _, e := range j.Runs {
		if e.Run == "" || e.Action != ActionTest && e.Action != ActionPush {
			err = fmt.Errorf("a run without an id or an action")
		}
	}
	if err != nil {
		return journal{}, fault.New(fault.Conflict, fault.Advise("look at the node's extra, and remove %s from it", JournalKey),
			"the journal of node %s can't be read: %w", n, err)
	}
	return j, nil
}

// of is the run's entry, nil if there is none.
func (j *journal) of(run string) *Entry {
	n := slices.IndexFunc(j.Runs, func(e Entry) bool { return e.Run == run })
	if n < 0 {
		return nil
	}
	return &j.Runs[n]
}

// open is the entry of a test that hasn't ended, nil if there is none.
func (j *journal) open() *Entry {
	n := slices.IndexFunc(j.Runs, func(e Entry) bool { return e.open() })
	if n < 0 {
		return nil
	}
	return &j.Runs[n]
}

// with is the journal with an entry, in place of the run's earlier one. An open test is never forgotten.
func (j journal) with(e Entry) journal {
	runs := slices.Clone(j.Runs)
	if n := slices.IndexFunc(runs, func(o Entry) bool { return o.Run == e.Run }); n >= 0 {
		runs[n] = e
	} else {
		runs = slices.Insert(runs, 0, e)
	}
	for len(runs) > kept {
		last := len(runs) - 1
		if runs[last].open() {
			last--
		}
		runs = slices.Delete(runs, last, last+1)
	}
	return journal{runs}
}

// patch sets both values and the journal at once: a node has never one without the other.
func patch(n *ironic.Node, want Refs, j journal) ironic.Patch {
	_, kernel := n.DriverInfo["deploy_kernel"]
	_, ramdisk := n.DriverInfo["deploy_ramdisk"]
	p := ironic.Patch{}.Set("/driver_info/deploy_kernel", want.Kernel, kernel).Set("/driver_info/deploy_ramdisk", want.Ramdisk, ramdisk)
	return append(p, ironic.Op{Op: "add", Path: "/extra/" + JournalKey, Value: j})
}
