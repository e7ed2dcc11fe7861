package check

import (
	"encoding/json"
	"io"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// WriteJUnit writes the report in the form that CI systems read: a test for each check.
func (r *Report) WriteJUnit(w io.Writer) error {
	suite := report.Suite{Name: "cloud " + r.Cloud + ", profile " + r.Profile.Name}
	for _, x := range r.Results {
		c := report.Case{Class: strings.Trim(r.Cloud+"."+x.Region, "."), Name: x.ID + " " + x.Title, Took: x.Took}
		text := x.Evidence
		if remedy := r.remedy(x); remedy != "" {
			text += "\nRemedy: " + remedy
		}
		switch {
		case x.Status == Unknown && x.Severity == Must:
			c.Error = text
		case x.Status == Failed, x.Status == Warning && r.Strict:
			c.Failure = text
		case x.Status == Skipped, x.Status == Later, x.Status == Unknown:
			c.Skipped = text
		default:
			c.Output = text
		}
		suite.Cases = append(suite.Cases, c)
	}
	return suite.WriteJUnit(w)
}

// The parts of SARIF 2.1.0 that are used.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool    sarifTool     `json:"tool"`
		Results []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name  string      `json:"name"`
		Rules []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID    string    `json:"id"`
		Short sarifText `json:"shortDescription"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Kind      string          `json:"kind"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifLocation struct {
		Physical sarifPhysical  `json:"physicalLocation"`
		Logical  []sarifLogical `json:"logicalLocations"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifLogical struct {
		Name string `json:"fullyQualifiedName"`
	}
)

const sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

// kinds and levels of results in SARIF. Only what failed in one way or another has a level.
var sarifKinds = map[Status][2]string{
	Passed: {"pass", "none"}, Failed: {"fail", "error"}, Warning: {"fail", "warning"}, Note: {"informational", "none"},
	Later: {"open", "none"}, Unknown: {"review", "none"}, Skipped: {"notApplicable", "none"},
}

// WriteSARIF writes the report in the Static Analysis Results Interchange Format. All results are about the entry
// of clouds.yaml.
func (r *Report) WriteSARIF(w io.Writer) error {
	run := sarifRun{Tool: sarifTool{sarifDriver{Name: "imgctl"}}, Results: []sarifResult{}}
	rule := map[string]int{}
	for _, k := range catalogue {
		rule[k.id] = len(rule)
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{k.id, sarifText{k.title}})
	}
	for _, x := range r.Results {
		text := x.Title + ": " + x.Evidence
		if remedy := r.remedy(x); remedy != "" {
			text += ". Remedy: " + remedy
		}
		run.Results = append(run.Results, sarifResult{
			RuleID: x.ID, RuleIndex: rule[x.ID], Kind: sarifKinds[x.Status][0], Level: sarifKinds[x.Status][1], Message: sarifText{text},
			Locations: []sarifLocation{{
				sarifPhysical{sarifArtifact{"clouds.yaml"}}, []sarifLogical{{strings.Trim(r.Cloud+"/"+x.Region, "/")}},
			}},
		})
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(sarifLog{sarifSchema, "2.1.0", []sarifRun{run}})
}
