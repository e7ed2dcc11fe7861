package glance

import (
	"cmp"
	"net/http"
	"net/url"
	"strconv"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
)

func (q Quotas) pageSize(query url.Values) (int, error) {
	if !query.Has("limit") {
		return q.Page, nil
	}
	n, err := strconv.Atoi(query.Get("limit"))
	if err != nil {
		return 0, answer.Fail(http.StatusBadRequest, "limit param must be an integer")
	}
	if n < 0 {
		return 0, answer.Fail(http.StatusBadRequest, "limit param must be positive")
	}
	return min(n, q.MaxPage), nil
}

// check holds an image against the quotas; what was over before may stay or shrink.
func (q Quotas) check(next, before *Image) error {
	var hadProperties, hadTags int
	if before != nil {
		hadProperties, hadTags = len(before.Properties), len(before.Tags)
	}
	if n := len(next.Properties); q.Properties >= 0 && n > q.Properties && n > hadProperties {
		return overLimit("properties", "", n, q.Properties)
	}
	if n := len(next.Tags); q.Tags >= 0 && n > q.Tags && n > hadTags {
		return overLimit("tags", "", n, q.Tags)
	}
	return nil
}

// overProject quotes Keystone's limits, as Glance does.
func overProject(project, resource string, limit, usage, delta int) error {
	return answer.Fail(http.StatusRequestEntityTooLarge,
		"The request returned a 413 Request Entity Too Large. This generally means that rate limiting or a quota threshold was "+
			"breached.\n\nThe response body:\nProject %s is over a limit for [Resource %s is over limit of %d due to current usage %d "+
			"and delta %d]",
		project, resource, limit, usage, delta)
}

func overLimit(what, where string, attempted, most int) error {
	return answer.Fail(http.StatusRequestEntityTooLarge,
		"The limit has been exceeded on the number of allowed image %s%s. Attempted: %d, Maximum: %d", what, where, attempted, most)
}

// Quotas are Glance's limits; 0 = Glance's default, below 0 = none.
type Quotas struct {
	Members    int   // per image; default 128
	Properties int   // per image; default 128
	Tags       int   // per image; default 128
	SizeTotal  int64 // bytes of all images of a project, which an upload may not exceed; default none
	Size       int64 // bytes of one image; default none

	// Limits of a project that Keystone keeps for Glance. An upload is refused when the project is over
	// MiBTotal already; it may itself go over it.
	CountTotal int // images; default none
	MiBTotal   int // MiB of all images, rounded down; default none

	Page    int // images of a page unless the request sets it; default 25
	MaxPage int // most images of a page; default 1000
}

func (q Quotas) withDefaults() Quotas {
	for _, n := range []*int{&q.Members, &q.Properties, &q.Tags} {
		if *n == 0 {
			*n = 128
		}
	}
	q.Page, q.MaxPage = cmp.Or(q.Page, 25), cmp.Or(q.MaxPage, 1000)
	return q
}

// Used is the sum of the sizes in bytes of a project's images.
func (s *Service) Used(project string) int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.used(project)
}

func (s *Service) used(project string) int64 {
	var sum int64
	for _, i := range s.images.byID {
		if i.Owner == project && i.Size > 0 {
			sum += i.Size
		}
	}
	return sum
}

// count is how many images a project has. The caller holds the lock.
func (s *Service) count(project string) int {
	n := 0
	for _, i := range s.images.byID {
		if i.Owner == project {
			n++
		}
	}
	return n
}

// room is how many bytes more the quotas allow for an image; -1 = no limit.
func (s *Service) room(id string) int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	room := int64(-1)
	if s.quotas.Size > 0 {
		room = s.quotas.Size
	}
	if i, ok := s.images.byID[id]; ok && s.quotas.SizeTotal > 0 {
		left := max(0, s.quotas.SizeTotal-s.used(i.Owner))
		if room < 0 || left < room {
			room = left
		}
	}
	return room
}
