package cinder

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// maxVersion is the newest microversion.
const (
	maxMinor   = 70
	maxVersion = "3.70"
)

const (
	versionHeader = "OpenStack-API-Version"
	requestHeader = "X-Compute-Request-Id"
)

// Mount is the service as the front mounts it.
func (s *Service) Mount() front.Service {
	return front.Service{Prefix: "/volume", Handler: projectless(s.routes()), Error: front.NovaError}
}

var projectID = regexp.MustCompile(`^/v3/([0-9a-f]{32})(/.*|$)`)

// projectless takes the project's id out of a path, which may have it or not, and answers the
// microversion.
func projectless(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(requestHeader, front.RequestID(w))
		version := microversion(r)
		minor, ok := strings.CutPrefix(version, "3.")
		if n, err := strconv.Atoi(minor); !ok || err != nil {
			front.NovaError(w, r, http.StatusBadRequest, "API Version String "+version+" is of invalid format. Must be of format MajorNum.MinorNum.")
			return
		} else if n > maxMinor {
			w.Header().Set(versionHeader, "volume "+version)
			w.Header().Set("Vary", versionHeader)
			front.JSON(w, http.StatusNotAcceptable, map[string]any{"computeFault": map[string]any{
				"code": http.StatusNotAcceptable, "message": "Version " + version + " is not supported by the API. Minimum is 3.0 and maximum is " + maxVersion + ".",
			}})
			return
		}
		w.Header().Set(versionHeader, "volume "+version)
		w.Header().Set("Vary", versionHeader)
		if m := projectID.FindStringSubmatch(r.URL.Path); m != nil {
			if m[1] != front.CallerOf(r).ProjectID {
				front.NovaError(w, r, http.StatusBadRequest, "Malformed request url")
				return
			}
			u := *r.URL
			u.Path = "/v3" + m[2]
			r = r.Clone(r.Context())
			r.URL = &u
		}
		next.ServeHTTP(w, r)
	})
}

func microversion(r *http.Request) string {
	v, ok := strings.CutPrefix(r.Header.Get(versionHeader), "volume ")
	switch {
	case !ok:
		return "3.0"
	case v == "latest":
		return maxVersion
	}
	return v
}

// atLeast tells whether a request asks for the microversion 3.minor or a newer one.
func atLeast(r *http.Request, minor int) bool {
	_, have, _ := strings.Cut(microversion(r), ".")
	n, _ := strconv.Atoi(have)
	return n >= minor
}

func (s *Service) routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, h func(http.ResponseWriter, *http.Request) error) {
		mux.Handle(pattern, front.Handler(front.NovaError, h))
	}
	handle("GET /{$}", versions)
	handle("GET /v3/{$}", versions)
	handle("GET /v3", versions)
	handle("GET /v3/volumes", s.listVolumes)
	handle("POST /v3/volumes", s.createVolume)
	handle("GET /v3/volumes/{id}", s.showVolume)
	handle("PUT /v3/volumes/{id}", s.updateVolume)
	handle("DELETE /v3/volumes/{id}", s.deleteVolume)
	handle("POST /v3/volumes/{id}/action", s.action)
	handle("GET /v3/volumes/{id}/metadata", s.showMetadata)
	handle("POST /v3/volumes/{id}/metadata", s.addMetadata)
	handle("PUT /v3/volumes/{id}/metadata", s.replaceMetadata)
	handle("DELETE /v3/volumes/{id}/metadata/{key}", s.removeMetadata)
	handle("GET /v3/snapshots", s.listSnapshots)
	handle("POST /v3/snapshots", s.createSnapshot)
	handle("GET /v3/snapshots/{id}", s.showSnapshot)
	handle("DELETE /v3/snapshots/{id}", s.deleteSnapshot)
	handle("GET /v3/types", listTypes)
	handle("GET /v3/types/{id}", showType)
	handle("GET /v3/limits", s.limits)
	handle("GET /v3/os-quota-sets/{project}", s.quotaSet)
	handle("GET /v3/os-availability-zone", zones)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{versionHeader, "Vary", requestHeader} { // what no controller has seen
			w.Header().Del(name)
		}
		front.GlancePage(w, r, http.StatusNotFound, "", "")
	})
	return mux
}

// done answers an action that has nothing to say, with the headers of a bare response.
func done(w http.ResponseWriter, status int) {
	w.Header().Del(requestHeader)
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	w.WriteHeader(status)
}

func versions(w http.ResponseWriter, r *http.Request) error {
	status := http.StatusOK
	if r.URL.Path == "/" {
		status = http.StatusMultipleChoices
	}
	front.JSON(w, status, map[string]any{"versions": []map[string]any{{
		"id": "v3.0", "status": "CURRENT", "version": maxVersion, "min_version": "3.0", "updated": "2022-08-31T00:00:00Z",
		"links": []map[string]any{{"rel": "self", "href": front.Base(r) + "/v3/"}}, "media-types": []any{},
	}}})
	return nil
}

// visible finds a volume that the caller may see; write asks for the right to change it as well. The
// caller holds the lock.
func (s *Service) visible(r *http.Request, write string) (*Volume, error) {
	c := front.CallerOf(r)
	id := r.PathValue("id")
	v := s.volumes[id]
	if v == nil || !may(c, v.ProjectID) {
		return nil, notFound(id)
	}
	if write != "" {
		if err := writer(c, write); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func writer(c front.Caller, action string) error {
	if !c.Is("member") && !c.Is("admin") {
		return front.Fail(http.StatusForbidden, "Policy doesn't allow %s to be performed.", action)
	}
	return nil
}

func (s *Service) listVolumes(w http.ResponseWriter, r *http.Request) error {
	return s.answerVolumes(w, r, false)
}

func (s *Service) showVolume(w http.ResponseWriter, r *http.Request) error {
	if r.PathValue("id") == "detail" {
		return s.answerVolumes(w, r, true)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	v, err := s.visible(r, "")
	if err != nil {
		return err
	}
	front.JSON(w, http.StatusOK, map[string]any{"volume": v.body(r)})
	return nil
}

var pair = regexp.MustCompile(`['"]([^'"]*)['"]\s*:\s*['"]([^'"]*)['"]`)

// wanted holds a volume against a listing's filters.
func (v *Volume) wanted(c front.Caller, q url.Values) bool {
	everyones := c.Is("admin") && (q.Get("all_tenants") == "1" || strings.EqualFold(q.Get("all_tenants"), "true"))
	if !everyones && v.ProjectID != c.ProjectID {
		return false
	}
	for key, have := range map[string]string{
		"name": v.Name, "status": v.Status, "project_id": v.ProjectID, "bootable": strconv.FormatBool(v.Bootable),
		"volume_type": v.Type, "availability_zone": v.Zone, "size": strconv.Itoa(v.Size),
	} {
		if q.Has(key) && q.Get(key) != have {
			return false
		}
	}
	for _, m := range pair.FindAllStringSubmatch(q.Get("metadata"), -1) {
		if value, ok := v.Metadata[m[1]]; !ok || value != m[2] {
			return false
		}
	}
	return true
}

func (s *Service) answerVolumes(w http.ResponseWriter, r *http.Request, detail bool) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	q := r.URL.Query()
	var found []*Volume
	for _, v := range s.volumes {
		if v.wanted(front.CallerOf(r), q) {
			found = append(found, v)
		}
	}
	slices.SortFunc(found, func(a, b *Volume) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.ID, a.ID))
	})
	if after := q.Get("marker"); after != "" {
		at := slices.IndexFunc(found, func(v *Volume) bool { return v.ID == after })
		if at < 0 {
			return front.Fail(http.StatusBadRequest, "marker not found: %s", after)
		}
		found = found[at+1:]
	}
	out := map[string]any{}
	if limit, err := strconv.Atoi(q.Get("limit")); err == nil && limit > 0 && len(found) > limit {
		found = found[:limit]
		next := maps.Clone(q)
		next.Set("marker", found[limit-1].ID)
		out["volumes_links"] = []map[string]any{{"rel": "next", "href": front.Base(r) + r.URL.Path + "?" + next.Encode()}}
	}
	bodies := []map[string]any{}
	for _, v := range found {
		if detail {
			bodies = append(bodies, v.body(r))
			continue
		}
		bodies = append(bodies, map[string]any{"id": v.ID, "name": v.Name, "links": v.links(r)})
	}
	out["volumes"] = bodies
	front.JSON(w, http.StatusOK, out)
	return nil
}

func (v *Volume) links(r *http.Request) []map[string]any {
	return []map[string]any{
		{"rel": "self", "href": fmt.Sprintf("%s/v3/%s/volumes/%s", front.Base(r), v.ProjectID, v.ID)},
		{"rel": "bookmark", "href": fmt.Sprintf("%s/%s/volumes/%s", front.Base(r), v.ProjectID, v.ID)},
	}
}

func (v *Volume) body(r *http.Request) map[string]any {
	attachments := []map[string]any{}
	for _, a := range v.Attachments {
		attachments = append(attachments, map[string]any{
			"id": v.ID, "attachment_id": a.ID, "volume_id": v.ID, "server_id": a.ServerID, "device": a.Device, "host_name": nil, "attached_at": stamp(a.AttachedAt),
		})
	}
	b := map[string]any{
		"id": v.ID, "name": v.Name, "description": orNull(v.Description), "status": v.Status, "size": v.Size, "volume_type": v.Type,
		"availability_zone": v.Zone, "bootable": strconv.FormatBool(v.Bootable), "multiattach": v.Multiattach, "encrypted": false,
		"metadata": v.Metadata, "attachments": attachments, "snapshot_id": orNull(v.SnapshotID), "source_volid": orNull(v.SourceVolumeID),
		"user_id": v.UserID, "os-vol-tenant-attr:tenant_id": v.ProjectID, "consistencygroup_id": nil, "replication_status": nil,
		"created_at": stamp(v.CreatedAt), "updated_at": stamp(v.UpdatedAt), "links": v.links(r),
	}
	if v.ImageMetadata != nil {
		b["volume_image_metadata"] = v.ImageMetadata
	}
	return b
}

// summary is what a creation and a change answer, which leaves the project out.
func (v *Volume) summary(r *http.Request) map[string]any {
	b := v.body(r)
	delete(b, "os-vol-tenant-attr:tenant_id")
	return b
}

func orNull(v string) any {
	if v == "" {
		return nil
	}
	return v
}

func listTypes(w http.ResponseWriter, _ *http.Request) error {
	out := []map[string]any{}
	for k := range types {
		out = append(out, typeBody(k))
	}
	front.JSON(w, http.StatusOK, map[string]any{"volume_types": out})
	return nil
}

func showType(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	for k, t := range types {
		if t.id == id || (id == "default" && k == 0) {
			front.JSON(w, http.StatusOK, map[string]any{"volume_type": typeBody(k)})
			return nil
		}
	}
	return front.Fail(http.StatusNotFound, "Volume type %s could not be found.", id)
}

// typeRecord is a volume's type as an upload of the volume shows it.
func typeRecord(name string) map[string]any {
	k := max(slices.IndexFunc(types, func(t volumeType) bool { return t.name == name }), 0)
	made := stamp(time.Time{})
	return map[string]any{
		"id": types[k].id, "name": types[k].name, "description": orNull(types[k].description), "is_public": true, "extra_specs": map[string]any{},
		"qos_specs_id": nil, "created_at": made, "updated_at": made, "deleted": false, "deleted_at": nil,
	}
}

func typeBody(k int) map[string]any {
	return map[string]any{
		"id": types[k].id, "name": types[k].name, "description": orNull(types[k].description), "is_public": true, "os-volume-type-access:is_public": true,
		"extra_specs": map[string]any{}, "qos_specs_id": nil,
	}
}

func (s *Service) limits(w http.ResponseWriter, r *http.Request) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	n, sum := s.usage(front.CallerOf(r).ProjectID)
	front.JSON(w, http.StatusOK, map[string]any{"limits": map[string]any{"rate": []any{}, "absolute": map[string]any{
		"maxTotalVolumes": s.quotas.Volumes, "totalVolumesUsed": n, "maxTotalVolumeGigabytes": s.quotas.Gigabytes, "totalGigabytesUsed": sum,
		"maxTotalSnapshots": s.quotas.Snapshots, "totalSnapshotsUsed": len(s.snapshots),
	}}})
	return nil
}

func (s *Service) quotaSet(w http.ResponseWriter, r *http.Request) error {
	project := r.PathValue("project")
	if !may(front.CallerOf(r), project) {
		return front.Fail(http.StatusForbidden, "Policy doesn't allow volume_extension:quotas:show to be performed.")
	}
	front.JSON(w, http.StatusOK, map[string]any{"quota_set": map[string]any{
		"id": project, "volumes": s.quotas.Volumes, "gigabytes": s.quotas.Gigabytes, "snapshots": s.quotas.Snapshots, "per_volume_gigabytes": -1,
	}})
	return nil
}

func zones(w http.ResponseWriter, _ *http.Request) error {
	front.JSON(w, http.StatusOK, map[string]any{"availabilityZoneInfo": []map[string]any{
		{"zoneName": Zone, "zoneState": map[string]any{"available": true}},
	}})
	return nil
}
