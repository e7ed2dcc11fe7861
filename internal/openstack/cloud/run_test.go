package cloud

import (
	"testing"
	"time"
)

func TestMarks(t *testing.T) {
	t.Parallel()
	run, deadline := NewRun(), time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	fromName, named := NamedRun(run.Name())
	if !named || fromName != run {
		t.Errorf("NamedRun(%q) = %q, %v", run.Name(), fromName, named)
	}
	if m, ok := MetadataMarks(run.Metadata(deadline)); !ok || m.Run != run || !m.Deadline.Equal(deadline) {
		t.Errorf("marks in metadata: %+v, %v", m, ok)
	}
	for _, tt := range []struct {
		name, description string
		ok, reused        bool
		rest              string
	}{
		{"made", run.Description(deadline), true, false, ""},
		{"reused", run.Reuse("the office's address", deadline), true, true, "the office's address"},
		{"reused, without a description", run.Reuse("", deadline), true, true, ""},
		{"somebody else's", "imgctl is great", false, false, "imgctl is great"},
		{"not a run", "imgctl_run=mine", false, false, ""},
	} {
		m, ok := DescriptionMarks(tt.description)
		if ok != tt.ok || m.Reused != tt.reused || m.Rest != tt.rest || ok && (m.Run != run || !m.Deadline.Equal(deadline)) {
			t.Errorf("%s: %+v, %v", tt.name, m, ok)
		}
	}
	for _, name := range []string{"imgctl-", "imgctl-web", "x" + run.Name(), run.Name() + "-source", "imgctl-{" + string(run) + "}"} {
		if _, ok := NamedRun(name); ok {
			t.Errorf("%q counts as the mark of a run", name)
		}
	}
}
