package imageserve

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Handler answers as a registry that can be read: manifests, blobs (also parts of them), tags and
// the catalogue. All that would write is refused. failed is told what went wrong here; it may be nil.
func (f *Folder) Handler(failed func(error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			refuse(w, http.StatusMethodNotAllowed, "UNSUPPORTED", "this registry can only be read")
			return
		}
		if err := f.answer(w, r); err != nil {
			if fault.Is(err, fault.NotFound) {
				refuse(w, http.StatusNotFound, codes[split(r).kind], err.Error())
				return
			}
			if failed != nil {
				failed(err)
			}
			refuse(w, http.StatusInternalServerError, "UNKNOWN", "the image can't be read")
		}
	})
}

var codes = map[string]string{"manifests": "MANIFEST_UNKNOWN", "blobs": "BLOB_UNKNOWN", "tags": "NAME_UNKNOWN", "": "NAME_UNKNOWN"}

// request is a path taken apart.
type request struct{ repository, kind, what string }

// repositories are the names of the distribution specification; none has a dot at the begin of a part.
var repositories = regexp.MustCompile(`^/v2/(` + part + `(?:/` + part + `)*)/(manifests|blobs|tags)/([^/]+)$`)

const part = `[a-z0-9]+(?:[._-]+[a-z0-9]+)*`

func split(r *http.Request) request {
	m := repositories.FindStringSubmatch(r.URL.Path)
	if m == nil {
		return request{}
	}
	return request{m[1], m[2], m[3]}
}

func (f *Folder) answer(w http.ResponseWriter, r *http.Request) error {
	if r.URL.Path == "/v2/" || r.URL.Path == "/v2" {
		return writeJSON(w, r, map[string]any{})
	}
	if r.URL.Path == "/v2/_catalog" {
		all, err := f.Repositories()
		if err != nil {
			return err
		}
		return writeJSON(w, r, map[string]any{"repositories": all})
	}
	switch q := split(r); q.kind {
	case "tags":
		tags, err := f.Tags(q.repository)
		if err != nil {
			return err
		}
		return writeJSON(w, r, map[string]any{"name": q.repository, "tags": tags})
	case "manifests":
		return f.manifest(w, r, q)
	case "blobs":
		return f.blob(w, r, q)
	}
	return fault.New(fault.NotFound, "", "there is nothing at this address")
}

func (f *Folder) manifest(w http.ResponseWriter, r *http.Request, q request) error {
	accept := strings.Join(r.Header.Values("Accept"), ",")
	m, err := f.Manifest(q.repository, q.what, func(mediaType string) bool { return strings.Contains(accept, mediaType) })
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", m.MediaType)
	w.Header().Set("Docker-Content-Digest", m.Digest)
	w.Header().Set("Etag", strconv.Quote(m.Digest))
	w.Header().Set("Content-Length", strconv.Itoa(len(m.Bytes)))
	if r.Method == http.MethodHead {
		return nil
	}
	_, _ = w.Write(m.Bytes) // nobody is there to tell
	return nil
}

func (f *Folder) blob(w http.ResponseWriter, r *http.Request, q request) error {
	file, err := f.Blob(q.repository, q.what)
	if err != nil {
		return err
	}
	defer file.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Docker-Content-Digest", q.what)
	w.Header().Set("Etag", strconv.Quote(q.what))
	w.Header().Set("Cache-Control", "max-age=31536000")
	http.ServeContent(w, r, "", time.Time{}, file)
	return nil
}

func writeJSON(w http.ResponseWriter, r *http.Request, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(text) // nobody is there to tell
	}
	return nil
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	text, err := json.Marshal(map[string]any{"errors": []map[string]string{{"code": code, "message": message}}})
	if err != nil {
		text = nil
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(text) // nobody is there to tell
}
