package render

import (
	"io"
	"strings"
)

// csvList writes what Python's csv.writer does with a backslash as its escape character, which it
// also doubles. encoding/csv knows neither that nor the quoting modes.
type csvList struct {
	w       io.Writer
	columns []Column
	quote   string
	headed  bool
	buf     []byte
}

func newCSVList(w io.Writer, columns []Column, quote string) *csvList {
	if quote == "" {
		quote = "nonnumeric"
	}
	return &csvList{w: w, columns: columns, quote: quote}
}

func (l *csvList) Row(values []any) error {
	if err := l.head(); err != nil {
		return err
	}
	return l.write(values)
}

func (l *csvList) Close() error { return l.head() }

func (l *csvList) head() error {
	if l.headed {
		return nil
	}
	l.headed = true
	titles := make([]any, len(l.columns))
	for i, c := range l.columns {
		titles[i] = c.Title
	}
	return l.write(titles)
}

func (l *csvList) write(values []any) error {
	b := l.buf[:0]
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = l.field(b, v, len(values) == 1)
	}
	b = append(b, '\n')
	l.buf = b
	_, err := l.w.Write(l.buf)
	return err
}

func (l *csvList) field(b []byte, v any, alone bool) []byte {
	s, numeric := text(v), false
	switch v.(type) {
	case nil:
		s = ""
	case bool, int64, float64:
		numeric = true
	}
	if l.quote == "none" {
		for i := range len(s) {
			if strings.IndexByte("\\,\"\r\n", s[i]) >= 0 {
				b = append(b, '\\')
			}
			b = append(b, s[i])
		}
		return b
	}
	quote := l.quote == "all" || l.quote == "nonnumeric" && !numeric || strings.ContainsAny(s, ",\"\r\n") || s == "" && alone
	s = strings.ReplaceAll(s, `\`, `\\`)
	if !quote {
		return append(b, s...)
	}
	b = append(b, '"')
	b = append(b, strings.ReplaceAll(s, `"`, `""`)...)
	return append(b, '"')
}
