package ironic

import (
	"cmp"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
)

// The provision states that matter for decisions.
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

// Node is a node's record as the Bare Metal service shows it. Of a list with chosen fields, the others are empty.
type Node struct {
	ID             string         `json:"uuid"`
	Name           string         `json:"name"`
	ProvisionState string         `json:"provision_state"`
	TargetState    string         `json:"target_provision_state"`
	PowerState     string         `json:"power_state"`
	LastError      string         `json:"last_error"`
	Maintenance    bool           `json:"maintenance"`
	Reason         string         `json:"maintenance_reason"`
	Fault          string         `json:"fault"`
	Reservation    string         `json:"reservation"`
	ResourceClass  string         `json:"resource_class"`
	Traits         []string       `json:"traits"`
	Owner          string         `json:"owner"`
	InstanceID     string         `json:"instance_uuid"`
	Driver         string         `json:"driver"`
	DeployWith     string         `json:"deploy_interface"`
	BootWith       string         `json:"boot_interface"`
	AutomatedClean *bool          `json:"automated_clean"` // nil = the service's setting
	Properties     map[string]any `json:"properties"`
	Extra          map[string]any `json:"extra"`
	DriverInfo     map[string]any `json:"driver_info"`
	InstanceInfo   map[string]any `json:"instance_info"`
	InternalInfo   map[string]any `json:"driver_internal_info"`
}

// String names the node for people.
func (n *Node) String() string { return cmp.Or(n.Name, n.ID) }

// Text is a value of one of a node's objects, "" if it isn't there or isn't text.
func Text(object map[string]any, key string) string {
	t, _ := object[key].(string)
	return t
}

// updatable are transitional states in which the service lets a node be changed.
var updatable = []string{
	DeployFailed, "inspect failed", "inspect wait", CleanFailed, Failed, "verifying", "adopt failed", "rescue failed", "unrescue failed",
	"service failed",
}

// Updatable reports whether the service lets the node be changed in its provision state. Its lock may prevent it
// for a moment all the same.
func (n *Node) Updatable() bool {
	return n.ProvisionState != "inspecting" && (n.TargetState == "" || slices.Contains(updatable, n.ProvisionState))
}

// Op is one operation of a patch: add (which replaces, too), replace or remove. The path has dashes, letters,
// digits and underscores only.
type Op struct {
	Op    string
	Path  string
	Value any
}

// MarshalJSON leaves the value out of a removal.
func (o Op) MarshalJSON() ([]byte, error) {
	m := map[string]any{"op": o.Op, "path": o.Path}
	if o.Op != "remove" {
		m["value"] = o.Value
	}
	return json.Marshal(m)
}

// Patch is a list of operations that are applied together.
type Patch []Op

// Set adds the setting of a value, or its removal if it is empty. A removal of what isn't there is an error of the
// service's, so there says whether it is.
func (p Patch) Set(path, value string, there bool) Patch {
	switch {
	case value != "":
		return append(p, Op{"add", path, value})
	case there:
		return append(p, Op{"remove", path, nil})
	}
	return p
}

// reflects reports whether the node is as the patch makes it.
func (n *Node) reflects(p Patch) bool {
	for _, o := range p {
		object, key, nested := strings.Cut(strings.TrimPrefix(o.Path, "/"), "/")
		in := map[string]map[string]any{
			"extra": n.Extra, "driver_info": n.DriverInfo, "instance_info": n.InstanceInfo, "properties": n.Properties,
		}[object]
		if !nested {
			in, key = map[string]any{}, object
			if object == "instance_uuid" && n.InstanceID != "" {
				in[key] = n.InstanceID
			}
		}
		is, there := in[key]
		if there == (o.Op == "remove") || there && !same(is, o.Value) {
			return false
		}
	}
	return true
}

func same(a, b any) bool {
	plain := func(v any) (out any) {
		text, err := json.Marshal(v)
		if err == nil {
			err = json.Unmarshal(text, &out)
		}
		if err != nil {
			return v
		}
		return out
	}
	return reflect.DeepEqual(plain(a), plain(b))
}
