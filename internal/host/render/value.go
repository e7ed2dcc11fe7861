package render

import (
	"io"
	"strings"
)

// valueList writes the bare values of each row, with spaces between.
type valueList struct {
	w   io.Writer
	buf []byte
}

func (l *valueList) Row(values []any) error {
	b := l.buf[:0]
	for i, v := range values {
		if i > 0 {
			b = append(b, ' ')
		}
		b = append(b, text(v)...)
	}
	b = append(b, '\n')
	l.buf = b
	_, err := l.w.Write(l.buf)
	return err
}

func (l *valueList) Close() error { return nil }

func showValue(w io.Writer, fields []Field) error {
	var b strings.Builder
	for _, f := range fields {
		b.WriteString(text(f.Value) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
