package glance

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// body is an image as the API shows it.
func (i *Image) body() map[string]any {
	b := make(map[string]any, 24+len(i.Properties))
	for k, v := range i.Properties {
		b[k] = v
	}
	self := "/v2/images/" + i.ID
	b["id"], b["name"], b["status"], b["visibility"], b["owner"] = i.ID, orNull(i.Name), i.Status, i.Visibility, orNull(i.Owner)
	b["protected"], b["os_hidden"] = i.Protected, i.Hidden
	b["disk_format"], b["container_format"] = orNull(i.DiskFormat), orNull(i.ContainerFormat)
	b["size"], b["virtual_size"] = known(i.Size), known(i.VirtualSize)
	b["checksum"], b["os_hash_algo"], b["os_hash_value"] = orNull(i.Checksum), orNull(i.HashAlgo), orNull(i.HashValue)
	b["min_disk"], b["min_ram"] = i.MinDisk, i.MinRAM
	b["tags"] = i.Tags
	if i.Tags == nil {
		b["tags"] = []string{}
	}
	b["created_at"], b["updated_at"] = stamp(i.CreatedAt), stamp(i.UpdatedAt)
	b["self"], b["file"], b["schema"] = self, self+"/file", "/v2/schemas/image"
	if i.Status == Active {
		b["stores"] = defaultStore
	}
	return b
}

// Image is an image record.
type Image struct {
	ID, Name, Status, Visibility, Owner string
	Protected, Hidden                   bool
	DiskFormat, ContainerFormat         string // "" while not set
	Size                                int64  // bytes; -1 while there is no data
	VirtualSize                         int64  // bytes; -1 = not known
	Checksum, HashAlgo, HashValue       string // of the data: md5, "sha512" and its sum
	MinDisk, MinRAM                     int    // GiB, MiB
	Tags                                []string
	Properties                          map[string]string // custom ones
	CreatedAt, UpdatedAt                time.Time         // whole seconds, as Glance keeps them

	members map[string]*member
	tasks   []task
	staged  bool // data waits in the staging area
}

// The states of an image.
const (
	Queued      = "queued"
	Saving      = "saving"
	Uploading   = "uploading"
	Importing   = "importing"
	Active      = "active"
	Deactivated = "deactivated"
	Killed      = "killed"
	Deleted     = "deleted"
)

// The visibilities of an image.
const (
	Private   = "private"
	Shared    = "shared"
	Community = "community"
	Public    = "public"
)

var (
	visibilities     = []string{Community, Public, Private, Shared}
	memberStates     = []string{"pending", "accepted", "rejected"}
	diskFormats      = []string{"ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop"}
	containerFormats = []string{"ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed"}
)

type member struct {
	id, status           string
	createdAt, updatedAt time.Time
}

// clone is a copy that shares nothing that can change.
func (i *Image) clone() Image {
	c := *i
	c.Tags = slices.Clone(i.Tags)
	c.Properties = maps.Clone(i.Properties)
	c.members, c.tasks = nil, nil
	return c
}

func (s *Service) now() time.Time { return s.clock.Now().UTC().Truncate(time.Second) }

func stamp(t time.Time) string { return t.Format("2006-01-02T15:04:05Z") }

func (s *Service) show(w http.ResponseWriter, r *http.Request) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	i, err := s.lookup(front.CallerOf(r), r.PathValue("id"))
	if err != nil {
		return err
	}
	answer.JSON(w, http.StatusOK, i.body())
	return nil
}

func (s *Service) create(w http.ResponseWriter, r *http.Request) error {
	q, err := object(r, errServer)
	if err != nil {
		return err
	}
	c := front.CallerOf(r)
	draft := s.newImage(c, Spec{})
	for _, name := range slices.Sorted(maps.Keys(q)) {
		if err := draft.setNew(c, name, q[name]); err != nil {
			return err
		}
	}
	if !mayWrite(c, draft.Owner) {
		if c.Is("member") {
			return failDetail(http.StatusForbidden, "You are not permitted to create images owned by '%s'", draft.Owner)
		}
		return forbidden("add_image")
	}
	if err := maySet(c, draft.Visibility); err != nil {
		return err
	}
	if err := s.quotas.check(draft, nil); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.count(draft.Owner); s.quotas.CountTotal > 0 && n >= s.quotas.CountTotal {
		return overProject(draft.Owner, "image_count_total", s.quotas.CountTotal, n, 1)
	}
	if !s.images.add(draft) {
		return answer.Fail(http.StatusConflict, "Image ID %s already exists!", draft.ID)
	}
	w.Header().Set("Location", front.Base(r)+"/v2/images/"+draft.ID)
	w.Header().Set("OpenStack-image-import-methods", joined(importMethods))
	w.Header().Set("OpenStack-image-store-ids", defaultStore)
	answer.JSON(w, http.StatusCreated, draft.body())
	return nil
}

func (s *Service) delete(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := r.PathValue("id")
	c := front.CallerOf(r)
	if _, err := s.lookup(c, id); err != nil {
		return answer.Fail(http.StatusNotFound, "Failed to find image %s to delete", id)
	}
	i, err := s.lookupOwn(c, id, "delete_image")
	if err != nil {
		return err
	}
	if i.Protected {
		return answer.Fail(http.StatusForbidden, "Image %s is protected and cannot be deleted.", id)
	}
	if s.InUse != nil && s.InUse(id) {
		return answer.Fail(http.StatusConflict, "Image %s could not be deleted because it is in use: The image cannot be deleted "+
			"because it is in use through the backend store outside of Glance.", id)
	}
	s.remove(i)
	noContent(w)
	return nil
}

// Spec is what a new image is to be.
type Spec struct {
	ID                          string // "" = a new one
	Name, Owner                 string // Owner "" = the caller's project
	Visibility                  string // "" = shared
	DiskFormat, ContainerFormat string
	MinDisk, MinRAM             int
	Protected, Hidden           bool
	Tags                        []string
	Properties                  map[string]string
	CreatedAt                   time.Time // zero = now
}

func (s *Service) newImage(caller front.Caller, spec Spec) *Image {
	t := s.now()
	if !spec.CreatedAt.IsZero() {
		t = spec.CreatedAt.UTC().Truncate(time.Second)
	}
	i := &Image{
		ID: spec.ID, Name: spec.Name, Status: Queued, Visibility: spec.Visibility, Owner: spec.Owner,
		Protected: spec.Protected, Hidden: spec.Hidden,
		DiskFormat: spec.DiskFormat, ContainerFormat: spec.ContainerFormat, Size: -1, VirtualSize: -1,
		MinDisk: spec.MinDisk, MinRAM: spec.MinRAM, Tags: slices.Clone(spec.Tags), Properties: map[string]string{},
		CreatedAt: t, UpdatedAt: t, members: map[string]*member{},
	}
	maps.Copy(i.Properties, spec.Properties)
	if i.ID == "" {
		i.ID = uuid.NewString()
	}
	if i.Visibility == "" {
		i.Visibility = Shared
	}
	if i.Owner == "" {
		i.Owner = caller.ProjectID
	}
	slices.Sort(i.Tags)
	i.Tags = slices.Compact(i.Tags)
	return i
}
