package nova

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/host"
)

// What a server is, in Nova's own terms.
const (
	vmBuilding = "building"
	vmActive   = "active"
	vmStopped  = "stopped"
	vmError    = "error"

	vmPaused      = "paused"
	vmSuspended   = "suspended"
	vmShelved     = "shelved"
	vmOffloaded   = "shelved_offloaded"
	vmResized     = "resized"
	vmRescued     = "rescued"
	vmSoftDeleted = "soft-delete"
	vmDeleted     = "deleted"
)

// statuses are what the API shows of the states, unless a task says more.
var statuses = map[string]string{
	vmBuilding: "BUILD", vmActive: "ACTIVE", vmStopped: "SHUTOFF", vmError: "ERROR", vmPaused: "PAUSED", vmSuspended: "SUSPENDED",
	vmShelved: "SHELVED", vmOffloaded: "SHELVED_OFFLOADED", vmResized: "VERIFY_RESIZE", vmSoftDeleted: "SOFT_DELETED",
	vmDeleted: "DELETED", vmRescued: "RESCUE",
}

// Tasks under way.
const (
	taskScheduling    = "scheduling"
	taskNetworking    = "networking"
	taskBlockDevices  = "block_device_mapping"
	taskSpawning      = "spawning"
	taskSnapshotWait  = "image_snapshot_pending"
	taskSnapshot      = "image_snapshot"
	taskPendingUpload = "image_pending_upload"
	taskUploading     = "image_uploading"
	taskPoweringOff   = "powering-off"
	taskPoweringOn    = "powering-on"
	taskRebooting     = "rebooting"
	taskRebootHard    = "rebooting_hard"
	taskDeleting      = "deleting"
)

// Power states.
const (
	powerNone     = 0
	powerRunning  = 1
	powerPaused   = 3
	powerShutdown = 4
)

// Server is a server.
type Server struct {
	ID, Name, Description, Hostname string
	ProjectID, UserID               string
	ImageID                         string // "" = booted from a volume
	Flavor                          Flavor // as it was at creation
	KeyName                         string
	VMState, TaskState              string
	PowerState                      int
	Fault                           *Fault
	Zone                            string
	ConfigDrive                     bool
	UserData                        []byte
	Metadata                        map[string]string
	Tags                            []string
	SecurityGroups                  []string // names, as asked for
	Volumes                         []VolumeAttachment
	unreachable                     bool // its cell doesn't answer
	Locked                          bool
	CreatedAt, UpdatedAt            time.Time
	LaunchedAt                      time.Time // zero = never yet

	password      string
	passwordAsked bool   // the creation named it, so the guest takes it
	key           string // the public key
	userName      string
	project       string // its name
	roles         string
	requested     []requestedNetwork
	devices       []blockDevice
	node          string // that the server was asked for on; "" = any
	actions       []action
	number        int // makes the instance's name
	guest         *host.Guest
	cancel        context.CancelFunc // of the operation under way
	done          chan struct{}      // closed when it is over
	accessIPv4    string
	accessIPv6    string
	group         string  // server group
	shelved       string  // the image that it was put into; "" = none
	before        *Flavor // of a resize that isn't confirmed
	terminatedAt  time.Time
}

// Fault says why a server is in ERROR.
type Fault struct {
	Code             int
	Message, Details string
	At               time.Time
}

func (v *Server) clone() Server {
	c := *v
	c.Metadata, c.Tags, c.Volumes = maps.Clone(v.Metadata), slices.Clone(v.Tags), slices.Clone(v.Volumes)
	return c
}

// Status is what the API shows of a server's state.
func (v *Server) Status() string {
	if shown, ok := tasks[v.TaskState]; ok && (v.VMState == vmActive || v.VMState == vmStopped) {
		return shown
	}
	return statuses[v.VMState]
}

// tasks are what the API shows of servers that are busy.
var tasks = map[string]string{
	taskRebooting: "REBOOT", taskRebootHard: "HARD_REBOOT", taskRebuilding: "REBUILD", "resize_prep": "RESIZE",
	"resize_reverting": "REVERT_RESIZE",
}

func (s *Service) fail(v *Server, code int, message string) {
	v.VMState, v.TaskState, v.PowerState = vmError, "", powerNone
	v.Fault = &Fault{Code: code, Message: message, At: s.now()}
	v.UpdatedAt = s.now()
}
