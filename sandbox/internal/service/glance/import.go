package glance

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

var importMethods = []string{"glance-direct", "web-download"}

type importRequest struct {
	Method *struct {
		Name string `json:"name"`
		URI  string `json:"uri"`
	} `json:"method"`
}

func readImport(r *http.Request) (importRequest, error) {
	var q importRequest
	if err := decode(r, &q); err != nil {
		return q, err
	}
	bad := func(message string) (importRequest, error) {
		return q, answer.Fail(http.StatusBadRequest, "%s", message)
	}
	switch {
	case q.Method == nil:
		return bad("Import request requires a 'method' field.")
	case q.Method.Name == "":
		return bad("Import request requires a 'name' field.")
	case !slices.Contains(importMethods, q.Method.Name):
		return bad("Unknown import method name '" + q.Method.Name + "'.")
	}
	return q, nil
}

func (s *Service) importData(w http.ResponseWriter, r *http.Request) error {
	q, err := readImport(r)
	if err != nil {
		return err
	}
	c := front.CallerOf(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	i, err := s.lookupOwn(c, r.PathValue("id"), "modify_image")
	if err != nil {
		return err
	}
	if err := i.importable(q); err != nil {
		return err
	}
	i.Status, i.UpdatedAt = Importing, s.now()
	i.Properties["os_glance_importing_to_stores"], i.Properties["os_glance_failed_import"] = defaultStore, ""
	i.tasks = append(i.tasks, task{
		id: uuid.NewString(), status: "processing", method: q.Method.Name, uri: q.Method.URI,
		user: c.UserID, request: front.RequestID(w), createdAt: s.now(), updatedAt: s.now(),
	})
	id, nth := i.ID, len(i.tasks)-1
	s.clock.After(func(ctx context.Context) { s.finish(id, nth, s.runImport(ctx, id, q)) })
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// importable reports whether an import can begin.
func (i *Image) importable(q importRequest) error {
	conflict := func(message string) error { return answer.Fail(http.StatusConflict, "%s", message) }
	name := q.Method.Name
	switch {
	case i.Status == Active:
		return conflict("Image with status active cannot be target for import")
	case i.ContainerFormat == "":
		return conflict("'container_format' needs to be set before import")
	case i.DiskFormat == "":
		return conflict("'disk_format' needs to be set before import")
	case name == "glance-direct" && (i.Status != Uploading || !i.staged):
		return conflict("Image needs to be staged before 'glance-direct' method can be used")
	case name == "web-download" && i.Status != Queued:
		return conflict("Image needs to be in 'queued' state to use 'web-download' method")
	case name == "web-download" && !loopback(q.Method.URI):
		return answer.Fail(http.StatusBadRequest, "URI for web-download does not pass filtering: %s", cmp.Or(q.Method.URI, "None"))
	}
	return nil
}

// loopback reports whether a URL stays on this machine, which is as far as the sandbox goes.
func loopback(uri string) bool {
	u, err := url.Parse(uri)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || (ip != nil && ip.IsLoopback())
}

func (s *Service) runImport(ctx context.Context, id string, q importRequest) error {
	if q.Method.Name == "glance-direct" {
		f, err := os.Open(s.staging(id))
		if err != nil {
			return fmt.Errorf("opening the staged data: %w", err)
		}
		defer f.Close()
		defer os.Remove(f.Name())
		return s.store(id, f)
	}
	body, err := fetch(ctx, q.Method.URI)
	if err != nil {
		return err
	}
	defer body.Close()
	return s.store(id, body)
}

var webDownload = &http.Client{CheckRedirect: func(r *http.Request, _ []*http.Request) error {
	if !loopback(r.URL.String()) {
		return fmt.Errorf("redirect to %s does not pass filtering", r.URL.Redacted())
	}
	return nil
}}

func fetch(ctx context.Context, uri string) (io.ReadCloser, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
	if err != nil {
		return nil, err
	}
	resp, err := webDownload.Do(r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, fmt.Errorf("HTTP Error %s", resp.Status)
	}
	return resp.Body, nil
}

// finish writes down how an import ended. A failed one leaves the image queued, as Glance does.
func (s *Service) finish(id string, nth int, err error) {
	_ = s.Update(id, func(i *Image) {
		i.Properties["os_glance_importing_to_stores"] = "" // Glance leaves both names behind
		t := &i.tasks[nth]
		t.status, t.updatedAt, i.staged = "success", s.now(), false
		if err != nil {
			t.status, t.message = "failure", err.Error()
			i.Status, i.Size = Queued, -1
			i.Properties["os_glance_failed_import"] = defaultStore
		}
	})
}
