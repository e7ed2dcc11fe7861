package glance

import (
	"net/http"
)

// noContent answers without a body, as WebOb does with a type all the same.
func noContent(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	w.WriteHeader(http.StatusNoContent)
}

func orNull(v string) any {
	if v == "" {
		return nil
	}
	return v
}

func known(n int64) any {
	if n < 0 {
		return nil
	}
	return n
}
