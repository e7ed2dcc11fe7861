package nova

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/host"
)

func (s *Service) deleteServer(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.own(r, "servers:delete")
	if err != nil {
		return err
	}
	if v.Locked && !front.CallerOf(r).Is("admin") {
		return answer.Fail(http.StatusConflict, "Instance %s is locked", v.ID)
	}
	if s.o.SoftDelete && v.VMState != vmSoftDeleted && v.VMState != vmBuilding && v.VMState != vmError {
		s.softDelete(w, r, v)
	} else {
		s.remove(w, r, v)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Service) forceDelete(w http.ResponseWriter, r *http.Request, v *Server, _ json.RawMessage) error {
	s.remove(w, r, v)
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// remove begins a deletion, which ends whatever else goes on with the server. The caller holds the lock.
func (s *Service) remove(w http.ResponseWriter, r *http.Request, v *Server) {
	if v.TaskState == taskDeleting {
		return
	}
	s.note(v, w, r, "delete")
	if v.cancel != nil {
		v.cancel()
	}
	v.TaskState, v.UpdatedAt = taskDeleting, s.now()
	s.begin(v, func(ctx context.Context) {
		if s.clock.Wait(ctx) != nil {
			return // the sandbox closes
		}
		if g := s.take(v); g != nil {
			g.Kill()
		}
		if v.Flavor.bareMetal() != "" {
			s.o.Nodes.Undeploy(ctx, v.ID)
		}
		_ = s.saveRoot(ctx, v)
		s.release(v)
		_ = host.Remove(s.dir(v.ID))
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.servers, v.ID)
		gone := v.clone()
		gone.VMState, gone.TaskState, gone.PowerState, gone.terminatedAt = vmDeleted, "", powerNone, s.now()
		s.gone = append(s.gone, &gone)
		s.order = slices.DeleteFunc(s.order, func(o *Server) bool { return o == v })
		for _, g := range s.groups {
			g.Members = slices.DeleteFunc(g.Members, func(id string) bool { return id == v.ID })
		}
	})
}

// softDelete keeps a deleted server for a while, in which it can be restored. The caller holds the lock.
func (s *Service) softDelete(w http.ResponseWriter, r *http.Request, v *Server) {
	if v.TaskState == taskDeleting {
		return
	}
	s.note(v, w, r, "delete")
	v.TaskState, v.UpdatedAt = "soft-deleting", s.now()
	s.begin(v, func(ctx context.Context) {
		s.halt(ctx, v)
		_ = s.step(ctx, v, func() { v.VMState, v.TaskState, v.PowerState = vmSoftDeleted, "", powerShutdown })
	})
}

// release gives ports and volumes back, deleting those that were made for the server.
func (s *Service) release(v *Server) {
	if g := s.take(v); g != nil {
		g.Kill()
	}
	s.ports.ReleasePorts(v.ID)
	var volumes []VolumeAttachment
	s.change(v, func() { volumes, v.Volumes = v.Volumes, nil })
	for _, a := range volumes {
		s.vols.Detach(a.VolumeID, v.ID)
		if a.DeleteOnTermination {
			_ = s.vols.Delete(a.VolumeID) // the owner sees one that could not be
		}
	}
}
