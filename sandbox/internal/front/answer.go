package front

import (
	"encoding/json"
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

// JSONError answers as Keystone does: {"error": {"code", "title", "message"}}.
func JSONError(w http.ResponseWriter, _ *http.Request, status int, message string) {
	JSON(w, status, map[string]any{"error": map[string]any{
		"code": status, "title": http.StatusText(status), "message": message,
	}})
}

// unauthorized is the answer to a request without a valid token.
func (s *Service) unauthorized(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("WWW-Authenticate", fmt.Sprintf("Keystone uri=%q", "http://"+r.Host+"/identity"))
	if s.Unauthorized != nil {
		s.Unauthorized(w, r)
		return
	}
	JSONError(w, r, http.StatusUnauthorized, "The request you have made requires authentication.")
}

var novaFaults = map[int]string{
	400: "badRequest", 401: "unauthorized", 403: "forbidden", 404: "itemNotFound", 405: "badMethod",
	406: "notAcceptable", 409: "conflictingRequest", 413: "overLimit", 415: "badMediaType", 429: "overLimit",
	501: "notImplemented", 503: "serviceUnavailable",
}

// NovaError answers as Nova and Cinder do: {"itemNotFound": {"code", "message"}}.
func NovaError(w http.ResponseWriter, _ *http.Request, status int, message string) {
	name, ok := novaFaults[status]
	if !ok {
		name = "computeFault"
	}
	JSON(w, status, map[string]any{name: map[string]any{"code": status, "message": message}})
}

var neutronTypes = map[int]string{
	400: "BadRequest", 401: "HTTPUnauthorized", 403: "PolicyNotAuthorized", 404: "HTTPNotFound", 409: "Conflict",
	413: "OverQuota", 429: "HTTPTooManyRequests", 500: "HTTPInternalServerError", 503: "HTTPServiceUnavailable",
}

// NeutronError answers as Neutron does: {"NeutronError": {"type", "message", "detail"}}.
func NeutronError(w http.ResponseWriter, r *http.Request, status int, message string) {
	NeutronFault(w, r, status, neutronTypes[status], message)
}

// NeutronFault answers as Neutron does, with the exception's own type, such as "NetworkNotFound".
func NeutronFault(w http.ResponseWriter, _ *http.Request, status int, kind, message string) {
	JSON(w, status, map[string]any{"NeutronError": map[string]any{"type": kind, "message": message, "detail": ""}})
}
