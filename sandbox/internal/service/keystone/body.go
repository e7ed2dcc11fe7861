package keystone

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

func orNull(v string) any {
	if v == "" {
		return nil
	}
	return v
}

// links are those of a list.
func links(r *http.Request) map[string]any {
	return map[string]any{"self": front.Base(r) + r.URL.RequestURI(), "next": nil, "previous": nil}
}

// collection answers with a list as Keystone wraps it.
func collection(w http.ResponseWriter, r *http.Request, name string, items []map[string]any) {
	if items == nil {
		items = []map[string]any{}
	}
	answer.JSON(w, http.StatusOK, map[string]any{name: items, "links": links(r)})
}

// self links to an object.
func self(r *http.Request, kind, id string) map[string]any {
	return map[string]any{"self": front.Base(r) + "/v3/" + kind + "/" + id}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

func sortedBy[T any](m map[string]*T, key func(*T) string) []*T {
	return slices.SortedFunc(maps.Values(m), func(a, b *T) int { return strings.Compare(key(a), key(b)) })
}
