package outbound

import (
	"net/http"
	"net/url"
	"strings"
)

// Moved says that a server answered with a redirect to another origin, to which nothing was sent.
type Moved struct{ From, To string }

func (m *Moved) Error() string {
	return m.From + " has moved: it redirects to " + m.To + ", which wasn't followed, as it is another server"
}

func isRedirect(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// follow is the request that a redirect asks for. The method and the body stay the same, as
// keystoneauth has it, but for 303, which says to read the result.
func (t *Transport) follow(req *http.Request, resp *http.Response, hop int) (*http.Request, error) {
	from := shown(req.URL)
	to, err := req.URL.Parse(resp.Header.Get("Location"))
	switch {
	case resp.Header.Get("Location") == "" || err != nil || Origin(to) == "":
		return nil, &Refused{From: from, To: "an unusable address", Why: "its redirect names no http or https address"}
	case hop >= maxHops:
		return nil, &Refused{From: from, To: shown(to), Why: "there are too many redirects in a row"}
	}
	next := req.Clone(req.Context())
	next.URL, next.Host = to, ""
	if resp.StatusCode == http.StatusSeeOther && req.Method != http.MethodHead {
		next.Method, next.Body, next.GetBody, next.ContentLength = http.MethodGet, nil, nil, 0
		next.Header.Del("Content-Type")
	}
	switch {
	case sameServer(req.URL, to):
	case !t.policy.Leave:
		return nil, &Moved{From: from, To: shown(to)}
	case req.URL.Scheme == "https" && to.Scheme == "http":
		return nil, &Refused{From: from, To: shown(to), Why: "it has no TLS"}
	case next.Body != nil && next.Body != http.NoBody:
		return nil, &Moved{From: from, To: shown(to)}
	default:
		to.User = nil
		for _, name := range credentials {
			next.Header.Del(name)
		}
	}
	if next.Body != nil && next.Body != http.NoBody {
		if req.GetBody == nil {
			return nil, &Refused{From: from, To: shown(to), Why: "its body can't be sent twice"}
		}
		if next.Body, err = req.GetBody(); err != nil {
			return nil, err
		}
	}
	return next, nil
}

// sameServer reports whether both addresses have the same origin, or the second one is the same
// host's with TLS where the first has none: who could read there could read here.
func sameServer(from, to *url.URL) bool {
	return Origin(from) == Origin(to) ||
		from.Scheme == "http" && to.Scheme == "https" && strings.EqualFold(from.Hostname(), to.Hostname())
}

// shown is an address without its password, and without what is behind the question mark, which may
// be a signature.
func shown(u *url.URL) string {
	short := *u
	if short.RawQuery != "" {
		short.RawQuery = "…"
	}
	return short.Redacted()
}
