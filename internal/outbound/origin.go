package outbound

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Origin is a URL's scheme, host and port, as https://cloud.example:5000; the port is always
// there. It is "" for what isn't an http or https URL.
func Origin(u *url.URL) string {
	scheme, port := strings.ToLower(u.Scheme), u.Port()
	switch {
	case scheme != "http" && scheme != "https" || u.Hostname() == "":
		return ""
	case port == "" && scheme == "https":
		port = "443"
	case port == "":
		port = "80"
	}
	return scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}

// Allow names addresses whose origins may get credentials. Once it was called, no other origin
// does.
func (t *Transport) Allow(addresses ...string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.allowed == nil {
		t.allowed = map[string]bool{}
	}
	for _, a := range addresses {
		if u, err := url.Parse(a); err == nil && Origin(u) != "" {
			t.allowed[Origin(u)] = true
		}
	}
}

// permitted checks that a request with credentials goes where they may go.
func (t *Transport) permitted(req *http.Request) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.allowed == nil || !hasCredentials(req) || t.allowed[Origin(req.URL)] {
		return nil
	}
	return &Refused{To: req.URL.Redacted(), Why: "it is none of the cloud's endpoints, so it gets no token"}
}

// credentials are the headers that have secrets.
var credentials = []string{"X-Auth-Token", "X-Subject-Token", "X-Service-Token", "Authorization", "Proxy-Authorization", "Cookie"}

func hasCredentials(req *http.Request) bool {
	for _, name := range credentials {
		if req.Header.Get(name) != "" {
			return true
		}
	}
	return false
}

// Refused says that an address wasn't followed.
type Refused struct {
	From string // who led there; "" if nobody did
	To   string
	Why  string
}

func (r *Refused) Error() string {
	if r.From == "" {
		return fmt.Sprintf("%s wasn't asked: %s", r.To, r.Why)
	}
	return fmt.Sprintf("%s leads to %s, which wasn't followed: %s", r.From, r.To, r.Why)
}
