package answer_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
)

func TestWebOb(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]string{
		"": "403 Forbidden\n\nAccess was denied to this resource.\n\n 'x' is reserved  ",
		"*/*": "  <h1>403 Forbidden</h1>\n  Access was denied to this resource.<br /><br />\n&#x27;x&#x27; is " +
			"reserved\n\n\n </body>",
		"text/html":             "<title>403 Forbidden</title>",
		"application/json":      `{"code":"403 Forbidden","message":"Access was denied to this resource.\u003cbr /\u003e\u003cbr /\u003e\n'x' is reserved\n\n","title":"Forbidden"}`,
		"application/json, */*": "<title>403 Forbidden</title>",
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Accept", accept)
		answer.WebOb(w, r, http.StatusForbidden, "", "'x' is reserved")
		if got := w.Body.String(); w.Code != http.StatusForbidden || !strings.Contains(got, want) {
			t.Errorf("accepting %q: %d %q, want %q", accept, w.Code, got, want)
		}
	}
}
