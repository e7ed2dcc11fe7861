package resource

import (
	"net/http"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

func (s *Style) mountTags(handle func(string, Handler), k *Kind) {
	at := k.Path + "/{id}/tags"
	handle("GET "+at, s.tagging(k, func(_ *http.Request, tags []string) ([]string, int, error) { return tags, http.StatusOK, nil }))
	handle("GET "+at+"/{tag}", s.tagging(k, func(r *http.Request, tags []string) ([]string, int, error) {
		if !slices.Contains(tags, r.PathValue("tag")) {
			return nil, 0, s.NoTag(k, r.PathValue("tag"))
		}
		return tags, http.StatusNoContent, nil
	}))
	handle("PUT "+at, s.tagging(k, setTags))
	handle("DELETE "+at, s.tagging(k, func(*http.Request, []string) ([]string, int, error) { return nil, http.StatusNoContent, nil }))
	handle("PUT "+at+"/{tag}", s.tagging(k, func(r *http.Request, tags []string) ([]string, int, error) {
		return append(tags, r.PathValue("tag")), http.StatusCreated, nil
	}))
	handle("DELETE "+at+"/{tag}", s.tagging(k, func(r *http.Request, tags []string) ([]string, int, error) {
		at := slices.Index(tags, r.PathValue("tag"))
		if at < 0 {
			return nil, 0, s.NoTag(k, r.PathValue("tag"))
		}
		return slices.Delete(tags, at, at+1), http.StatusNoContent, nil
	}))
}

func setTags(r *http.Request, _ []string) ([]string, int, error) {
	var q struct {
		Tags []string `json:"tags"`
	}
	if err := answer.Decode(r, &q); err != nil {
		return nil, 0, answer.Fail(http.StatusBadRequest, "%v", err)
	}
	return q.Tags, http.StatusOK, nil
}

// tagging serves a change of an object's tags.
func (s *Style) tagging(k *Kind, change func(*http.Request, []string) ([]string, int, error)) Handler {
	return func(r *http.Request, c front.Caller) (int, any, error) {
		id := r.PathValue("id")
		if err := s.allow(k, r, c, "tag"); err != nil {
			return 0, nil, err
		}
		o, err := s.find(k, c, id)
		if err != nil {
			return 0, nil, s.Untagged(k, id)
		}
		if err := s.owns(k, c, o, "tag"); err != nil && r.Method != http.MethodGet {
			return 0, nil, err
		}
		field := k.Tags(id)
		if field == nil {
			return 0, nil, s.Missing(k, id)
		}
		tags, status, err := change(r, slices.Clone(*field))
		if err != nil {
			return 0, nil, err
		}
		slices.Sort(tags)
		*field = slices.Compact(tags)
		if k.Retag != nil {
			k.Retag(id, *field)
		}
		if status == http.StatusOK {
			return status, map[string]any{"tags": append([]string{}, *field...)}, nil
		}
		return status, nil, nil
	}
}
