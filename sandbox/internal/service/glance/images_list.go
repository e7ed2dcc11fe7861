package glance

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

func (s *Service) list(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	limit, err := s.quotas.pageSize(q)
	if err != nil {
		return err
	}
	order, err := readOrder(q)
	if err != nil {
		return err
	}
	c := front.CallerOf(r)
	if c.ProjectID == "" && !c.Is("admin") {
		return forbidden("get_images")
	}
	keep, err := readFilter(c, q)
	if err != nil {
		return err
	}
	images, last, err := s.bodies(c, q.Get("marker"), keep, order, limit)
	if err != nil {
		return err
	}
	out := map[string]any{"images": images, "schema": "/v2/schemas/images", "first": link(r, "")}
	if len(images) > 0 && len(images) == limit {
		out["next"] = link(r, last)
	}
	answer.JSON(w, http.StatusOK, out)
	return nil
}

// bodies renders a page; it is sent without the lock, at the client's pace.
func (s *Service) bodies(c front.Caller, after string, keep condition, o order, limit int) (images []map[string]any, last string,
	err error,
) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var marker *Image
	if after != "" {
		if marker, err = s.lookup(c, after); err != nil {
			return nil, "", answer.Fail(http.StatusBadRequest, "%s", err.Error())
		}
	}
	images = []map[string]any{}
	for _, i := range s.page(keep, o, marker, limit) {
		images = append(images, i.body())
		last = i.ID
	}
	return images, last, nil
}

// link is the request's own listing, from its start or after marker. As in Glance each key is there
// once, with its last value.
func link(r *http.Request, marker string) string {
	q := r.URL.Query()
	q.Del("marker")
	if marker != "" {
		q.Set("marker", marker)
	}
	var params, seen []string
	for pair := range strings.SplitSeq(r.URL.RawQuery+"&marker", "&") {
		raw, _, _ := strings.Cut(pair, "=")
		key, err := url.QueryUnescape(raw)
		values := q[key]
		if err != nil || len(values) == 0 || slices.Contains(seen, key) || (key == "marker" && pair != "marker") {
			continue
		}
		seen = append(seen, key)
		params = append(params, url.QueryEscape(key)+"="+url.QueryEscape(values[len(values)-1]))
	}
	if len(params) == 0 {
		return "/v2/images"
	}
	return "/v2/images?" + strings.Join(params, "&")
}

// page returns up to limit images that pass keep, in order, after marker.
func (s *Service) page(keep func(*Image) bool, order order, marker *Image, limit int) []*Image {
	var page []*Image
	if limit == 0 {
		return nil
	}
	if descending, ok := order.natural(); ok {
		s.images.from(marker, descending, func(i *Image) bool {
			if keep(i) {
				page = append(page, i)
			}
			return len(page) < limit
		})
		return page
	}
	// Keep the first limit ones while walking over all; sorting now and then is cheaper than sorting all.
	trim := func() {
		slices.SortFunc(page, order.compare)
		page = page[:min(len(page), limit)]
	}
	for _, i := range s.images.order {
		if !keep(i) || (marker != nil && order.compare(i, marker) <= 0) {
			continue
		}
		if page = append(page, i); len(page) >= 2*limit {
			trim()
		}
	}
	trim()
	return page
}
