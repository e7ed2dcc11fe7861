package baremetal

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"time"
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

type testSuite struct {
	XMLName  xml.Name   `xml:"testsuite"`
	Name     string     `xml:"name,attr"`
	Tests    int        `xml:"tests,attr"`
	Failures int        `xml:"failures,attr"`
	Skipped  int        `xml:"skipped,attr"`
	Time     string     `xml:"time,attr"`
	Cases    []testCase `xml:"testcase"`
}

type testCase struct {
	Class   string       `xml:"classname,attr"`
	Name    string       `xml:"name,attr"`
	Time    string       `xml:"time,attr"`
	Failure *testProblem `xml:"failure,omitempty"`
	Skipped *testProblem `xml:"skipped,omitempty"`
}

type testProblem struct {
	Message string `xml:"message,attr"`
}

// JUnit writes the report of a test that was applied, in the form that CI systems read.
func (t *Test) JUnit(w io.Writer) error {
	suite := testSuite{Name: "deploy ramdisk " + t.Pair.Build(), Tests: len(t.Phases)}
	if t.node != nil {
		suite.Name += " on " + t.node.String()
	}
	var all time.Duration
	for _, p := range t.Phases {
		c := testCase{Class: "ipa", Name: p.Name, Time: seconds(p.Took)}
		switch p.State {
		case "failed":
			suite.Failures++
			c.Failure = &testProblem{p.Detail}
		case "skipped", "planned":
			suite.Skipped++
			c.Skipped = &testProblem{p.Detail}
		}
		all += p.Took
		suite.Cases = append(suite.Cases, c)
	}
	suite.Time = seconds(all)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(suite); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
