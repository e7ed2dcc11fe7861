package keystone

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
)

func parseTime(v string) (time.Time, error) {
	for _, layout := range []string{"2006-01-02T15:04:05.000000Z", time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04:05.000000"} {
		if t, err := time.Parse(layout, v); err == nil {
			return t, nil
		}
	}
	_, err := time.Parse(time.RFC3339, v)
	return time.Time{}, err
}

// wanted reports whether an object passes a query's filters; only the given keys are filters.
func wanted(q url.Values, fields map[string]string) bool {
	for k, v := range fields {
		if q.Has(k) && q.Get(k) != v {
			return false
		}
	}
	return true
}

// toRef reads {"id"} or {"name", "domain": {...}} out of decoded JSON.
func toRef(v any) ref {
	m, _ := v.(map[string]any)
	var r ref
	r.ID, _ = m["id"].(string)
	r.Name, _ = m["name"].(string)
	if d, ok := m["domain"]; ok {
		inner := toRef(d)
		r.Domain = &inner
	}
	return r
}

// ref names an object by its id, or by its name in a domain.
type ref struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Domain *ref   `json:"domain"`
}

// decode reads a JSON document as Keystone does, which takes none for an empty one.
func decode(r *http.Request, v any) error {
	data, err := io.ReadAll(io.LimitReader(r.Body, 16<<20))
	if err != nil {
		return answer.Fail(http.StatusBadRequest, "reading the request's body: %v", err)
	}
	if len(data) > 0 && json.Unmarshal(data, v) != nil {
		return expecting("valid JSON in request body")
	}
	return nil
}
