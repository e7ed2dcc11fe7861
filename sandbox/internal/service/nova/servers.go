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
)

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
	actions       []action
	number        int // makes the instance's name
	guest         *host.Guest
	cancel        context.CancelFunc // of the operation under way
	done          chan struct{}      // closed when it is over
	accessIPv4    string
	accessIPv6    string
	group         string // server group
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
	switch v.VMState {
	case vmBuilding:
		return "BUILD"
	case vmError:
		return "ERROR"
	case vmStopped:
		return "SHUTOFF"
	}
	switch v.TaskState {
	case taskRebooting:
		return "REBOOT"
	case taskRebootHard:
		return "HARD_REBOOT"
	}
	return "ACTIVE"
}

func (s *Service) fail(v *Server, code int, message string) {
	v.VMState, v.TaskState, v.PowerState = vmError, "", powerNone
	v.Fault = &Fault{Code: code, Message: message, At: s.now()}
	v.UpdatedAt = s.now()
}
