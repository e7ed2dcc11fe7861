package promote

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Properties that a promotion leaves on images. People and tools may read them, too.
const (
	PromotedKey     = "imgctl_promoted"      // when the image became current, RFC 3339
	GenerationKey   = "imgctl_generation"    // the number of the claim under which it did
	StrategyKey     = "imgctl_strategy"      // Pointer on archived images of a name that is kept so
	CurrentKey      = "imgctl_current"       // the name it is current under, with the pointer strategy
	ArchivedFromKey = "imgctl_archived_from" // the name it was current under
	ArchivedAtKey   = "imgctl_archived_at"   // when it was archived, RFC 3339
	ArchivedByKey   = "imgctl_archived_by"   // the id of the image that took its place
)

// Properties of an image whose promotion is under way.
const (
	journalKey   = "imgctl_promotion" // the journal, JSON
	promotingKey = "imgctl_promoting" // the name, for finding the image by it
)

// Phases of a promotion. The phase of an unfinished promotion determines how to settle it.
const (
	staging = "staging" // nobody can have seen a change yet: roll back
	swapped = "swapped" // the new image is live: finish
	undoing = "undoing" // the rollback has begun: roll back
)

// journal is what a run needs to finish or roll back another run's promotion. It is on the new image from
// before the first change until after the last.
type journal struct {
	Run       string `json:"run"`
	Phase     string `json:"phase"`
	Name      string `json:"name"`
	Strategy  string `json:"strategy"`
	Members   string `json:"members"`
	OldAction string `json:"old_action"`
	Retain    *int   `json:"retain,omitempty"`
	At        string `json:"at"` // RFC 3339, the time of archiving
	Before    before `json:"before"`

	// MemberStates and Answers are the source of the new image's members: the predecessors' status by
	// project. Answers is nil if it would be too long.
	MemberStates string            `json:"member_states,omitempty"`
	Answers      map[string]string `json:"answers,omitempty"`
	// Followed says that changes to the predecessors' members have been applied to the new image. From
	// then on, a project is missing from a predecessor because the promotion removed it.
	Followed bool `json:"followed,omitempty"`

	Predecessors []predecessor `json:"predecessors"`
}

// before is the new image as it was. A property that it didn't have is null.
type before struct {
	Name       string             `json:"name"`
	Visibility string             `json:"visibility"`
	Hidden     bool               `json:"hidden"`
	Inactive   bool               `json:"inactive,omitempty"` // deactivated
	Properties map[string]*string `json:"properties"`
	Members    map[string]string  `json:"members,omitempty"` // status by project id
}

type predecessor struct {
	ID      string `json:"id"`
	Archive string `json:"archive"` // the name it gets
	Hidden  bool   `json:"hidden"`  // as it was
	Pointed bool   `json:"pointed"` // whether a pointer made it current
}

// newJournal is the first entry of a promotion's journal.
func newJournal(ctx context.Context, site Site, p *Plan) (*journal, error) {
	members, err := membersNow(ctx, site, p.Image)
	if err != nil {
		return nil, err
	}
	j := &journal{
		Run: site.Run, Phase: staging, Name: p.Name, Strategy: p.Options.Strategy,
		Members: p.Options.Members, OldAction: p.Options.OldAction, Retain: p.Options.Retain, At: p.at.Format(time.RFC3339),
		MemberStates: p.Options.MemberStates, Answers: p.answers,
		Before: before{
			Name: p.Image.Name, Visibility: p.Image.Visibility, Hidden: p.Image.Hidden,
			Inactive:   p.Image.Status == glance.StatusDeactivated,
			Properties: map[string]*string{}, Members: members,
		},
	}
	for _, key := range slices.Concat(slices.Collect(maps.Keys(p.Properties)), swapKeys) {
		if v, ok := p.Image.Properties[key]; ok {
			j.Before.Properties[key] = &v
		} else {
			j.Before.Properties[key] = nil
		}
	}
	for _, old := range p.Predecessors {
		j.Predecessors = append(j.Predecessors, predecessor{
			ID: old.Image.ID, Archive: old.Archive, Hidden: old.Image.Hidden, Pointed: old.Image.Properties[CurrentKey] == p.Name,
		})
	}
	return j, nil
}

// rewriteJournal writes the run's journal to the image.
func (r *run) rewriteJournal(ctx context.Context) error {
	text, err := r.journal.encode()
	if err != nil {
		return err
	}
	_, err = r.site.Images.Update(ctx, r.image, glance.Patch{}.Change(journalKey, text))
	return err
}

// restore adds to the patch what restores a property of the image.
func (j *journal) restore(patch glance.Patch, img *glance.Image, key string) glance.Patch {
	was, known := j.Before.Properties[key]
	now, has := img.Properties[key]
	switch {
	case !known:
	case was == nil:
		return removeIfThere(patch, img, key)
	case !has || now != *was:
		return patch.Set(key, *was)
	}
	return patch
}

func removeIfThere(patch glance.Patch, img *glance.Image, key string) glance.Patch {
	if _, ok := img.Properties[key]; ok {
		return patch.Remove(key)
	}
	return patch
}

func (j *journal) encode() (string, error) {
	b, err := json.Marshal(j)
	if err != nil {
		return "", err
	}
	if len(b) > glance.MaxProperty && j.Answers != nil {
		short := *j
		short.Answers = nil
		return short.encode()
	}
	if len(b) > glance.MaxProperty {
		return "", fmt.Errorf("%d images of the name %q are too many for one promotion: archive some by hand first",
			len(j.Predecessors), j.Name)
	}
	return string(b), nil
}

// journalOf reads the journal of an image; nil if its promotion isn't under way.
func journalOf(img *glance.Image) (*journal, error) {
	text, ok := img.Properties[journalKey]
	if !ok {
		return nil, nil
	}
	var j journal
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return nil, fault.New(fault.Conflict,
			fault.Advise("look at the image, then remove its properties %s and %s", journalKey, promotingKey),
			"reading the promotion journal in property %s of image %s: %w", journalKey, img, err)
	}
	return &j, nil
}
