package baremetal

import (
	"cmp"
	"encoding/json"
	"io"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// record is a test's report in JSON.
type record struct {
	Run     string        `json:"run"`
	Result  string        `json:"result"` // passed or failed
	Node    string        `json:"node,omitempty"`
	NodeID  string        `json:"node_id,omitempty"`
	Kernel  string        `json:"kernel"`
	Ramdisk string        `json:"ramdisk"`
	Build   string        `json:"build,omitempty"`
	Error   string        `json:"error,omitempty"`
	Phases  []phaseRecord `json:"phases"`
}

type phaseRecord struct {
	Name    string     `json:"name"`
	State   string     `json:"state"`
	Seconds float64    `json:"seconds"`
	Started *time.Time `json:"started,omitempty"`
	Detail  string     `json:"detail,omitempty"`
}

func (t *Test) result() string {
	if t.failure != nil {
		return "failed"
	}
	return "passed"
}

// JSON writes the report of a test that was applied.
func (t *Test) JSON(w io.Writer) error {
	r := record{
		Run: string(t.site.Run), Result: t.result(), Kernel: t.Pair.Kernel.Ref, Ramdisk: t.Pair.Ramdisk.Ref, Build: t.Pair.Build(),
	}
	if t.node != nil {
		r.Node, r.NodeID = t.node.Name, t.node.ID
	}
	if t.failure != nil {
		r.Error = t.failure.Error()
	}
	for _, p := range t.Phases {
		one := phaseRecord{Name: p.Name, State: p.State, Seconds: p.Took.Seconds(), Detail: p.Detail}
		if !p.Started.IsZero() {
			at := p.Started.UTC()
			one.Started = &at
		}
		r.Phases = append(r.Phases, one)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// JUnit writes the report of a test that was applied, in the form that CI systems read.
func (t *Test) JUnit(w io.Writer) error {
	suite := report.Suite{Name: "deploy ramdisk " + t.Pair.Build()}
	if t.node != nil {
		suite.Name += " on " + t.node.String()
	}
	for _, p := range t.Phases {
		c := report.Case{Class: "ipa", Name: p.Name, Took: p.Took}
		switch p.State {
		case "failed":
			c.Failure = cmp.Or(p.Detail, p.State)
		case "skipped", "planned":
			c.Skipped = cmp.Or(p.Detail, p.State)
		}
		suite.Cases = append(suite.Cases, c)
	}
	return suite.WriteJUnit(w)
}
