package registry

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/docker/cli/cli/config/types"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// login finds who we are at a registry, for a repository: the options' logins count over the files'.
func (c *Client) login(name string) func(ctx context.Context, repository string) (types.AuthConfig, error) {
	return func(ctx context.Context, repository string) (types.AuthConfig, error) {
		if l, ok := c.o.Logins[name]; ok {
			return types.AuthConfig{Username: l.User, Password: l.Password}, nil
		}
		if c.o.LoginFiles == nil {
			return types.AuthConfig{}, nil
		}
		return c.o.LoginFiles.login(ctx, name, repository)
	}
}

// auth is how one registry wants to be asked. Tokens are kept by scope, for this registry alone.
type auth struct {
	host  *host
	login func(ctx context.Context, repository string) (types.AuthConfig, error)

	mu        sync.Mutex
	challenge challenge
	tokens    map[string]token
	asking    map[string]*sync.Mutex
}

type challenge struct{ scheme, realm, service string }

type token struct {
	text string
	ends time.Time
}

func newAuth(h *host, login func(context.Context, string) (types.AuthConfig, error)) *auth {
	return &auth{host: h, login: login, tokens: map[string]token{}, asking: map[string]*sync.Mutex{}}
}

// header is what goes into Authorization; empty before the registry has asked for something.
func (a *auth) header(ctx context.Context, s scope) (string, error) {
	a.mu.Lock()
	ch := a.challenge
	a.mu.Unlock()
	switch ch.scheme {
	case "basic":
		return a.basic(ctx, s.repository)
	case "bearer":
		t, err := a.token(ctx, ch, s)
		if err != nil || t == "" {
			return "", err
		}
		return "Bearer " + t, nil
	}
	return "", nil
}

func (a *auth) basic(ctx context.Context, repository string) (string, error) {
	who, err := a.login(ctx, repository)
	if err != nil || who.Username == "" {
		return "", err
	}
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(who.Username, who.Password)
	return r.Header.Get("Authorization"), nil
}

// challenged takes a 401's wish. It reports whether to try again: not if nothing could change.
func (a *auth) challenged(resp *http.Response, s scope, sent string) bool {
	ch := parseChallenge(resp.Header.Values("Www-Authenticate"))
	a.mu.Lock()
	defer a.mu.Unlock()
	fresh := a.challenge != ch && ch.scheme != ""
	if fresh {
		a.challenge = ch
	}
	if t, ok := a.tokens[s.String()]; ok && sent == "Bearer "+t.text {
		delete(a.tokens, s.String()) // it has expired, whatever it said
		return true
	}
	return fresh || sent == "" && a.challenge.scheme != ""
}

// token is a valid token for the scope, asked for once however many wait for it.
func (a *auth) token(ctx context.Context, ch challenge, s scope) (string, error) {
	a.mu.Lock()
	one := a.asking[s.String()]
	if one == nil {
		one = &sync.Mutex{}
		a.asking[s.String()] = one
	}
	a.mu.Unlock()
	one.Lock()
	defer one.Unlock()
	a.mu.Lock()
	t, ok := a.tokens[s.String()]
	a.mu.Unlock()
	if ok && time.Until(t.ends) > 0 {
		return t.text, nil
	}
	t, err := a.ask(ctx, ch, s)
	if err != nil {
		return "", fmt.Errorf("signing in to registry %s: %w", a.host.name, err)
	}
	a.mu.Lock()
	a.tokens[s.String()] = t
	a.mu.Unlock()
	return t.text, nil
}

func (a *auth) ask(ctx context.Context, ch challenge, s scope) (token, error) {
	realm, err := url.Parse(ch.realm)
	if err != nil || realm.Host == "" {
		return token{}, fmt.Errorf("its token service %q is no URL", ch.realm)
	}
	if realm.Scheme != "https" && !(realm.Scheme == "http" && a.host.insecure) {
		return token{}, fault.New(fault.Forbidden, "", "its token service %s://%s has no TLS", realm.Scheme, realm.Host)
	}
	who, err := a.login(ctx, s.repository)
	if err != nil {
		return token{}, err
	}
	r, err := tokenRequest(ctx, realm, ch, s, who)
	if err != nil {
		return token{}, err
	}
	a.host.way.Allow(ch.realm)
	now := time.Now()
	resp, err := a.host.http.Do(r)
	if err != nil {
		return token{}, fault.Wrap(fault.Unavailable, "", fmt.Errorf("token service %s: %w", realm.Host, bare(err)))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		err := answered(resp, "token service "+realm.Host)
		if resp.StatusCode == http.StatusUnauthorized {
			err = a.unauthorized(ctx, err, s.repository, cmp.Or(r.Header.Get("Authorization"), "Basic"))
		}
		return token{}, err
	}
	return parseToken(resp.Body, now)
}

// tokenRequest uses OAuth's form for an identity token, else the query that every service knows.
func tokenRequest(ctx context.Context, realm *url.URL, ch challenge, s scope, who types.AuthConfig) (*http.Request, error) {
	q := realm.Query()
	if ch.service != "" {
		q.Set("service", ch.service)
	}
	for _, one := range s.list() {
		q.Add("scope", one)
	}
	if who.IdentityToken != "" {
		q.Set("grant_type", "refresh_token")
		q.Set("refresh_token", who.IdentityToken)
		q.Set("client_id", "imgctl")
		q["scope"] = []string{strings.Join(s.list(), " ")}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, realm.String(), strings.NewReader(q.Encode()))
		if err == nil {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		return r, err
	}
	realm.RawQuery = q.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, realm.String(), http.NoBody)
	if err == nil && who.Username != "" {
		r.SetBasicAuth(who.Username, who.Password)
	}
	return r, err
}

// parseToken reads token or access_token, and when it ends: expires_in, or Satellite's expires_at.
func parseToken(body io.Reader, now time.Time) (token, error) {
	var answer struct {
		Token       string `json:"token"`
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
		ExpiresAt   string `json:"expires_at"`
	}
	if err := json.NewDecoder(io.LimitReader(body, 1<<20)).Decode(&answer); err != nil {
		return token{}, fmt.Errorf("reading the token: %w", err)
	}
	t := token{text: cmp.Or(answer.Token, answer.AccessToken)}
	if t.text == "" || strings.ContainsAny(t.text, "\r\n") {
		return token{}, fmt.Errorf("the response has no token")
	}
	life := time.Duration(min(max(answer.ExpiresIn, 0), 24*3600)) * time.Second
	if life == 0 {
		life = time.Minute
	}
	t.ends = now.Add(life)
	if at, err := time.Parse(time.RFC3339, answer.ExpiresAt); err == nil && answer.ExpiresIn == 0 {
		t.ends = at
	}
	// A little earlier, so that a request that starts now doesn't arrive too late.
	t.ends = t.ends.Add(-min(10*time.Second, life/5))
	return t, nil
}

var parameter = regexp.MustCompile(`([a-zA-Z_]+)="([^"]*)"`)

// parseChallenge reads Www-Authenticate; Bearer is preferred.
func parseChallenge(headers []string) (ch challenge) {
	for _, header := range headers {
		scheme, rest, _ := strings.Cut(strings.TrimSpace(header), " ")
		scheme = strings.ToLower(scheme)
		if scheme != "bearer" && (scheme != "basic" || ch.scheme == "bearer") {
			continue
		}
		ch = challenge{scheme: scheme}
		for _, p := range parameter.FindAllStringSubmatch(rest, -1) {
			switch strings.ToLower(p[1]) {
			case "realm":
				ch.realm = p[2]
			case "service":
				ch.service = p[2]
			}
		}
	}
	return ch
}

// scope is what a request needs: one repository's actions, and pulling from another for a mount.
type scope struct {
	repository, actions string
	from                string
}

func (s scope) list() []string {
	var all []string
	if s.actions == catalogScope {
		return []string{catalogScope}
	}
	if s.repository != "" {
		all = append(all, "repository:"+s.repository+":"+s.actions)
	}
	if s.from != "" {
		all = append(all, "repository:"+s.from+":pull")
	}
	return all
}

const catalogScope = "registry:catalog:*"

func (s scope) String() string { return strings.Join(slices.Clone(s.list()), " ") }
