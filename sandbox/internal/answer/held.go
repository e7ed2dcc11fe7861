package answer

import (
	"bytes"
	"net/http"
)

// Held is a response kept back until it is known what becomes of it.
type Held struct {
	Headers http.Header
	Status  int // 0 = nothing is written yet
	Body    bytes.Buffer
}

// Hold returns a response that begins with the headers of w.
func Hold(w http.ResponseWriter) *Held { return &Held{Headers: w.Header().Clone()} }

// Header is that of an http.ResponseWriter.
func (h *Held) Header() http.Header { return h.Headers }

// WriteHeader is that of an http.ResponseWriter.
func (h *Held) WriteHeader(status int) {
	if h.Status == 0 {
		h.Status = status
	}
}

// Write is that of an http.ResponseWriter.
func (h *Held) Write(p []byte) (int, error) {
	h.WriteHeader(http.StatusOK)
	return h.Body.Write(p)
}
