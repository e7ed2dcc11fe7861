package nodepool

import (
	"bytes"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
)

// reasoned begins a comment that generated files have after max-servers.
const reasoned = "# limited by "

// add puts a key and its value, as the other file spells them, behind the last line of a mapping.
func (m *merger) add(t *foreignfile.Value, p foreignfile.Pair, place string) error {
	if m.source.flow(t) || len(t.Pairs) == 0 {
		return t.Errorf("%s can't be added here: write the mapping without braces, a key a line", p.Key)
	}
	if pairOf(t, p.Key) != nil {
		return t.Errorf("%s is empty here", p.Key)
	}
	text, err := m.lines(p.Line, p.Column-1, false)
	if err != nil {
		return err
	}
	m.plan.Changes = append(m.plan.Changes, Change{Place: place, Key: p.Key, After: p.Value.String(), Line: t.Line})
	m.insert(m.source.last(t.Line, t.Column-1, false), t.Column-1, text)
	return nil
}

// append puts an item of the other file's list behind the last line of a list.
func (m *merger) append(t, f, item *foreignfile.Value) error {
	text, err := m.lines(item.Line, f.Column-1, true)
	if err != nil {
		return err
	}
	at := m.source.offset(t.Line, t.Column)
	if at < 0 || t.Alias == nil && !bytes.HasPrefix(m.source.text[at:], []byte("-")) {
		return t.Errorf("nothing can be added to this list: write it without brackets, an item a line")
	}
	last := t.Items[len(t.Items)-1]
	m.insert(m.source.last(last.Line, t.Column-1, true), t.Column-1, text)
	return nil
}

// lines are the lines of the other file from one line on that belong together, without their common indentation.
func (m *merger) lines(line, indent int, item bool) ([]string, error) {
	last := m.from.last(line, indent, true)
	var all []string
	for n := line; n <= last; n++ {
		text := m.from.line(n)
		if n == line && strings.TrimLeft(text[:min(indent, len(text))], " ") != "" || len(text) < indent && strings.TrimSpace(text) != "" ||
			n == line && item != strings.HasPrefix(text[min(indent, len(text)):], "-") {
			return nil, (&foreignfile.Value{Line: line, Column: indent + 1}).Errorf("this can't be taken over: write it without " +
				"brackets, a key a line")
		}
		all = append(all, text[min(indent, len(text)):])
	}
	return all, nil
}

// line is a line's text, without its end.
func (s *source) line(n int) string {
	end, _ := s.ending(s.lines[n-1])
	return string(s.text[s.lines[n-1]:end])
}

// last is the last line that belongs to what begins on a line: all that follows is indented deeper or, unless deeper is
// wanted, as deep. Comments of that depth and empty lines at its end don't belong to it.
func (s *source) last(line, indent int, deeper bool) int {
	last := line
	for n := line + 1; n <= len(s.lines); n++ {
		text := s.line(n)
		trimmed := strings.TrimLeft(text, " ")
		depth := len(text) - len(trimmed)
		switch {
		case trimmed == "" || trimmed[0] == '#' && depth <= indent: // one that is deeper may be part of a text
		case depth < indent || deeper && depth == indent:
			return last
		default:
			last = n
		}
	}
	return last
}

// insert adds lines behind a line.
func (m *merger) insert(line, indent int, text []string) {
	newline := m.source.newline()
	with := strings.Repeat(" ", indent) + strings.Join(text, newline+strings.Repeat(" ", indent))
	at, ending := m.source.ending(m.source.lines[line-1])
	if ending == "" {
		m.edits = append(m.edits, edit{at, at, newline + with})
		return
	}
	m.edits = append(m.edits, edit{at + len(ending), at + len(ending), with + ending})
}
