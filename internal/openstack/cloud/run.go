package cloud

import (
	"strings"
	"time"

	"github.com/google/uuid"
)

// The keys under which everything that a run creates says whose it is and until when it may
// stay: in metadata, properties, or as key=value words in a description.
const (
	RunKey      = "imgctl_run"
	DeadlineKey = "imgctl_deadline"
	ReusedKey   = "imgctl_reused" // the object was there before the run, which only uses it
)

// Run identifies one run of one program, a UUID. What a run creates carries it, so that a create
// whose answer was lost can be found, and what a dead run left can be swept.
type Run string

// NewRun makes the id of a new run.
func NewRun() Run { return Run(uuid.NewString()) }

// Valid reports whether the id is one that NewRun could have made.
func (r Run) Valid() bool {
	id, err := uuid.Parse(string(r))
	return err == nil && id.String() == string(r)
}

// namePrefix begins the names that a run gives to what nobody is to ask for by name.
const namePrefix = "imgctl-"

// Name is the run's mark for services that have nothing but a name, and the name of whatever
// isn't finished yet.
func (r Run) Name() string { return namePrefix + string(r) }

// NamedRun is the run whose mark a name is.
func NamedRun(name string) (Run, bool) {
	id, ok := strings.CutPrefix(name, namePrefix)
	return Run(id), ok && Run(id).Valid()
}

// Metadata is the run's marks for services that have metadata or properties.
func (r Run) Metadata(deadline time.Time) map[string]string {
	return map[string]string{RunKey: string(r), DeadlineKey: deadline.UTC().Format(time.RFC3339)}
}

// Description is the run's marks for services that only have a description.
func (r Run) Description(deadline time.Time) string {
	return RunKey + "=" + string(r) + " " + DeadlineKey + "=" + deadline.UTC().Format(time.RFC3339)
}

// Reuse is the description, with the run's marks behind it, of an object that the run only uses.
func (r Run) Reuse(description string, deadline time.Time) string {
	return strings.TrimSpace(description + " " + r.Description(deadline) + " " + ReusedKey + "=yes")
}

// Marks are what an object says about the run that made or uses it.
type Marks struct {
	Run      Run
	Deadline time.Time // zero if it doesn't say
	Reused   bool      // the object is older than the run
	Rest     string    // of a description, without the marks
}

// MetadataMarks reads marks from metadata or properties; ok is false if no run is named.
func MetadataMarks(m map[string]string) (marks Marks, ok bool) {
	marks.Run = Run(m[RunKey])
	marks.Deadline, _ = time.Parse(time.RFC3339, m[DeadlineKey]) // unreadable is as good as none
	return marks, marks.Run.Valid()
}

// DescriptionMarks reads the marks that Description or Reuse wrote; ok is false if there are none.
func DescriptionMarks(description string) (marks Marks, ok bool) {
	at := strings.Index(description, RunKey+"=")
	if at < 0 {
		return Marks{Rest: description}, false
	}
	found := map[string]string{}
	for word := range strings.FieldsSeq(description[at:]) {
		key, value, _ := strings.Cut(word, "=")
		found[key] = value
	}
	marks, ok = MetadataMarks(found)
	marks.Reused, marks.Rest = found[ReusedKey] != "", strings.TrimSpace(description[:at])
	return marks, ok
}
