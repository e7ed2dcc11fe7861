package glance

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// Mount is the service as the front mounts it.
func (s *Service) Mount() front.Service {
	return front.Service{
		Prefix: "/image", Handler: s.routes(), Error: front.GlanceError,
		Public: func(r *http.Request) bool {
			p := strings.Trim(r.URL.Path, "/")
			return p == "" || p == "versions"
		},
		Unauthorized: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Del("X-Openstack-Request-Id") // the middleware refuses before it is given one
			front.GlanceError(w, r, http.StatusUnauthorized, front.Unverified)
		},
	}
}

func (s *Service) routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, h func(http.ResponseWriter, *http.Request) error) {
		mux.Handle(pattern, handler(h))
	}
	handle("GET /{$}", versions)
	handle("GET /versions", versions)
	handle("GET /v2/images", s.list)
	handle("POST /v2/images", s.create)
	handle("GET /v2/images/{id}", s.show)
	handle("PATCH /v2/images/{id}", s.patch)
	handle("DELETE /v2/images/{id}", s.delete)
	handle("PUT /v2/images/{id}/tags/{tag}", s.addTag)
	handle("DELETE /v2/images/{id}/tags/{tag}", s.removeTag)
	handle("POST /v2/images/{id}/actions/deactivate", s.deactivate)
	handle("POST /v2/images/{id}/actions/reactivate", s.reactivate)
	handle("GET /v2/images/{id}/file", s.download)
	handle("PUT /v2/images/{id}/file", s.upload)
	handle("PUT /v2/images/{id}/stage", s.stage)
	handle("POST /v2/images/{id}/import", s.importData)
	handle("GET /v2/images/{id}/tasks", s.listTasks)
	handle("GET /v2/images/{id}/members", s.listMembers)
	handle("POST /v2/images/{id}/members", s.addMember)
	handle("GET /v2/images/{id}/members/{member}", s.showMember)
	handle("PUT /v2/images/{id}/members/{member}", s.updateMember)
	handle("DELETE /v2/images/{id}/members/{member}", s.removeMember)
	handle("GET /v2/info/import", infoImport)
	handle("GET /v2/info/stores", infoStores)
	handle("GET /v2/schemas/{name}", schema)
	return front.GlanceMux(mux)
}

// detail is an error whose message Glance puts below its general sentence for the status.
type detail struct{ *front.Problem }

func failDetail(status int, format string, args ...any) error {
	return detail{&front.Problem{Status: status, Message: fmt.Sprintf(format, args...)}}
}

func (d detail) Unwrap() error { return d.Problem }

func handler(h func(http.ResponseWriter, *http.Request) error) http.Handler {
	plain := func(w http.ResponseWriter, r *http.Request) error {
		err := h(w, r)
		if d, ok := errors.AsType[detail](err); ok {
			front.GlancePage(w, r, d.Status, "", d.Message)
			return nil
		}
		return err
	}
	return front.Handler(front.GlanceError, plain)
}

// decode reads a JSON document as Glance does.
func decode(r *http.Request, v any) error {
	data, err := io.ReadAll(io.LimitReader(r.Body, 16<<20))
	switch {
	case err != nil:
		return front.Fail(http.StatusBadRequest, "reading the request's body: %v", err)
	case len(data) == 0:
		return front.Fail(http.StatusBadRequest, "Body expected in request.")
	case json.Unmarshal(data, v) != nil:
		return front.Fail(http.StatusBadRequest, "Malformed JSON in request body.")
	}
	return nil
}

// object reads a JSON object; wrong is the answer to any other document.
func object(r *http.Request, wrong error) (map[string]any, error) {
	var doc any
	if err := decode(r, &doc); err != nil {
		return nil, err
	}
	if m, ok := doc.(map[string]any); ok {
		return m, nil
	}
	return nil, wrong
}

// noContent answers without a body, as WebOb does with a type all the same.
func noContent(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	w.WriteHeader(http.StatusNoContent)
}

// errServer is what Glance says where it trips over a request.
var errServer = detail{&front.Problem{Status: http.StatusInternalServerError}}

func versions(w http.ResponseWriter, r *http.Request) error {
	var all []map[string]any
	for k, minor := range []int{15, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0} {
		status := "SUPPORTED"
		if k == 0 {
			status = "CURRENT"
		}
		all = append(all, map[string]any{"id": fmt.Sprintf("v2.%d", minor), "status": status, "links": []map[string]any{{"rel": "self", "href": front.Base(r) + "/v2/"}}})
	}
	status := http.StatusMultipleChoices
	if r.URL.Path == "/versions" {
		status = http.StatusOK
	}
	front.JSON(w, status, map[string]any{"versions": all})
	return nil
}

func infoImport(w http.ResponseWriter, _ *http.Request) error {
	front.JSON(w, http.StatusOK, map[string]any{"import-methods": map[string]any{
		"description": "Import methods available.", "type": "array", "value": importMethods,
	}})
	return nil
}

func infoStores(w http.ResponseWriter, _ *http.Request) error {
	front.JSON(w, http.StatusOK, map[string]any{"stores": []map[string]any{{"id": defaultStore, "default": "true"}}})
	return nil
}

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

func orNull(v string) any {
	if v == "" {
		return nil
	}
	return v
}

func known(n int64) any {
	if n < 0 {
		return nil
	}
	return n
}
