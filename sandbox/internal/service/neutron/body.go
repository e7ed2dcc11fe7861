package neutron

import (
	"time"
)

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

func orNull(v string) any {
	if v == "" {
		return nil
	}
	return v
}

func list[T any](v []T) []T {
	if v == nil {
		return []T{}
	}
	return v
}
