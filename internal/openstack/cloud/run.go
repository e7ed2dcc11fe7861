package cloud

import (
	"strings"
	"time"

	"github.com/google/uuid"
)

// The keys of a run's marks on everything it creates, its id and deadline: in metadata, in properties, or
// as key=value words in a description.
const (
	RunKey      = "imgctl_run"
	DeadlineKey = "imgctl_deadline"
	ReusedKey   = "imgctl_reused" // the object was there before the run, which only uses it
)

// Run identifies one run of one program, by a UUID. Everything that a run creates carries it, so that an
// object can be found if the response to its creation was lost, and leftovers of a dead run can be swept.
type Run string

// NewRun makes the id of a new run.
func NewRun() Run { return Run(uuid.NewString()) }

// Valid reports whether the id is one that NewRun could have made.
func (r Run) Valid() bool {
	id, err := uuid.Parse(string(r))
	return err == nil && id.String() == string(r)
}

// namePrefix begins the names of objects that nobody is to look up by name.
const namePrefix = "imgctl-"

// Name is the run's mark for objects that only have a name, and the staging name of unfinished ones.
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

// Marks are an object's marks of the run that created or uses it.
type Marks struct {
	Run      Run
	Deadline time.Time // zero if there is none
	Reused   bool      // the object is older than the run
	Rest     string    // of a description, without the marks
}

// MetadataMarks reads marks from metadata or properties; ok is false if no run is named.
func MetadataMarks(m map[string]string) (marks Marks, ok bool) {
	marks.Run = Run(m[RunKey])
	marks.Deadline, _ = time.Parse(time.RFC3339, m[DeadlineKey]) // unreadable counts as none
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
