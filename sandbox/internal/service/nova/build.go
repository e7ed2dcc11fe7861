package nova

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/cinder"
)

// build takes a server from BUILD to ACTIVE, or to ERROR.
func (s *Service) build(c front.Caller, v *Server) func(context.Context) {
	return func(ctx context.Context) {
		err := s.construct(ctx, c, v)
		if err != nil && ctx.Err() == nil {
			s.release(v)
		}
		// The step does nothing if the server is being deleted.
		_ = s.step(ctx, v, func() {
			if err != nil {
				s.fail(v, http.StatusInternalServerError, err.Error())
				return
			}
			v.VMState, v.TaskState, v.PowerState, v.LaunchedAt = vmActive, "", powerRunning, s.now()
		})
	}
}

func (s *Service) construct(ctx context.Context, c front.Caller, v *Server) error {
	if err := s.task(ctx, v, taskScheduling, 3); err != nil {
		return err
	}
	switch v.Flavor.Mishap {
	case NoHost:
		return errNoHost
	case Never:
		<-ctx.Done()
		return ctx.Err()
	}
	if s.o.Refuse != nil {
		if message := s.o.Refuse(v.Name); message != "" {
			return errors.New(message)
		}
	}
	if err := s.task(ctx, v, taskNetworking, 3); err != nil {
		return err
	}
	if err := s.connect(c, v); err != nil {
		const words = "Build of instance %s aborted: Failed to allocate the network(s), not rescheduling.: %w"
		return fmt.Errorf(words, v.ID, err) //nolint:staticcheck // Nova's words
	}
	if len(v.devices) > 0 {
		if err := s.attachDevices(ctx, c, v); err != nil {
			return fmt.Errorf("Build of instance %s aborted: %w", v.ID, err) //nolint:staticcheck // Nova's words
		}
	}
	if err := s.task(ctx, v, taskSpawning, 3); err != nil {
		return err
	}
	if class := v.Flavor.bareMetal(); class != "" {
		if err := s.o.Nodes.Deploy(ctx, class, v.node, v.ID, v.ImageID); err != nil {
			return err
		}
	}
	return s.boot(ctx, v)
}

// connect gives the server its ports.
func (s *Service) connect(c front.Caller, v *Server) error {
	for _, n := range v.requested {
		if n.Port != "" {
			if err := s.ports.BindPort(n.Port, v.ID); err != nil {
				return err
			}
			continue
		}
		p, err := s.ports.AllocatePort(c, n.UUID, v.ID, n.FixedIP)
		if err != nil {
			return err
		}
		if len(v.SecurityGroups) != 1 || v.SecurityGroups[0] != "default" {
			if err := s.nets.SetSecurityGroups(c, p.ID, v.SecurityGroups); err != nil {
				return err
			}
		}
	}
	return nil
}

// attachDevices makes and attaches the volumes that the creation asked for.
func (s *Service) attachDevices(ctx context.Context, c front.Caller, v *Server) error {
	if err := s.step(ctx, v, func() { v.TaskState = taskBlockDevices }); err != nil {
		return err
	}
	letter := 'a'
	if v.ImageID != "" {
		letter = 'b'
	}
	for _, d := range v.devices {
		if d.DestinationType != "volume" && d.SourceType != "volume" && d.SourceType != "snapshot" {
			continue // a local disk
		}
		id, err := s.deviceVolume(ctx, c, d)
		if err != nil {
			return err
		}
		device := d.DeviceName
		if device == "" {
			device = "/dev/vd" + string(letter)
		}
		letter++
		if err := s.vols.Attach(id, v.ID, device); err != nil {
			return err
		}
		s.change(v, func() {
			v.Volumes = append(v.Volumes, VolumeAttachment{
				VolumeID: id, Device: device, Tag: d.Tag,
				DeleteOnTermination: d.DeleteOnTermination, Root: d.root(),
			})
		})
	}
	return nil
}

// deviceVolume answers the volume of a block device, made if need be.
func (s *Service) deviceVolume(ctx context.Context, c front.Caller, d blockDevice) (string, error) {
	if d.SourceType == "volume" {
		return d.UUID, s.vols.Reserve(d.UUID)
	}
	spec := cinder.Spec{Size: d.size(), Type: d.VolumeType, Zone: cinder.Zone}
	switch d.SourceType {
	case "image":
		spec.ImageID = d.UUID
	case "snapshot":
		spec.SnapshotID = d.UUID
	}
	vol, err := s.vols.Create(c, spec)
	if err != nil {
		return "", err
	}
	for {
		now, ok := s.vols.Volume(vol.ID)
		switch {
		case !ok || now.Status == cinder.Error:
			return "", fmt.Errorf("Volume %s did not finish being created.", vol.ID) //nolint:staticcheck,revive // Nova's words
		case now.Status == cinder.Available:
			return vol.ID, nil
		}
		if err := s.poll(ctx); err != nil {
			_ = s.vols.Delete(vol.ID)
			return "", err
		}
	}
}
