package render

import (
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

// jsonList writes an array of objects, one by one, in the bytes of Python's json.dump: two
// spaces of indentation, or ", " and ": " on one line, and nothing but ASCII.
type jsonList struct {
	w       io.Writer
	columns []Column
	compact bool
	rows    int
	buf     []byte
}

func (l *jsonList) Row(values []any) error {
	b := l.buf[:0]
	switch {
	case l.rows == 0:
		b = append(b, '[')
	case l.compact:
		b = append(b, ", "...)
	default:
		b = append(b, ',')
	}
	l.rows++
	indent := ""
	if !l.compact {
		b = append(b, "\n  "...)
		indent = "  "
	}
	b = appendObject(b, l.columns, values, indent, l.compact)
	l.buf = b
	_, err := l.w.Write(b)
	return err
}

func (l *jsonList) Close() error {
	end := "\n]\n"
	switch {
	case l.rows == 0:
		end = "[]\n"
	case l.compact:
		end = "]\n"
	}
	_, err := io.WriteString(l.w, end)
	return err
}

func showJSON(w io.Writer, fields []Field, compact bool) error {
	columns, values := make([]Column, len(fields)), make([]any, len(fields))
	for i, f := range fields {
		columns[i].Title, values[i] = f.Name, f.Value
	}
	_, err := w.Write(append(appendObject(nil, columns, values, "", compact), '\n'))
	return err
}

func appendObject(b []byte, columns []Column, values []any, indent string, compact bool) []byte {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Title
	}
	return appendMap(b, names, func(i int) any { return values[i] }, indent, compact)
}

func appendMap(b []byte, names []string, value func(i int) any, indent string, compact bool) []byte {
	if len(names) == 0 {
		return append(b, "{}"...)
	}
	b = append(b, '{')
	for i, name := range names {
		b = appendGap(b, i, indent+"  ", compact)
		b = appendString(b, name)
		b = append(b, ": "...)
		b = appendJSON(b, value(i), indent+"  ", compact)
	}
	if !compact {
		b = append(append(b, '\n'), indent...)
	}
	return append(b, '}')
}

// appendGap begins the i-th element of an array or object.
func appendGap(b []byte, i int, indent string, compact bool) []byte {
	switch {
	case compact && i > 0:
		return append(b, ", "...)
	case compact:
		return b
	case i > 0:
		b = append(b, ',')
	}
	return append(append(b, '\n'), indent...)
}

func appendJSON(b []byte, v any, indent string, compact bool) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return append(b, "null"...) // JSON has no word for it
		}
		return append(b, float(v)...)
	case string:
		return appendString(b, v)
	case []any:
		if len(v) == 0 {
			return append(b, "[]"...)
		}
		b = append(b, '[')
		for i, e := range v {
			b = appendGap(b, i, indent+"  ", compact)
			b = appendJSON(b, e, indent+"  ", compact)
		}
		if !compact {
			b = append(append(b, '\n'), indent...)
		}
		return append(b, ']')
	case map[string]any:
		names := slices.Sorted(maps.Keys(v))
		return appendMap(b, names, func(i int) any { return v[names[i]] }, indent, compact)
	}
	return append(b, "null"...)
}

func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	unit := func(b []byte, u rune) []byte {
		return append(b, '\\', 'u', hex[u>>12&15], hex[u>>8&15], hex[u>>4&15], hex[u&15])
	}
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"', r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, '\\', 'n')
		case r == '\r':
			b = append(b, '\\', 'r')
		case r == '\t':
			b = append(b, '\\', 't')
		case r == '\b':
			b = append(b, '\\', 'b')
		case r == '\f':
			b = append(b, '\\', 'f')
		case r < ' ', r >= utf8.RuneSelf && r < 0x10000:
			b = unit(b, r)
		case r >= 0x10000:
			r -= 0x10000
			b = unit(unit(b, 0xd800+r>>10), 0xdc00+r&0x3ff)
		default:
			b = append(b, byte(r))
		}
	}
	return append(b, '"')
}
