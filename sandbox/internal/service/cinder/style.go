package cinder

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
)

// style is how Cinder speaks of its resources.
func (s *Service) style() *resource.Style {
	return &resource.Style{
		Serve: s.serve, Change: http.MethodPut, Created: http.StatusAccepted, Changed: http.StatusOK, Removed: http.StatusAccepted,
		Detail: true, Sort: "created_at:desc", MaxPage: s.quotas.MaxPage,
		Missing: func(k *resource.Kind, id string) error {
			return answer.Fail(http.StatusNotFound, "%s %s could not be found.", title(k), id)
		},
		Forbidden: func(k *resource.Kind, verb string) error {
			return answer.Fail(http.StatusForbidden, "Policy doesn't allow %s to be performed.", rule(k, verb))
		},
		NoMarker: func(_ *resource.Kind, id string) error {
			return answer.Fail(http.StatusBadRequest, "marker not found: %s", id)
		},
	}
}

func title(k *resource.Kind) string { return strings.ToUpper(k.Name[:1]) + k.Name[1:] }

// rule is the policy's rule for a verb, such as volume:create_snapshot.
func rule(k *resource.Kind, verb string) string {
	if k.Name == "backup" {
		return "backup:" + verb
	}
	return "volume:" + verb + "_" + k.Name
}

// refusals are Cinder's words for requests that it doesn't understand.
func refusals() resource.Refusals {
	lacks := func(_ *resource.Kind, field string) error {
		return answer.Fail(http.StatusBadRequest, "Invalid input for field/attribute %[1]s. '%[1]s' is a required property", field)
	}
	return resource.Refusals{
		Malformed: func() error { return answer.Fail(http.StatusBadRequest, "Malformed request body") },
		Lacks:     lacks,
		Unknown: func(k *resource.Kind, field string) error {
			return answer.Fail(http.StatusBadRequest, "Invalid input for field/attribute %s. Additional properties are not allowed "+
				"('%s' was unexpected)", k.Name, field)
		},
		Invalid: func(_ *resource.Kind, field string, v any) error {
			return answer.Fail(http.StatusBadRequest, "Invalid input for field/attribute %s. Value: %v.", field, v)
		},
		Reserved: func(k *resource.Kind, verb, _ string) error {
			return answer.Fail(http.StatusForbidden, "Policy doesn't allow %s to be performed.", rule(k, verb))
		},
		Over: func(k *resource.Kind, most, _ int) error {
			return answer.Fail(http.StatusRequestEntityTooLarge, "%sLimitExceeded: Maximum number of %s allowed (%d) exceeded", title(k),
				k.Plural, most)
		},
	}
}

// serve holds the lock while a call runs: for writing, unless it only reads.
func (s *Service) serve(h resource.Handler) http.Handler {
	return answer.Handler(answer.Nova, func(w http.ResponseWriter, r *http.Request) error {
		lock, unlock := s.mu.Lock, s.mu.Unlock
		if r.Method == http.MethodGet {
			lock, unlock = s.mu.RLock, s.mu.RUnlock
		}
		lock()
		status, body, err := h(r, front.CallerOf(r))
		unlock()
		switch {
		case err != nil:
			return err
		case body == nil:
			w.WriteHeader(status)
		default:
			answer.JSON(w, status, body)
		}
		return nil
	})
}

// everyones reports whether a list shows all projects' objects: where an administrator asks for it. To others the
// question means nothing.
func everyones(c front.Caller, q url.Values) (bool, error) {
	return c.Is("admin") && (q == nil || q.Get("all_tenants") == "1" || strings.EqualFold(q.Get("all_tenants"), "true")), nil
}

// minor is the second number of a request's microversion.
func minor(r *http.Request) int {
	_, have, _ := strings.Cut(microversion(r), ".")
	n := 0
	_, _ = fmt.Sscan(have, &n)
	return n
}

func stamped(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return stamp(t)
}

// links are those of an object that isn't a volume.
func links(r *http.Request, plural, project, id string) []map[string]any {
	return []map[string]any{
		{"rel": "self", "href": fmt.Sprintf("%s/v3/%s/%s/%s", front.Base(r), project, plural, id)},
		{"rel": "bookmark", "href": fmt.Sprintf("%s/%s/%s/%s", front.Base(r), project, plural, id)},
	}
}
