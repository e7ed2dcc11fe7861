package neutron

import (
	"net/http"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// tagging serves a change of an object's tags.
func (s *Service) tagging(k kind, change func(*http.Request, []string) ([]string, int, error)) handler {
	return func(r *http.Request, c front.Caller) (int, any, error) {
		id := r.PathValue("id")
		if _, err := s.find(k, c, id); err != nil {
			return 0, nil, answer.FailKind(http.StatusNotFound, "TagResourceNotFound", "Resource %ss %s could not be found.", k.name, id)
		}
		if !c.Is("admin") && (!c.Is("member") || k.owner(s, id) != c.ProjectID) {
			return 0, nil, disallowed("update_" + k.name + "_tags")
		}
		field := k.tags(s, id)
		if field == nil {
			return 0, nil, k.notFound(id)
		}
		tags, status, err := change(r, slices.Clone(*field))
		if err != nil {
			return 0, nil, err
		}
		slices.Sort(tags)
		*field = slices.Compact(tags)
		if status == http.StatusOK {
			return status, map[string]any{"tags": list(*field)}, nil
		}
		return status, nil, nil
	}
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

func addTag(r *http.Request, tags []string) ([]string, int, error) {
	return append(tags, r.PathValue("tag")), http.StatusCreated, nil
}

func clearTags(*http.Request, []string) ([]string, int, error) { return nil, http.StatusNoContent, nil }

func removeTag(r *http.Request, tags []string) ([]string, int, error) {
	tag := r.PathValue("tag")
	at := slices.Index(tags, tag)
	if at < 0 {
		return nil, 0, answer.FailKind(http.StatusNotFound, "TagNotFound", "Tag %s could not be found.", tag)
	}
	return slices.Delete(tags, at, at+1), http.StatusNoContent, nil
}
