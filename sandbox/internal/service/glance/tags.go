package glance

import (
	"net/http"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

func checkTags(value any) error {
	list, ok := value.([]any)
	if !ok {
		return mismatch("%s is not of type 'array'", repr(value))
	}
	for _, t := range list {
		text, ok := t.(string)
		if !ok {
			return mismatch("%s is not of type 'string'", repr(t))
		}
		if len([]rune(text)) > 255 {
			return mismatch("%s is too long", repr(t))
		}
	}
	return nil
}

// tagged finds the image of a request about tags, which has its own words for none.
func (s *Service) tagged(r *http.Request) (*Image, error) {
	c, id := front.CallerOf(r), r.PathValue("id")
	if _, err := s.shared(c, id); err != nil {
		return nil, err
	}
	return s.lookupOwn(c, id, "modify_image")
}

func (s *Service) addTag(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, err := s.tagged(r)
	if err != nil {
		return err
	}
	tag := r.PathValue("tag")
	if len([]rune(tag)) > 255 {
		return mismatch("%s is too long", repr(tag))
	}
	next := *i
	next.Tags = withTag(i.Tags, tag)
	if err := s.quotas.check(&next, i); err != nil {
		return answer.Fail(http.StatusRequestEntityTooLarge, "Image tag limit exceeded for image %s: %s:", i.ID, err)
	}
	i.Tags, i.UpdatedAt = next.Tags, s.now()
	noContent(w)
	return nil
}

func withTag(tags []string, tag string) []string {
	out := append(slices.Clone(tags), tag)
	slices.Sort(out)
	return slices.Compact(out)
}

func (s *Service) removeTag(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, err := s.tagged(r)
	if err != nil {
		return err
	}
	at := slices.Index(i.Tags, r.PathValue("tag"))
	if at < 0 {
		return answer.Fail(http.StatusNotFound, "The resource could not be found.")
	}
	i.Tags, i.UpdatedAt = slices.Delete(slices.Clone(i.Tags), at, at+1), s.now()
	noContent(w)
	return nil
}
