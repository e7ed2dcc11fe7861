package promote

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Entry is an image that is or was current under a name.
type Entry struct {
	Image      *glance.Image
	Current    bool
	Generation int       // the number of the claim under which it became current; 0 if no promotion made it so
	Promoted   time.Time // zero if no promotion made it current
	Archived   time.Time // zero if it is current
	Successor  string    // the id of the image that took its place
}

// NewHistory lists the owner's images that are or were current under the name: the current one
// first, then the archived ones, most recently archived first. Deleted images aren't listed.
func NewHistory(ctx context.Context, site Site, owner, name string) ([]Entry, error) {
	if name == "" {
		return nil, errNoName
	}
	all, err := imagesOf(ctx, site, owner, name)
	if err != nil {
		return nil, err
	}
	byID := map[string]*glance.Image{}
	strategy, _, _ := all.strategy()
	for _, img := range slices.Concat(all.current(cmp.Or(strategy, Rename)), all.archived) {
		byID[img.ID] = img
	}
	var entries []Entry
	for _, img := range byID {
		e := Entry{
			Image: img, Generation: generation(img), Promoted: moment(img.Properties[PromotedKey]),
			Archived: moment(img.Properties[ArchivedAtKey]), Successor: img.Properties[ArchivedByKey],
		}
		e.Current = img.Properties[ArchivedFromKey] == ""
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(a, b Entry) int {
		return cmp.Or(
			cmp.Compare(b.end(), a.end()), cmp.Compare(b.Generation, a.Generation),
			b.Image.CreatedAt.Compare(a.Image.CreatedAt), cmp.Compare(a.Image.ID, b.Image.ID),
		)
	})
	return entries, nil
}

var errNoName = fault.Bad("name", "give a name", "it is empty")

// end is when the image stopped being current; later than all others if it still is.
func (e Entry) end() int64 {
	if e.Current {
		return math.MaxInt64
	}
	return e.Archived.Unix()
}

// moment is the time in a property; zero if there is none.
func moment(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return t
}
