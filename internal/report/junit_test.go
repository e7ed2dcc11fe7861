package report_test

import (
	"bytes"
	"encoding/xml"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

func TestJUnit(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := report.Suite{Name: "a<b", Cases: []report.Case{
		{Class: "c", Name: "good", Took: 1500 * time.Millisecond, Output: "fine"},
		{Class: "c", Name: "bad", Failure: "no \x1b[31m& \x00never"},
		{Class: "c", Name: "broken", Error: "interrupted"},
		{Class: "c", Name: "left out", Skipped: "not asked for"},
	}}.WriteJUnit(&out)
	if err != nil {
		t.Fatal(err)
	}
	var read struct {
		Name     string `xml:"name,attr"`
		Tests    int    `xml:"tests,attr"`
		Failures int    `xml:"failures,attr"`
		Errors   int    `xml:"errors,attr"`
		Skipped  int    `xml:"skipped,attr"`
		Time     string `xml:"time,attr"`
		Cases    []struct {
			Failure struct {
				Message string `xml:"message,attr"`
			} `xml:"failure"`
		} `xml:"testcase"`
	}
	if err := xml.Unmarshal(out.Bytes(), &read); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if read.Name != "a<b" || read.Tests != 4 || read.Failures != 1 || read.Errors != 1 || read.Skipped != 1 || read.Time != "1.500" {
		t.Errorf("%+v", read)
	}
	if got := read.Cases[1].Failure.Message; got != "no [31m& never" || strings.ContainsRune(out.String(), 0x1b) {
		t.Errorf("failure %q", got)
	}
}
