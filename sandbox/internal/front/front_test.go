package front_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

func TestFront(t *testing.T) {
	t.Parallel()
	_, url, calls := serve(t)
	for _, tt := range []struct {
		name, path, token string
		status            int
		text              string
	}{
		{"no token", "/image/v2/images", "", 401, `"title":"Unauthorized"`},
		{"unknown token", "/image/v2/images", "bad", 401, "requires authentication"},
		{"version document", "/image/", "", 201, `"path":"/"`},
		{"prefix alone", "/image", "", 201, `"path":"/"`},
		{"prefix of another word", "/imageries", "good", 404, "no service is mounted"},
		{"base", "/image/v2/x", "good", 201, `/image"`},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+tt.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Auth-Token", tt.token)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != tt.status || !strings.Contains(string(text), tt.text) {
			t.Errorf("%s: %d %s (%v), want %d %q", tt.name, resp.StatusCode, text, err, tt.status, tt.text)
		}
		if id := resp.Header.Get("X-Openstack-Request-Id"); !strings.HasPrefix(id, "req-") {
			t.Errorf("%s: request id %q", tt.name, id)
		}
	}
	if calls.Load() != 3 {
		t.Errorf("the service was called %d times, want 3", calls.Load())
	}
}

func TestGlancePage(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]string{
		"":                      "403 Forbidden\n\nAccess was denied to this resource.\n\n 'x' is reserved  ",
		"*/*":                   "  <h1>403 Forbidden</h1>\n  Access was denied to this resource.<br /><br />\n&#x27;x&#x27; is reserved\n\n\n </body>",
		"text/html":             "<title>403 Forbidden</title>",
		"application/json":      `{"code":"403 Forbidden","message":"Access was denied to this resource.\u003cbr /\u003e\u003cbr /\u003e\n'x' is reserved\n\n","title":"Forbidden"}`,
		"application/json, */*": "<title>403 Forbidden</title>",
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Accept", accept)
		front.GlancePage(w, r, http.StatusForbidden, "", "'x' is reserved")
		if got := w.Body.String(); w.Code != http.StatusForbidden || !strings.Contains(got, want) {
			t.Errorf("accepting %q: %d %q, want %q", accept, w.Code, got, want)
		}
	}
}

func TestLog(t *testing.T) {
	t.Parallel()
	f, url, _ := serve(t)
	for range 2 {
		if _, _, err := post(t, url+"/image/v2/x?a=b"); err != nil {
			t.Fatal(err)
		}
	}
	log := f.Log.Requests()
	if len(log) != 2 {
		t.Fatalf("%d requests, want 2", len(log))
	}
	r := log[1]
	if r.Seq != 2 || r.Method != "POST" || r.Path != "/image/v2/x" || r.Query != "a=b" || r.Status != 201 || r.Project != "p" ||
		r.User != "u" || r.UserAgent != "tester" || r.BodySize != 4 || r.RequestID == "" || r.ConnID == log[0].ConnID {
		t.Errorf("logged %+v", r)
	}
	f.Log.Reset()
	if _, _, err := post(t, url+"/image/v2/x"); err != nil {
		t.Fatal(err)
	}
	if log := f.Log.Requests(); len(log) != 1 || log[0].Seq != 3 {
		t.Errorf("after the reset %+v", log)
	}
}
