package listed

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
)

// serve holds the lock while a call runs.
func (s *service) serve(h resource.Handler) http.Handler {
	return answer.Handler(s.fail, func(w http.ResponseWriter, r *http.Request) error {
		s.mu.RLock()
		status, body, err := h(r, front.CallerOf(r))
		s.mu.RUnlock()
		if err == nil {
			answer.JSON(w, status, body)
		}
		return err
	})
}

type pathKey struct{}

// links is a link to the next page, below the address that was asked.
func links(r *http.Request, _ *resource.Kind, q url.Values) (string, any) {
	path, _ := r.Context().Value(pathKey{}).(string)
	return "links", []map[string]any{{"rel": "next", "href": front.Base(r) + path + "?" + q.Encode()}}
}

// projectless takes the project's id out of a path, if the service's endpoint has one. It has to be the caller's,
// or the caller is an administrator.
func (s *service) projectless(next http.Handler) http.Handler {
	base, _, has := strings.Cut(strings.TrimPrefix(s.endpoint.Path, s.prefix), "/%s")
	if !has {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rest, ok := strings.CutPrefix(r.URL.Path, base+"/")
		project, rest, _ := strings.Cut(rest, "/")
		c := front.CallerOf(r)
		if ok && project != c.ProjectID && !c.Is("admin") {
			s.fail(w, r, http.StatusForbidden, "You are not authorized to complete this action.")
			return
		}
		u := *r.URL
		u.Path = "/" + rest
		r = r.Clone(context.WithValue(r.Context(), pathKey{}, r.URL.Path))
		r.URL = &u
		next.ServeHTTP(w, r)
	})
}
