package registry

import (
	"context"
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
	return fmt.Sprintf("%s answered %d %s%s", r.Who, r.Status, http.StatusText(r.Status), r.said)
}

// LacksBlob reports whether a registry refused a manifest because of a blob that it doesn't have, or
// doesn't have yet.
func LacksBlob(err error) bool {
	r, ok := errors.AsType[*Refused](err)
	return ok && (slices.Contains(r.Codes, "MANIFEST_BLOB_UNKNOWN") || slices.Contains(r.Codes, "BLOB_UNKNOWN"))
}

// refused is answered for a request that a registry didn't carry out, and says what the user can look at.
func (h *host) refused(r request, resp *http.Response, sent string) error {
	err := answered(resp, "registry "+h.name)
	switch {
	case resp.StatusCode == http.StatusUnauthorized:
		return h.auth.unauthorized(resp.Request.Context(), err, r.scope.repository, sent)
	case resp.StatusCode >= 500 && r.method != http.MethodGet && r.method != http.MethodHead:
		return fmt.Errorf("%w; look into the registry's log: its disk may be full", err)
	}
	return err
}

// unauthorized adds as whom the registry, or its token service, was asked; sent is what the request had in
// Authorization.
func (a *auth) unauthorized(ctx context.Context, err error, repository, sent string) error {
	who, failed := a.login(ctx, repository)
	if failed != nil {
		return err
	}
	anonymous := who.Username == "" && who.IdentityToken == "" && who.RegistryToken == ""
	switch {
	case anonymous || sent == "":
		err = fmt.Errorf("%w; it was asked without a login", err)
	case !strings.HasPrefix(sent, "Bearer "):
		return fmt.Errorf("%w; it doesn't accept the login of user %q", err, who.Username)
	default:
		err = fmt.Errorf("%w; it was asked as user %q", err, who.Username)
	}
	if repository == "" {
		return err
	}
	return fmt.Errorf("%w; registries also answer so for an image that doesn't exist", err)
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
