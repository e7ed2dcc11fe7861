package nova

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// page cuts a list by limit, at most maxPage, and marker.
func page[T any](all []T, maxPage int, q url.Values, id func(T) string) (part []T, more bool, err error) {
	if m := q.Get("marker"); m != "" {
		i := slices.IndexFunc(all, func(t T) bool { return id(t) == m })
		if i < 0 {
			return nil, false, answer.Fail(http.StatusBadRequest, "marker [%s] not found", m)
		}
		all = all[i+1:]
	}
	limit := maxPage
	if l := q.Get("limit"); l != "" {
		n, err := strconv.Atoi(l)
		if err != nil || n < 0 {
			return nil, false, answer.Fail(http.StatusBadRequest,
				"Invalid input for query parameters limit. Value: %s. '%s' does not match '^[0-9]*$'", l, l)
		}
		if n > 0 {
			limit = min(n, maxPage)
		}
	}
	if len(all) > limit {
		return all[:limit], true, nil
	}
	return all, len(all) == limit && q.Get("limit") != "" && limit > 0 && len(all) > 0, nil
}

func nextLink(r *http.Request, marker string) []map[string]string {
	q := r.URL.Query()
	q.Set("marker", marker)
	return []map[string]string{{"rel": "next", "href": front.Base(r) + r.URL.Path + "?" + q.Encode()}}
}
