package glance

import (
	"encoding/json"
	"io"
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
)

// decode reads a JSON document as Glance does.
func decode(r *http.Request, v any) error {
	data, err := io.ReadAll(io.LimitReader(r.Body, 16<<20))
	switch {
	case err != nil:
		return answer.Fail(http.StatusBadRequest, "reading the request's body: %v", err)
	case len(data) == 0:
		return answer.Fail(http.StatusBadRequest, "Body expected in request.")
	case json.Unmarshal(data, v) != nil:
		return answer.Fail(http.StatusBadRequest, "Malformed JSON in request body.")
	}
	return nil
}

// object reads a JSON object; wrong is the answer to any other document.
func object(r *http.Request, wrong error) (map[string]any, error) {
	var doc any
	if err := decode(r, &doc); err != nil {
		return nil, err
	}
	if m, ok := doc.(map[string]any); ok {
		return m, nil
	}
	return nil, wrong
}
