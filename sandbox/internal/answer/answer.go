// Package answer writes the services' responses: JSON documents, and errors in the style of each service or of the
// middleware that they share.
package answer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// JSON answers with a JSON document.
func JSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// An error here means that the client is gone or that v is none of our documents.
	_ = json.NewEncoder(w).Encode(v)
}

// Decode reads a JSON document of at most 16 MiB from a request.
func Decode(r *http.Request, v any) error {
	data, err := io.ReadAll(io.LimitReader(r.Body, 16<<20))
	if err != nil {
		return fmt.Errorf("reading the request's body: %w", err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("malformed request body: %w", err)
	}
	return nil
}

// ErrorWriter answers a request with an error in one service's style.
type ErrorWriter func(w http.ResponseWriter, r *http.Request, status int, message string)

// Handler serves with h and answers its error in a service's style; an error that is no Problem is a 500.
func Handler(fail ErrorWriter, h func(w http.ResponseWriter, r *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		var p *Problem
		switch {
		case err == nil:
		case errors.As(err, &p):
			fail(w, r, p.Status, p.Message)
		default:
			fail(w, r, http.StatusInternalServerError, err.Error())
		}
	})
}
