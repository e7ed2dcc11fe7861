package cinder

import (
	"net/http"
	"time"
)

// done answers an action that has nothing to say, with the headers of a bare response.
func done(w http.ResponseWriter, status int) {
	w.Header().Del(requestHeader)
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	w.WriteHeader(status)
}

func orNull(v string) any {
	if v == "" {
		return nil
	}
	return v
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000") }
