// Package fronttest starts a front with one service, for tests of what stands in front of services.
package fronttest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

type anybody struct{}

func (anybody) Authenticate(token string) (front.Caller, bool) {
	return front.Caller{ProjectID: "p", UserID: "u"}, token == "good"
}

// New makes a front with one service at /image that counts its calls, and answers with what it was asked. It takes
// the token "good"; page writes its errors.
func New(page func(http.ResponseWriter, *http.Request, int, string)) (f *front.Front, calls *atomic.Int64) {
	calls = &atomic.Int64{}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		calls.Add(1)
		answer.JSON(w, http.StatusCreated, map[string]string{
			"path": r.URL.Path, "base": front.Base(r),
			"project": front.CallerOf(r).ProjectID,
		})
	})
	return front.New(anybody{}, front.Service{Prefix: "/image", Handler: h, Error: page}), calls
}

// Start serves the front until the test ends.
func Start(t *testing.T, f *front.Front) (url string) {
	t.Helper()
	s := httptest.NewUnstartedServer(f)
	s.Config.ConnContext = f.ConnContext
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}

// Post sends a request on a connection of its own.
func Post(t *testing.T, url string) (*http.Response, string, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Auth-Token", "good")
	r.Header.Set("User-Agent", "tester")
	r.Header.Set("Accept", "*/*")
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(r)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp, string(text), err
}
