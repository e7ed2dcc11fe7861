package buildlog

import (
	"cmp"
	"errors"
	"os"
	"slices"
	"time"
)

// Keep bounds what is kept; the zero value of a bound is none. An image's latest run is always kept, and so are runs
// that have not ended and are younger than a day.
type Keep struct {
	Runs  int           // of each image
	Age   time.Duration // of a run, from its start
	Bytes int64         // of all images together
}

// Prune removes the oldest runs that are beyond the bounds, and returns their folders.
func (s *Store) Prune(k Keep, now time.Time) (removed []string, err error) {
	images, err := s.Images()
	if err != nil {
		return nil, err
	}
	var errs []error
	remove := func(r *Run) {
		if err := os.RemoveAll(r.Folder); err != nil {
			errs = append(errs, err)
			return
		}
		removed = append(removed, r.Folder)
	}
	var left []*Run // that could be removed
	var total int64
	for _, image := range images {
		runs, err := s.Runs(image)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for n, r := range runs {
			total += r.bytes
			age := now.Sub(r.started)
			switch {
			case n == 0 || r.Result == nil && age < 24*time.Hour:
			case k.Runs > 0 && n >= k.Runs || k.Age > 0 && age > k.Age:
				remove(r)
				total -= r.bytes
			default:
				left = append(left, r)
			}
		}
	}
	slices.SortFunc(left, func(a, b *Run) int { return cmp.Compare(a.started.UnixNano(), b.started.UnixNano()) })
	for _, r := range left {
		if k.Bytes == 0 || total <= k.Bytes {
			break
		}
		remove(r)
		total -= r.bytes
	}
	return removed, errors.Join(errs...)
}
