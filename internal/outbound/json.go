package outbound

import (
	"bytes"
	"fmt"
	"mime"
	"net/http"
	"strings"
)

// NotJSON is an answer that was to be JSON and is something else, often a proxy's page.
type NotJSON struct {
	URL  string
	Type string // of the content
	Body []byte
}

func (n *NotJSON) Error() string {
	return fmt.Sprintf("%s answers %s in place of JSON", n.URL, n.Type)
}

func notJSON(req *http.Request, resp *http.Response, body []byte) error {
	content := bytes.TrimSpace(body)
	asked := strings.Contains(req.Header.Get("Accept"), "json") && resp.StatusCode < 300
	if !asked || len(content) == 0 || strings.IndexByte(`{["-0123456789tfn`, content[0]) >= 0 {
		return nil
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case content[0] == '<':
		kind = "HTML"
	case kind == "" || strings.Contains(kind, "json"):
		kind = "text"
	}
	return &NotJSON{URL: req.URL.Redacted(), Type: kind, Body: body[:min(len(body), 4<<10)]}
}
