package cinder

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/glance"
)

// Spec is what a new volume is to be. At most one of the sources is set.
type Spec struct {
	Name, Description                   string
	Size                                int // GiB; 0 = the source's
	Type, Zone                          string
	Metadata                            map[string]string
	ImageID, SnapshotID, SourceVolumeID string
	Multiattach                         bool
}

// Create begins to create a volume, and returns it as it is then: in the state Creating.
func (s *Service) Create(caller front.Caller, spec Spec) (Volume, error) {
	v, err := s.draft(caller, spec)
	if err != nil {
		return Volume{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	content, err := s.source(caller, v, spec)
	if err != nil {
		return Volume{}, err
	}
	return s.add(v, content)
}

// draft is a new volume as its specification and its image describe it.
func (s *Service) draft(caller front.Caller, spec Spec) (*Volume, error) {
	v := &Volume{
		ID: uuid.NewString(), Name: spec.Name, Description: spec.Description, Status: Creating,
		ProjectID: caller.ProjectID, UserID: caller.UserID, Size: spec.Size, Zone: spec.Zone, Multiattach: spec.Multiattach,
		Metadata: spec.Metadata, SnapshotID: spec.SnapshotID, SourceVolumeID: spec.SourceVolumeID, CreatedAt: s.clock.Now(),
		UpdatedAt: s.clock.Now(),
	}
	if v.Metadata == nil {
		v.Metadata = map[string]string{}
	}
	if v.Zone == "" {
		v.Zone = Zone
	} else if v.Zone != Zone {
		return nil, answer.Fail(http.StatusBadRequest, "Availability zone '%s' is invalid.", v.Zone)
	}
	var err error
	if v.Type, err = s.typeName(spec.Type); err != nil {
		return nil, err
	}
	if spec.ImageID == "" {
		return v, nil
	}
	id, err := s.imageID(caller, spec.ImageID)
	if err != nil {
		return nil, err
	}
	return v, s.describe(caller, v, id)
}

// add begins to create a volume with this content. The caller holds the lock.
func (s *Service) add(v *Volume, content func() (io.ReadCloser, error)) (Volume, error) {
	if v.Size <= 0 {
		return Volume{}, answer.Fail(http.StatusBadRequest,
			"The server could not comply with the request since it is either malformed or otherwise incorrect.")
	}
	if err := s.room(v.ProjectID, v.Size); err != nil {
		return Volume{}, err
	}
	if s.encrypts(v.Type) {
		v.KeyID = uuid.NewString()
	}
	s.volumes[v.ID], s.order = v, append(s.order, v)
	id := v.ID
	s.clock.After(func(ctx context.Context) { s.fill(ctx, id, content) })
	return v.clone(), nil
}

// imageID is the id of the image that a request names by its id or name.
func (s *Service) imageID(caller front.Caller, ref string) (string, error) {
	if i, ok := s.images.Visible(caller, ref); ok {
		return i.ID, nil
	}
	switch found := s.images.Named(caller, ref); len(found) {
	case 0:
		return "", badImage()
	case 1:
		return found[0].ID, nil
	}
	return "", answer.Fail(http.StatusConflict, "Multiple matches found for '%s', use an ID to be more specific.", ref)
}

func badImage() error {
	return answer.Fail(http.StatusBadRequest, "Invalid image identifier or unable to access requested image.")
}

// describe checks the image that a volume is to be made from and copies what it says of itself.
func (s *Service) describe(caller front.Caller, v *Volume, image string) error {
	i, ok := s.images.Visible(caller, image)
	if !ok {
		return badImage()
	}
	if i.Status != glance.Active {
		return invalid("Image %s is not active.", image)
	}
	if gib := int((i.Size + 1<<30 - 1) >> 30); v.Size > 0 && v.Size < gib {
		return invalid("Size of specified image %dGB is larger than volume size %dGB.", gib, v.Size)
	}
	if v.Size > 0 && v.Size < i.MinDisk {
		return invalid("Volume size %dGB cannot be smaller than the image minDisk size %dGB.", v.Size, i.MinDisk)
	}
	v.Bootable = true
	v.ImageMetadata = map[string]string{
		"image_id": i.ID, "image_name": i.Name, "checksum": i.Checksum, "container_format": i.ContainerFormat, "disk_format": i.DiskFormat,
		"min_disk": strconv.Itoa(i.MinDisk), "min_ram": strconv.Itoa(i.MinRAM), "size": strconv.FormatInt(i.Size, 10),
		"signature_verified": "False",
	}
	maps.Copy(v.ImageMetadata, i.Properties)
	return nil
}

// source returns how to open what a volume is filled with, nil for a blank one. The caller holds the lock.
func (s *Service) source(caller front.Caller, v *Volume, spec Spec) (func() (io.ReadCloser, error), error) {
	var path string
	var size int
	switch {
	case spec.ImageID != "":
		image := v.ImageMetadata["image_id"]
		return func() (io.ReadCloser, error) {
			body, _, err := s.images.Open(image)
			return body, err
		}, nil
	case spec.SnapshotID != "":
		o := s.snapshots.Row(spec.SnapshotID)
		if o == nil || !may(caller, o.Project) {
			return nil, answer.Fail(http.StatusNotFound, "Snapshot %s could not be found.", spec.SnapshotID)
		}
		path, size = s.content(o.ID()), o.Whole("size")
		if from := s.volumes[o.Text("volume_id")]; from != nil {
			v.takeAfter(from, spec)
		}
	case spec.SourceVolumeID != "":
		o := s.volumes[spec.SourceVolumeID]
		if o == nil || !may(caller, o.ProjectID) {
			return nil, notFound(spec.SourceVolumeID)
		}
		path, size = s.content(o.ID), o.Size
		v.takeAfter(o, spec)
	default:
		return nil, nil
	}
	if v.Size == 0 {
		v.Size = size
	}
	if v.Size < size {
		return nil, invalid("Volume size '%d'GB cannot be smaller than original volume size %dGB. They must be >= original volume size.",
			v.Size, size)
	}
	return func() (io.ReadCloser, error) {
		f, err := os.Open(path)
		if errors.Is(err, os.ErrNotExist) {
			return nil, nil // a blank volume
		}
		return f, err
	}, nil
}

// takeAfter copies what a volume has of the one that it is made from.
func (v *Volume) takeAfter(o *Volume, spec Spec) {
	v.Bootable, v.ImageMetadata = o.Bootable, o.clone().ImageMetadata
	if spec.Type == "" {
		v.Type = o.Type
	}
}

// fill takes a new volume through its states to Available, or to Error.
func (s *Service) fill(ctx context.Context, id string, open func() (io.ReadCloser, error)) {
	if open == nil {
		s.setStatus(id, Available)
		return
	}
	s.setStatus(id, Downloading)
	if s.clock.Wait(ctx) != nil {
		return
	}
	body, err := open()
	if err == nil && body != nil {
		err = s.write(id, body)
		body.Close()
	}
	if err != nil {
		s.setStatus(id, Error)
		return
	}
	s.setStatus(id, Available)
}

// size is a size in GiB, which clients send as number, text or null.
type size int

// UnmarshalJSON takes 8, "8" and null.
func (n *size) UnmarshalJSON(data []byte) error {
	text := strings.Trim(string(data), `"`)
	if text == "null" {
		return nil
	}
	v, err := strconv.Atoi(text)
	switch {
	case err != nil:
		return answer.Fail(http.StatusBadRequest, "Invalid input for field/attribute size. Value: %[1]s. '%[1]s' does not match '^[0-9]+$'",
			text)
	case v < 1:
		return answer.Fail(http.StatusBadRequest, "Invalid input for field/attribute size. Value: %[1]d. %[1]d is less than the "+
			"minimum of 1", v)
	}
	*n = size(v)
	return nil
}

func (s *Service) createVolume(w http.ResponseWriter, r *http.Request) error {
	c := front.CallerOf(r)
	if err := writer(c, "volume:create"); err != nil {
		return err
	}
	var q struct {
		Volume *struct {
			Name, Description string
			Size              size
			Type              string `json:"volume_type"`
			Zone              string `json:"availability_zone"`
			ImageRef          string `json:"imageRef"`
			ImageID           string `json:"image_id"`
			SnapshotID        string `json:"snapshot_id"`
			SourceVolumeID    string `json:"source_volid"`
			Metadata          map[string]string
			Multiattach       bool
		} `json:"volume"`
	}
	if err := decode(r, &q); err != nil {
		return err
	}
	if q.Volume == nil {
		return answer.Fail(http.StatusBadRequest, "'volume' is a required property")
	}
	v := q.Volume
	image := v.ImageRef
	if image == "" {
		image = v.ImageID
	}
	made, err := s.Create(c, Spec{
		Name: v.Name, Description: v.Description, Size: int(v.Size), Type: v.Type, Zone: v.Zone, Metadata: v.Metadata,
		ImageID: image, SnapshotID: v.SnapshotID, SourceVolumeID: v.SourceVolumeID, Multiattach: v.Multiattach,
	})
	if err != nil {
		return err
	}
	body := made.summary(r)
	body["updated_at"], body["bootable"] = nil, "false" // what it will be nobody knows yet
	delete(body, "volume_image_metadata")
	answer.JSON(w, http.StatusAccepted, map[string]any{"volume": body})
	return nil
}
