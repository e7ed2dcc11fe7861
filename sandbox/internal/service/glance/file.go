package glance

import (
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

const octets = "application/octet-stream"

func (s *Service) download(w http.ResponseWriter, r *http.Request) error {
	c := front.CallerOf(r)
	i, ok := s.Visible(c, r.PathValue("id"))
	switch {
	case !ok:
		return notFound(r.PathValue("id"))
	case i.Status == Deactivated && !c.Is("admin"):
		return answer.Fail(http.StatusForbidden, "The requested image has been deactivated. Image data download is forbidden.")
	case i.Status != Active && i.Status != Deactivated:
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	f, err := os.Open(s.data(i.ID))
	if err != nil {
		return answer.Fail(http.StatusNotFound, "Failed to find image %s to download", i.ID)
	}
	defer f.Close()
	w.Header().Set("Content-Type", octets)
	w.Header().Set("Content-Md5", i.Checksum)
	http.ServeContent(w, r, "", time.Time{}, f)
	return nil
}

// receivable finds an image to which the request may bring data, and checks the request's form.
func (s *Service) receivable(r *http.Request) (string, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	i, err := s.lookupOwn(front.CallerOf(r), r.PathValue("id"), "upload_image")
	if err != nil {
		return "", err
	}
	if contentType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); contentType != octets {
		return "", unsupported(contentType)
	}
	return i.ID, i.formatsSet()
}

// formatsSet refuses data for an image whose formats are not known.
func (i *Image) formatsSet() error {
	if i.DiskFormat == "" || i.ContainerFormat == "" {
		return answer.Fail(http.StatusBadRequest, "Properties disk_format, container_format must be set prior to saving data.")
	}
	return nil
}

func (s *Service) upload(w http.ResponseWriter, r *http.Request) error {
	id, err := s.receivable(r)
	if err != nil {
		return err
	}
	if err := s.within(id); err != nil {
		return err
	}
	if err := s.Upload(id, r.Body); err != nil {
		return err
	}
	noContent(w)
	return nil
}
