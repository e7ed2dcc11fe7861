package nodepool

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
)

// source is a text in which places that YAML counts in lines and characters can be found.
type source struct {
	text  []byte
	lines []int // where each line begins
}

var mark = []byte("\uFEFF") // which YAML doesn't count as a character

// breaks are what YAML 1.1 takes for the end of a line; the longest first.
var breaks = []string{"\r\n", "\n", "\r", "\u0085", "\u2028", "\u2029"}

func newSource(text []byte) *source {
	s := &source{text: text, lines: []int{0}}
	if bytes.HasPrefix(text, mark) {
		s.lines[0] = len(mark)
	}
	for at := 0; at < len(text); {
		if n := breakAt(text[at:]); n > 0 {
			at += n
			s.lines = append(s.lines, at)
			continue
		}
		at++
	}
	return s
}

// breakAt is how many bytes of an end of a line the text begins with.
func breakAt(text []byte) int {
	for _, b := range breaks {
		if len(text) >= len(b) && string(text[:len(b)]) == b {
			return len(b)
		}
	}
	return 0
}

// offset is the byte at a place, -1 if there is none.
func (s *source) offset(line, column int) int {
	if line < 1 || line > len(s.lines) {
		return -1
	}
	at := s.lines[line-1]
	for ; column > 1; column-- {
		if at >= len(s.text) {
			return -1
		}
		_, n := utf8.DecodeRune(s.text[at:])
		at += n
	}
	return at
}

// ending is how the line ends that the byte belongs to: "" for the last one of a text without a final break.
func (s *source) ending(at int) (from int, ending string) {
	for from = at; from < len(s.text); from++ {
		if n := breakAt(s.text[from:]); n > 0 {
			return from, string(s.text[from : from+n])
		}
	}
	return from, ""
}

// newline is how the lines of the text end.
func (s *source) newline() string {
	_, ending := s.ending(0)
	return cmp.Or(ending, "\n")
}

// span is where a scalar, or the alias in its place, is written.
func (s *source) span(v *foreignfile.Value) (at, end int, err error) {
	if v.Alias != nil {
		if at = s.offset(v.Alias.Line, v.Alias.Column); at >= 0 && at < len(s.text) && s.text[at] == '*' {
			end = at + 1
			for end < len(s.text) && !ends(s.text[end:]) {
				end++
			}
			return at, end, nil
		}
	} else if at = s.offset(v.Line, v.Column); at >= 0 {
		for _, written := range []string{v.Text, "'" + v.Text + "'", `"` + v.Text + `"`} {
			if end = at + len(written); written != "" && bytes.HasPrefix(s.text[at:], []byte(written)) && ends(s.text[end:]) {
				return at, end, nil
			}
		}
	}
	return 0, 0, v.Errorf("it is written in a way that can't be edited; write it plainly, without an anchor, a tag or an escape")
}

// ends reports whether a scalar can end before the text.
func ends(text []byte) bool {
	return len(text) == 0 || strings.ContainsRune(" \t,]}\n\r", rune(text[0])) || breakAt(text) > 0
}

// flow reports whether a mapping is written in braces.
func (s *source) flow(m *foreignfile.Value) bool {
	at := s.offset(m.Line, m.Column)
	return at >= 0 && at < len(s.text) && s.text[at] == '{'
}

// edit replaces the bytes from at to end.
type edit struct {
	at, end int
	with    string
}

// edited is the text with the edits; they may not overlap.
func edited(text []byte, edits []edit) ([]byte, error) {
	edits = slices.Clone(edits)
	slices.SortStableFunc(edits, func(a, b edit) int { return cmp.Compare(a.at, b.at) })
	var out bytes.Buffer
	done := 0
	for _, e := range edits {
		if e.at < done {
			return nil, fmt.Errorf("two changes reach the same place, because of an anchor or a merge")
		}
		out.Write(text[done:e.at])
		out.WriteString(e.with)
		done = e.end
	}
	out.Write(text[done:])
	return out.Bytes(), nil
}

// insertAfter is the edit that adds a key to a mapping, after one of its keys. inserted is the text that it adds.
func (s *source) insertAfter(m *foreignfile.Value, after, key, value string) (edit, error) {
	p := pairOf(m, after)
	if p == nil || p.Merged {
		return edit{}, m.Errorf("%s can't be added, because %s isn't given here", key, after)
	}
	_, end, err := s.span(p.Value)
	if err != nil {
		return edit{}, err
	}
	text := key + ": " + value
	if s.flow(m) {
		return edit{end, end, ", " + text}, nil
	}
	text = strings.Repeat(" ", p.Column-1) + text
	from, ending := s.ending(end)
	if ending == "" {
		return edit{from, from, s.newline() + text}, nil
	}
	return edit{from + len(ending), from + len(ending), text + ending}, nil
}

// removal undoes insertAfter; ok is false if the key isn't written as insertAfter writes it.
func (s *source) removal(m *foreignfile.Value, key, value string) (e edit, ok bool) {
	p := pairOf(m, key)
	if p == nil || p.Merged {
		return edit{}, false
	}
	at, text := s.offset(p.Line, p.Column), key+": "+value
	if at < 0 || !bytes.HasPrefix(s.text[at:], []byte(text)) {
		return edit{}, false
	}
	end := at + len(text)
	if s.flow(m) {
		ok = at >= 2 && string(s.text[at-2:at]) == ", " && ends(s.text[end:])
		return edit{at - 2, end, ""}, ok
	}
	from, ending := s.ending(end)
	start := s.lines[p.Line-1]
	if from != end || strings.TrimLeft(string(s.text[start:at]), " ") != "" {
		return edit{}, false
	}
	if ending == "" && start > 0 {
		for n := min(3, start); n > 0; n-- { // the break before it
			if breakAt(s.text[start-n:]) == n {
				return edit{start - n, end, ""}, true
			}
		}
	}
	return edit{start, end + len(ending), ""}, true
}

func pairOf(m *foreignfile.Value, key string) *foreignfile.Pair {
	for n := range m.Entries() {
		if m.Pairs[n].Key == key {
			return &m.Pairs[n]
		}
	}
	return nil
}
