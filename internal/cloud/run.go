package cloud

import (
	"time"

	"github.com/google/uuid"
)

// The keys under which everything that a run creates says whose it is and until when it may
// stay: in metadata, properties, or as key=value words in a description.
const (
	RunKey      = "imgctl_run"
	DeadlineKey = "imgctl_deadline"
)

// Run identifies one run of one program, a UUID. What a run creates carries it, so that a create
// whose answer was lost can be found, and what a dead run left can be swept.
type Run string

// NewRun makes the id of a new run.
func NewRun() Run { return Run(uuid.NewString()) }

// Metadata is the run's marks for services that have metadata or properties.
func (r Run) Metadata(deadline time.Time) map[string]string {
	return map[string]string{RunKey: string(r), DeadlineKey: deadline.UTC().Format(time.RFC3339)}
}

// Description is the run's marks for services that only have a description.
func (r Run) Description(deadline time.Time) string {
	return RunKey + "=" + string(r) + " " + DeadlineKey + "=" + deadline.UTC().Format(time.RFC3339)
}
