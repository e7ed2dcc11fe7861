package glance

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
)

// shown remembers the images and members that the service has shown. A 404 for one of them contradicts what
// was just read, and may come from a database replica that lags behind or a proxy with a stale route. So
// the request is repeated before the 404 counts.
type shown struct {
	mu   sync.Mutex
	seen map[string]bool // image ids, and IMAGE/PROJECT
}

// allImages is the collection of all images, which always exists.
const allImages = "images"

// doubts are the pauses before repeating a request after a 404 for something that was shown.
var doubts = []time.Duration{50 * time.Millisecond, 400 * time.Millisecond}

// mostShown is how many things are remembered. A caller that lists more doesn't read each again.
const mostShown = 5000

func (s *shown) add(keys ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil || len(s.seen)+len(keys) > mostShown {
		s.seen = map[string]bool{}
	}
	for _, key := range keys[:min(len(keys), mostShown)] {
		s.seen[key] = true
	}
}

func (s *shown) remove(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.seen, key)
}

func (s *shown) has(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return key == allImages || s.seen[key]
}

// certain sends a request about an image or a member. After a 404 for something that was shown, it repeats
// the request; a persistent 404 counts, and the thing is forgotten.
func (s *shown) certain(ctx context.Context, key string, do func() error) error {
	err := do()
	for _, pause := range doubts {
		if !gophercloud.ResponseCodeIs(err, http.StatusNotFound) || !s.has(key) {
			return err
		}
		if !change.Sleep(ctx, pause) {
			return err
		}
		err = do()
	}
	if gophercloud.ResponseCodeIs(err, http.StatusNotFound) {
		s.remove(key)
	}
	return err
}

func memberKey(image, project string) string { return image + "/" + project }
