package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Refused is an answer that isn't a success.
type Refused struct {
	Who    string // such as "registry quay.io"
	Status int
	Codes  []string // of the distribution specification, such as "MANIFEST_UNKNOWN"
	said   string
}

// Error gives what was answered.
func (r *Refused) Error() string {
	said := r.said
	if r.Status == http.StatusUnauthorized {
		said += "; registries also answer so for an image that doesn't exist"
	}
	return fmt.Sprintf("%s answered %d %s%s", r.Who, r.Status, http.StatusText(r.Status), said)
}

// LacksBlob reports whether a registry refused a manifest because of a blob that it doesn't have, or
// doesn't have yet.
func LacksBlob(err error) bool {
	r, ok := errors.AsType[*Refused](err)
	return ok && (slices.Contains(r.Codes, "MANIFEST_BLOB_UNKNOWN") || slices.Contains(r.Codes, "BLOB_UNKNOWN"))
}

// answered is the error of an answer that isn't a success.
func answered(resp *http.Response, who string) error {
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxMessage))
	var body struct {
		Errors []struct{ Code, Message string } `json:"errors"`
	}
	r := &Refused{Who: who, Status: resp.StatusCode}
	if json.Unmarshal(text, &body) == nil {
		for _, e := range body.Errors {
			r.Codes = append(r.Codes, e.Code)
			r.said += "; " + strings.TrimSpace(e.Code+" "+e.Message)
		}
	}
	if len(r.said) > 300 {
		r.said = r.said[:300] + "…"
	}
	return fault.Wrap(kind(resp.StatusCode), "", r)
}

func kind(status int) fault.Kind {
	switch {
	case status == http.StatusNotFound:
		return fault.NotFound
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return fault.Forbidden
	case status == http.StatusRequestEntityTooLarge || status == http.StatusInsufficientStorage:
		return fault.Quota
	case status == http.StatusTooManyRequests || status >= 500:
		return fault.Unavailable
	case status == http.StatusConflict:
		return fault.Conflict
	}
	return fault.Internal
}
