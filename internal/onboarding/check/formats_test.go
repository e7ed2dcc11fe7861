package check_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/check"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// All reports tell the same.
func TestReports(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shape{sandbox: with(func(o *sandbox.Options) { o.ServerQuotas.Instances = 1 }), admin: true})
	p := w.check(w.options())
	var text bytes.Buffer
	if err := p.WriteJUnit(&text); err != nil {
		t.Fatal(err)
	}
	var junit struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Skipped  int `xml:"skipped,attr"`
	}
	if err := xml.Unmarshal(text.Bytes(), &junit); err != nil {
		t.Fatal(err)
	}
	if junit.Tests != len(p.Results) || junit.Failures != p.Count(check.Failed) || junit.Failures == 0 ||
		junit.Skipped != p.Count(check.Skipped)+p.Count(check.Later) {
		t.Errorf("JUnit has %+v", junit)
	}
	text.Reset()
	if err := p.WriteSARIF(&text); err != nil {
		t.Fatal(err)
	}
	var sarif struct {
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct{ Rules []struct{ ID string } }
			}
			Results []struct {
				RuleID    string
				RuleIndex int
				Level     string
			}
		}
	}
	if err := json.Unmarshal(text.Bytes(), &sarif); err != nil {
		t.Fatal(err)
	}
	levels := map[string]int{}
	for n, r := range sarif.Runs[0].Results {
		levels[r.Level]++
		if rule := sarif.Runs[0].Tool.Driver.Rules[r.RuleIndex].ID; r.RuleID != p.Results[n].ID || rule != r.RuleID {
			t.Errorf("result %d is of %s, its rule of %s", n, r.RuleID, rule)
		}
	}
	if sarif.Version != "2.1.0" || levels["error"] != p.Count(check.Failed) || levels["warning"] != p.Count(check.Warning) ||
		levels["warning"] == 0 {
		t.Errorf("SARIF has levels %v", levels)
	}
	if rows := p.Rows(); len(rows) != len(p.Results) || rows[0][0].Value != "K1" {
		t.Errorf("rows %v", rows)
	}
}
