package answer

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// Keystone answers as Keystone and its middleware do: {"error": {"code", "title", "message"}}.
func Keystone(w http.ResponseWriter, _ *http.Request, status int, message string) {
	JSON(w, status, map[string]any{"error": map[string]any{
		"code": status, "title": http.StatusText(status), "message": message,
	}})
}

var faultNames = map[int]string{
	400: "badRequest", 401: "unauthorized", 403: "forbidden", 404: "itemNotFound", 405: "badMethod",
	406: "notAcceptable", 409: "conflictingRequest", 413: "overLimit", 415: "badMediaType", 429: "overLimit",
	501: "notImplemented", 503: "serviceUnavailable",
}

// Nova answers as Nova and Cinder do: {"itemNotFound": {"code", "message"}}.
func Nova(w http.ResponseWriter, _ *http.Request, status int, message string) {
	name, ok := faultNames[status]
	if !ok {
		name = "computeFault"
	}
	JSON(w, status, map[string]any{name: map[string]any{"code": status, "message": message}})
}

// IronicPlainly answers as the web framework below Ironic does.
func IronicPlainly(w http.ResponseWriter, _ *http.Request, status int, message string) {
	text := fmt.Sprintf(`{"code": %d, "title": %q, "description": %s}`, status, http.StatusText(status), quoted(message))
	JSON(w, status, map[string]any{"error_message": text})
}

// quoted is a text as a JSON string.
func quoted(text string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // text can be encoded
	return strings.TrimSuffix(b.String(), "\n")
}

// Ironic answers as Ironic does: {"error_message": TEXT}, where the text is JSON itself.
func Ironic(w http.ResponseWriter, _ *http.Request, status int, message string) {
	code := "Client"
	if status >= http.StatusInternalServerError {
		code = "Server"
	}
	text := fmt.Sprintf(`{"faultcode": %q, "faultstring": %s, "debuginfo": null}`, code, quoted(message))
	JSON(w, status, map[string]any{"error_message": text})
}
