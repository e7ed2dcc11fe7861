package nova

import (
	"context"
	"os"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/host"
)

// rootVolume is the volume that the server boots from, or "".
func (s *Service) rootVolume(v *Server) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, a := range v.Volumes {
		if a.Root {
			return a.VolumeID
		}
	}
	return ""
}

// saveRoot writes the root file system back to the volume that the server booted from.
func (s *Service) saveRoot(ctx context.Context, v *Server) error {
	root := s.rootVolume(v)
	if root == "" {
		return nil
	}
	if _, err := os.Stat(host.Root(s.dir(v.ID))); err != nil {
		return nil // never booted
	}
	data := host.Image(ctx, s.dir(v.ID))
	defer data.Close()
	return s.vols.Save(root, data)
}

func makeDir(path string) error { return os.MkdirAll(path, 0o700) }
