package conformance

import (
	"fmt"
	"time"

	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// breaches says in which way the messages of a command aren't what the protocol allows.
func breaches(c *pluginv1.Command, r *Recording) []string {
	j := &judge{
		command: c, columns: len(c.GetColumns()), ids: map[string]bool{}, progress: map[string]int{},
		last: map[string]pluginv1.ProgressState{},
	}
	for i, m := range r.Messages {
		if j.ended {
			j.wrong("a message %T follows Done", m.GetMessage())
		}
		j.message(m, r.At[i].Sub(r.Started))
	}
	if !j.ended {
		j.wrong("the stream ends without Done")
	}
	for id, state := range j.last {
		if j.succeeded && state == pluginv1.ProgressState_PROGRESS_STATE_RUNNING {
			j.wrong("progress %q is still running at the end", id)
		}
	}
	return j.found
}

type judge struct {
	command          *pluginv1.Command
	columns          int
	rows             int
	ids              map[string]bool
	progress         map[string]int // messages by id
	last             map[string]pluginv1.ProgressState
	ended, succeeded bool
	found            []string
}

// wrong notes a breach, the first ones only: a command may send a thousand rows.
func (j *judge) wrong(format string, args ...any) {
	if len(j.found) < 5 {
		j.found = append(j.found, fmt.Sprintf(format, args...))
	}
}

func (j *judge) only(ok bool, what string) {
	if !ok {
		j.wrong("%s came from a command of kind %s", what, j.command.GetKind())
	}
}

func (j *judge) id(id string) {
	if id == "" || j.ids[id] {
		j.wrong("id %q is empty or was used before", id)
	}
	j.ids[id] = true
}

// message judges one message, which came so long after the command began.
func (j *judge) message(m *pluginv1.PluginMessage, after time.Duration) {
	kind := j.command.GetKind()
	switch of := m.GetMessage().(type) {
	case *pluginv1.PluginMessage_Columns:
		j.only(kind == pluginv1.CommandKind_COMMAND_KIND_LIST, "columns")
		if j.rows > 0 {
			j.wrong("columns came after a row")
		}
		j.columns = len(of.Columns.GetColumns())
	case *pluginv1.PluginMessage_Row:
		j.only(kind == pluginv1.CommandKind_COMMAND_KIND_LIST, "a row")
		if j.rows++; len(of.Row.GetValues()) != j.columns {
			j.wrong("row %d has %d values for %d columns", j.rows, len(of.Row.GetValues()), j.columns)
		}
	case *pluginv1.PluginMessage_Fields:
		j.only(kind == pluginv1.CommandKind_COMMAND_KIND_SHOW || kind == pluginv1.CommandKind_COMMAND_KIND_ACTION, "a field")
	case *pluginv1.PluginMessage_Chunk:
		j.only(kind == pluginv1.CommandKind_COMMAND_KIND_RAW, "a chunk")
		if of.Chunk.GetStream() == pluginv1.Stream_STREAM_UNSPECIFIED {
			j.wrong("a chunk says no stream")
		}
	case *pluginv1.PluginMessage_Progress:
		j.step(of.Progress, after)
	case *pluginv1.PluginMessage_Prompt:
		j.id("prompt " + of.Prompt.GetId())
	case *pluginv1.PluginMessage_CloudRequest:
		j.id("cloud " + of.CloudRequest.GetId())
	case *pluginv1.PluginMessage_Done:
		j.done(of.Done)
	case nil:
		j.wrong("a message is empty")
	}
}

// atMost messages about one thing may come in a second, and some more for its beginning and its end.
// They are counted from the command's start: on their way they may be held up, and come together.
const atMost, slack = 10, 5

func (j *judge) step(p *pluginv1.Progress, after time.Duration) {
	if p.GetId() == "" || p.GetState() == pluginv1.ProgressState_PROGRESS_STATE_UNSPECIFIED {
		j.wrong("progress has no id or no state")
	}
	j.last[p.GetId()] = p.GetState()
	j.progress[p.GetId()]++
	if n := j.progress[p.GetId()]; float64(n) > slack+atMost*after.Seconds() {
		j.wrong("progress %q came %d times in %s, more than %d a second", p.GetId(), n, after.Round(time.Millisecond), atMost)
	}
}

func (j *judge) done(d *pluginv1.Done) {
	j.ended = true
	j.succeeded = d.GetOutcome() == pluginv1.Outcome_OUTCOME_SUCCEEDED
	failed := d.GetOutcome() == pluginv1.Outcome_OUTCOME_FAILED
	if d.GetOutcome() == pluginv1.Outcome_OUTCOME_UNSPECIFIED {
		j.wrong("Done has no outcome")
	}
	if failed != (d.GetProblem() != nil) {
		j.wrong("Done has outcome %s and problem %v", d.GetOutcome(), d.GetProblem())
	}
	if failed && (d.GetProblem().GetMessage() == "" || d.GetProblem().GetKind() == pluginv1.ProblemKind_PROBLEM_KIND_UNSPECIFIED) {
		j.wrong("the problem has no kind or no message")
	}
	if d.GetExitCode() != 0 {
		j.only(j.command.GetKind() == pluginv1.CommandKind_COMMAND_KIND_RAW && !failed, "an exit code")
	}
}
