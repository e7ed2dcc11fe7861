package glance

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
)

// mismatch is what Glance says of a value that its schema forbids.
func mismatch(format string, args ...any) error {
	return answer.Fail(http.StatusBadRequest, "Provided object does not match schema 'image': %s", fmt.Sprintf(format, args...))
}

func unsupported(contentType string) error {
	return answer.Fail(http.StatusUnsupportedMediaType, "The request media type %s is not supported by this server.", contentType)
}

// refuse answers with an error, as Glance does.
func refuse(w http.ResponseWriter, r *http.Request, status int, message string) {
	answer.WebOb(w, r, status, message, "")
}

// fallback serves with mux and answers what it has no pattern for with Glance's 404 and 405.
func fallback(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		refusal := &answer.Held{Headers: http.Header{}}
		h.ServeHTTP(refusal, r)
		if refusal.Status != http.StatusMethodNotAllowed {
			answer.WebOb(w, r, http.StatusNotFound, "", "")
			return
		}
		w.Header().Set("Allow", strings.Replace(refusal.Headers.Get("Allow"), "GET, HEAD", "GET", 1))
		answer.WebOb(w, r, refusal.Status, "The method "+r.Method+" is not allowed for this resource.", "")
	})
}

// detail is an error whose message Glance puts below its general sentence for the status.
type detail struct{ *answer.Problem }

func failDetail(status int, format string, args ...any) error {
	return detail{&answer.Problem{Status: status, Message: fmt.Sprintf(format, args...)}}
}

func (d detail) Unwrap() error { return d.Problem }

func handler(h func(http.ResponseWriter, *http.Request) error) http.Handler {
	plain := func(w http.ResponseWriter, r *http.Request) error {
		err := h(w, r)
		if d, ok := errors.AsType[detail](err); ok {
			answer.WebOb(w, r, d.Status, "", d.Message)
			return nil
		}
		return err
	}
	return answer.Handler(refuse, plain)
}

// errServer is what Glance says where it trips over a request.
var errServer = detail{&answer.Problem{Status: http.StatusInternalServerError}}

func membersForbidden(verb, image string) error {
	return answer.Fail(http.StatusForbidden, "Not allowed to %s members for image %s.", verb, image)
}

const onlyShared = "Only shared images have members."

func memberNotFound(member, image string) error {
	return answer.Fail(http.StatusNotFound, "%s not found in the member list of the image %s.", member, image)
}

func forbidden(action string) error {
	return answer.Fail(http.StatusForbidden, "You are not authorized to complete %s action.", action)
}

func notFound(id string) error {
	return answer.Fail(http.StatusNotFound, "No image found with ID %s", id)
}
