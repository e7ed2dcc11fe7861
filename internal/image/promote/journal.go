package promote

import (
	"encoding/json"
	"fmt"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Properties of an image whose promotion is under way.
const (
	journalKey   = "imgctl_promotion" // the journal, JSON
	promotingKey = "imgctl_promoting" // the name, for finding the image by it
)

// Phases of a promotion. What has to happen to one that a dead run left follows from its phase.
const (
	staging = "staging" // nobody can have seen anything yet: taken back
	swapped = "swapped" // the new image is live: carried on to the end
	undoing = "undoing" // being taken back: taken back
)

// journal is what a run needs to know to finish or take back another's promotion. It lives on
// the new image from before the first change until after the last.
type journal struct {
	Run          string        `json:"run"`
	Phase        string        `json:"phase"`
	Name         string        `json:"name"`
	Strategy     string        `json:"strategy"`
	Members      string        `json:"members"`
	OldAction    string        `json:"old_action"`
	Retain       *int          `json:"retain,omitempty"`
	At           string        `json:"at"` // RFC 3339, the time of archiving
	Before       before        `json:"before"`
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
}

// maxProperty is how long the value of a property may be; the service's database cuts off there.
const maxProperty = 60_000

func (j *journal) encode() (string, error) {
	b, err := json.Marshal(j)
	if err != nil {
		return "", err
	}
	if len(b) > maxProperty {
		return "", fmt.Errorf("%d images of the name %q are too many for one promotion: archive some by hand first", len(j.Predecessors), j.Name)
	}
	return string(b), nil
}

// journalOf reads the journal of an image; nil where its promotion isn't under way.
func journalOf(img *glance.Image) (*journal, error) {
	text, ok := img.Properties[journalKey]
	if !ok {
		return nil, nil
	}
	var j journal
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return nil, fmt.Errorf("reading the promotion journal in property %s of image %s: %w", journalKey, img, err)
	}
	return &j, nil
}
