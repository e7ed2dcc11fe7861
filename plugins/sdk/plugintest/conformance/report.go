package conformance

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// String is the rule with what is wrong, in one line.
func (r Result) String() string {
	text := r.Rule
	if r.Command != "" {
		text = r.Command + ": " + text
	}
	if r.Message != "" {
		text += ": " + strings.Join(strings.Fields(r.Message), " ")
	}
	return text
}

// Conforms reports whether no rule is broken.
func Conforms(results []Result) bool {
	for _, r := range results {
		if r.Status == Broken {
			return false
		}
	}
	return len(results) > 0
}

// WriteTAP writes the results in the Test Anything Protocol, version 13.
func WriteTAP(w io.Writer, results []Result) error {
	lines := []string{"TAP version 13", fmt.Sprintf("1..%d", len(results))}
	for i, r := range results {
		title := strings.ReplaceAll(Result{Command: r.Command, Rule: r.Rule}.String(), "#", "")
		switch r.Status {
		case Kept:
			lines = append(lines, fmt.Sprintf("ok %d - %s", i+1, title))
		case Skipped:
			lines = append(lines, fmt.Sprintf("ok %d - %s # SKIP %s", i+1, title, r.Message))
		case Broken:
			lines = append(lines, fmt.Sprintf("not ok %d - %s", i+1, title))
			for line := range strings.Lines(r.Message) {
				lines = append(lines, "# "+strings.TrimRight(line, "\n"))
			}
		}
	}
	_, err := io.WriteString(w, strings.Join(lines, "\n")+"\n")
	return err
}

// WriteJSON writes the results as a JSON array.
func WriteJSON(w io.Writer, results []Result) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(results)
}
