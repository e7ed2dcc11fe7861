package hosttest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/test/hosttest"
)

// A host reaches what it is given and nothing else, and what is sent while its cable is cut arrives afterwards.
func TestHost(t *testing.T) {
	h := hosttest.New(t)
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "answer") })
	given, other := httptest.NewServer(answer), httptest.NewServer(answer)
	defer given.Close()
	defer other.Close()
	h.Reach(t, given.Listener.Addr().String())
	get := func(url string) string {
		out, _ := h.Command(t.Context(), "bash", "-c", `exec 3<>/dev/tcp/$0 && printf 'GET / HTTP/1.0\r\n\r\n' >&3 && cat <&3`,
			strings.Replace(strings.TrimPrefix(url, "http://"), ":", "/", 1)).CombinedOutput()
		return string(out)
	}
	if got := get(given.URL); !strings.HasSuffix(got, "answer") {
		t.Errorf("got %q", got)
	}
	if got := get(other.URL); !strings.Contains(got, "refused") {
		t.Errorf("what it wasn't given: %q", got)
	}
	h.Cut(t, true)
	got := make(chan string)
	go func() { got <- get(given.URL) }()
	select {
	case text := <-got:
		t.Errorf("with the cable cut: %q", text)
	case <-time.After(time.Second):
	}
	h.Cut(t, false)
	select {
	case text := <-got:
		if !strings.HasSuffix(text, "answer") {
			t.Errorf("with the cable mended: %q", text)
		}
	case <-time.After(time.Minute):
		t.Error("no answer with the cable mended")
	}
}
