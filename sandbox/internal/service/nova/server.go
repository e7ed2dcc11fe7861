package nova

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
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

// VolumeAttachment is a volume of a server.
type VolumeAttachment struct {
	VolumeID, Device, Tag string
	DeleteOnTermination   bool
	Root                  bool
}

// action is one thing that was done to a server.
type action struct {
	name, request, user, project, message string
	at                                    time.Time
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

func (v *Server) fail(code int, message string) {
	v.VMState, v.TaskState, v.PowerState = vmError, "", powerNone
	v.Fault = &Fault{Code: code, Message: message, At: now()}
	v.UpdatedAt = now()
}

func now() time.Time { return time.Now().UTC().Truncate(time.Second) }

// change changes a server under the lock.
func (s *Service) change(v *Server, f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	v.UpdatedAt = now()
}

// step is change for an operation: it does nothing once that was cancelled, which happens under the same lock.
func (s *Service) step(ctx context.Context, v *Server, f func()) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	f()
	v.UpdatedAt = now()
	return nil
}

// task sets what a server is busy with, then waits for a part of a transition.
func (s *Service) task(ctx context.Context, v *Server, state string, parts int) error {
	if err := s.step(ctx, v, func() { v.TaskState = state }); err != nil {
		return err
	}
	return s.pause(ctx, parts)
}

// begin runs an operation on a server after the one before. The caller holds the lock.
func (s *Service) begin(v *Server, work func(ctx context.Context)) {
	before, done := v.done, make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	v.cancel, v.done = cancel, done
	s.clock.Go(func(clock context.Context) {
		defer close(done)
		defer cancel()
		defer context.AfterFunc(clock, cancel)()
		if before != nil {
			<-before
		}
		work(ctx)
	})
}

// visible finds a server that the caller may see. The caller holds the lock.
func (s *Service) visible(c front.Caller, id string) (*Server, error) {
	v := s.servers[id]
	if v == nil || v.ProjectID != c.ProjectID && !c.Is("admin") {
		return nil, front.Fail(http.StatusNotFound, "Instance %s could not be found.", id)
	}
	return v, nil
}

// writer refuses those who may only read.
func writer(c front.Caller, rule string) error {
	if c.Is("member") || c.Is("admin") {
		return nil
	}
	return front.Fail(http.StatusForbidden, "Policy doesn't allow %s to be performed.", rule)
}

// own finds the request's server for a change. The caller holds the lock.
func (s *Service) own(r *http.Request, rule string) (*Server, error) {
	c := front.CallerOf(r)
	v, err := s.visible(c, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return v, writer(c, "os_compute_api:"+rule)
}

// note keeps an action for os-instance-actions. The caller holds the lock.
func (v *Server) note(w http.ResponseWriter, r *http.Request, name string) {
	c := front.CallerOf(r)
	v.actions = append(v.actions, action{name: name, request: front.RequestID(w), user: c.UserID, project: c.ProjectID, at: now()})
}
