package front_test

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front/fronttest"
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

func TestLog(t *testing.T) {
	t.Parallel()
	f, url, _ := serve(t)
	for range 2 {
		if _, _, err := fronttest.Post(t, url+"/image/v2/x?a=b"); err != nil {
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
	if _, _, err := fronttest.Post(t, url+"/image/v2/x"); err != nil {
		t.Fatal(err)
	}
	if log := f.Log.Requests(); len(log) != 1 || log[0].Seq != 3 {
		t.Errorf("after the reset %+v", log)
	}
}

func serve(t *testing.T) (f *front.Front, url string, calls *atomic.Int64) {
	t.Helper()
	f, calls = fronttest.New(answer.Keystone)
	return f, fronttest.Start(t, f), calls
}
