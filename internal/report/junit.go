package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
)

// Suite is a report in the form of JUnit's, which CI systems read.
type Suite struct {
	Name  string
	Cases []Case
}

// Case is one of a suite's tests.
type Case struct {
	Class, Name string
	Took        time.Duration
	Failure     string // why it failed; "" if it didn't
	Error       string // why it couldn't be made; "" if it could
	Skipped     string // why it was left out; "" if it wasn't
	Output      string // what else there is to know
}

type xmlSuite struct {
	XMLName  xml.Name  `xml:"testsuite"`
	Name     string    `xml:"name,attr"`
	Tests    int       `xml:"tests,attr"`
	Failures int       `xml:"failures,attr"`
	Errors   int       `xml:"errors,attr"`
	Skipped  int       `xml:"skipped,attr"`
	Time     string    `xml:"time,attr"`
	Cases    []xmlCase `xml:"testcase"`
}

type xmlCase struct {
	Class   string      `xml:"classname,attr"`
	Name    string      `xml:"name,attr"`
	Time    string      `xml:"time,attr"`
	Failure *xmlProblem `xml:"failure,omitempty"`
	Error   *xmlProblem `xml:"error,omitempty"`
	Skipped *xmlProblem `xml:"skipped,omitempty"`
	Output  string      `xml:"system-out,omitempty"`
}

type xmlProblem struct {
	Message string `xml:"message,attr"`
}

// WriteJUnit writes the suite as XML.
func (s Suite) WriteJUnit(w io.Writer) error {
	suite := xmlSuite{Name: plainText(s.Name), Tests: len(s.Cases)}
	var all time.Duration
	for _, c := range s.Cases {
		one := xmlCase{Class: plainText(c.Class), Name: plainText(c.Name), Time: seconds(c.Took), Output: plainText(c.Output)}
		switch {
		case c.Failure != "":
			suite.Failures++
			one.Failure = &xmlProblem{plainText(c.Failure)}
		case c.Error != "":
			suite.Errors++
			one.Error = &xmlProblem{plainText(c.Error)}
		case c.Skipped != "":
			suite.Skipped++
			one.Skipped = &xmlProblem{plainText(c.Skipped)}
		}
		all += c.Took
		suite.Cases = append(suite.Cases, one)
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

// plainText is a text without the characters that end up as marks in a log: other people's texts have all sorts.
func plainText(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, text)
}
