//go:build linux

package userland

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

func init() { register(map[string]Command{"date": date}) }

func date(p *Proc) int {
	f, args, ok := p.options("ud:r:s:RI", "utc=u", "universal=u", "date=d", "reference=r", "set=s", "rfc-email=R", "iso-8601=I",
		"rfc-3339=I")
	if !ok {
		return 1
	}
	t := time.Now()
	switch {
	case f.has('d'):
		var err error
		if t, err = parseDate(f.value('d', "")); err != nil {
			return p.Fail(err)
		}
	case f.has('r'):
		st, err := os.Stat(p.Path(f.value('r', "")))
		if err != nil {
			return p.Fail(err)
		}
		t = st.ModTime()
	case f.has('s'):
		return p.failf("cannot set date: Operation not permitted")
	}
	if f.has('u') {
		t = t.UTC()
	}
	format := "%a %b %e %H:%M:%S %Z %Y"
	switch {
	case f.has('R'):
		format = "%a, %d %b %Y %H:%M:%S %z"
	case f.has('I'):
		format = "%Y-%m-%d"
	case len(args) > 0 && strings.HasPrefix(args[0], "+"):
		format = args[0][1:]
	}
	fmt.Fprintln(p.Out, strftime(t, format))
	return 0
}

func parseDate(s string) (time.Time, error) {
	if n, ok := strings.CutPrefix(s, "@"); ok {
		sec, err := strconv.ParseInt(n, 10, 64)
		return time.Unix(sec, 0), err
	}
	switch s {
	case "now", "":
		return time.Now(), nil
	case "today":
		return time.Now(), nil
	case "yesterday":
		return time.Now().AddDate(0, 0, -1), nil
	case "tomorrow":
		return time.Now().AddDate(0, 0, 1), nil
	}
	for _, layout := range []string{
		time.RFC3339Nano, "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02",
		time.RFC1123Z, time.UnixDate, "20060102",
	} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("invalid date '%s'", s)
}

func strftime(t time.Time, format string) string {
	layouts := map[byte]string{
		'Y': "2006", 'm': "01", 'd': "02", 'H': "15", 'M': "04", 'S': "05", 'y': "06", 'b': "Jan", 'h': "Jan", 'B': "January", 'a': "Mon",
		'A': "Monday", 'e': "_2",
		'I': "03", 'p': "PM", 'Z': "MST", 'z': "-0700", 'F': "2006-01-02", 'T': "15:04:05", 'R': "15:04", 'D': "01/02/06",
		'c': "Mon Jan _2 15:04:05 2006", 'k': "15",
	}
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		switch c := format[i]; c {
		case 's':
			b.WriteString(strconv.FormatInt(t.Unix(), 10))
		case 'N':
			fmt.Fprintf(&b, "%09d", t.Nanosecond())
		case 'j':
			fmt.Fprintf(&b, "%03d", t.YearDay())
		case 'u':
			b.WriteString(strconv.Itoa((int(t.Weekday())+6)%7 + 1))
		case 'n':
			b.WriteByte('\n')
		case '%':
			b.WriteByte('%')
		default:
			if l, ok := layouts[c]; ok {
				b.WriteString(t.Format(l))
			} else {
				b.WriteString("%" + string(c))
			}
		}
	}
	return b.String()
}
