package outbound

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
	"sync"
)

const (
	maxPages  = 10_000 // of one list
	maxChains = 1_000  // lists that are read at the same time
)

// pages remembers for each link that was handed out which pages led to it, so that a list that
// comes back to one of its pages, or never ends, is found out.
type pages struct {
	mu     sync.Mutex
	chains map[string]*chain
	order  []string // of the links, oldest first
}

// chain is the pages of a list so far.
type chain struct{ seen map[string]bool }

// step notes that the page that was asked for links to next.
func (p *pages) step(req *http.Request, next *url.URL) error {
	return p.link(req.URL, next, key(req.URL, req), key(next, req))
}

// link notes that one page, which has the key here, links to another.
func (p *pages) link(from, next *url.URL, here, there string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.chains[here]
	if c == nil {
		c = &chain{seen: map[string]bool{}}
	}
	delete(p.chains, here)
	c.seen[here] = true
	switch {
	case c.seen[there]:
		return &Refused{From: from.Redacted(), To: next.Redacted(), Why: "the list goes in a circle"}
	case len(c.seen) >= maxPages:
		return &Refused{From: from.Redacted(), To: next.Redacted(), Why: fmt.Sprintf("the list has more than %d pages", maxPages)}
	}
	if p.chains == nil {
		p.chains = map[string]*chain{}
	}
	p.chains[there] = c
	if p.order = append(p.order, there); len(p.order) > maxChains {
		delete(p.chains, p.order[0])
		p.order = p.order[1:]
	}
	return nil
}

// key is the page that the address has. Of its path only the end counts: Glance's links don't know
// the folder that a proxy put before it. The token tells lists of several projects apart.
func key(u *url.URL, req *http.Request) string {
	folder, name := path.Split(u.Path)
	return req.Header.Get("X-Auth-Token") + " " + Origin(u) + "/" + path.Base(folder) + "/" + name + "?" + u.Query().Encode()
}

var nextLink = regexp.MustCompile(`<([^>]*)>\s*;[^,]*\brel="?next"?`)

// Lists are lists whose pages are linked by the Link header. It is safe for concurrent use.
type Lists struct{ pages pages }

// Next is where a list goes on, nil at its end. Like the links of JSON lists, it stays at the address
// that was asked, and a list that has no end is Refused.
func (l *Lists) Next(resp *http.Response) (*url.URL, error) {
	m := nextLink.FindStringSubmatch(strings.Join(resp.Header.Values("Link"), ", "))
	if m == nil {
		return nil, nil
	}
	asked := resp.Request.URL
	next, _, err := nextPage(asked, m[1])
	if err != nil {
		return nil, err
	}
	return next, l.pages.link(asked, next, asked.String(), next.String())
}
