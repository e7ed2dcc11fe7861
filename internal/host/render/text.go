package render

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// text is a value for programs: what Python prints, and JSON where Python would print its own notation.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return float(v)
	case string:
		return v
	}
	return string(appendJSON(nil, v, "", true))
}

// float is the shortest text that reads back as the number; whole numbers have no point.
func float(f float64) string {
	if size := math.Abs(f); f != 0 && (size < 1e-4 || size >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// human is a value for people: lists and maps without brackets, sizes and times with a unit.
func human(v any, unit Unit) string {
	if n, ok := number(v); ok {
		if _, isBool := v.(bool); !isBool {
			switch unit {
			case Bytes:
				return size(n)
			case Seconds:
				return duration(n)
			}
		}
	}
	switch v := v.(type) {
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = human(e, Plain)
		}
		return strings.Join(parts, ", ")
	case map[string]any:
		var parts []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, k+"='"+human(v[k], Plain)+"'")
		}
		return strings.Join(parts, ", ")
	}
	return text(v)
}

func size(n float64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	i := 0
	for math.Abs(n) >= 1024 && i < len(units)-1 {
		n /= 1024
		i++
	}
	if i == 0 {
		return float(n) + " B"
	}
	return fmt.Sprintf("%.1f %s", n, units[i])
}

func duration(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch days := d / (24 * time.Hour); {
	case d.Abs() < time.Minute:
		return d.Round(time.Millisecond).String()
	case d.Abs() < time.Hour:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, (d%time.Minute).Abs()/time.Second)
	case days == 0:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, (d%time.Hour).Abs()/time.Minute)
	default:
		return fmt.Sprintf("%dd%02dh", days, (d%(24*time.Hour)).Abs()/time.Hour)
	}
}
