package glance

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/gophercloud/gophercloud/v2"
)

// shown remembers the images and members that the service has shown. A 404 for one of them
// contradicts what was just read: a database replica that lags behind or a proxy with a stale route
// answers so. It is asked again before it is believed.
type shown struct {
	mu   sync.Mutex
	seen map[string]bool // image ids, and IMAGE/PROJECT
}

// allImages is the collection of all images, which is always there.
const allImages = "images"

// doubts are the pauses before a 404 for something that was shown is asked again.
var doubts = []time.Duration{50 * time.Millisecond, 400 * time.Millisecond}

// mostShown is how many things are remembered. Whoever lists more than that doesn't go back to each.
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

// certain does a request about an image or a member. A 404 for what was shown is asked again; one
// that stays is believed, and the thing is forgotten.
func (s *shown) certain(ctx context.Context, key string, do func() error) error {
	err := do()
	for _, pause := range doubts {
		if !gophercloud.ResponseCodeIs(err, http.StatusNotFound) || !s.has(key) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
		err = do()
	}
	if gophercloud.ResponseCodeIs(err, http.StatusNotFound) {
		s.remove(key)
	}
	return err
}

func memberKey(image, project string) string { return image + "/" + project }
