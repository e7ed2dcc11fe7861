package conformance

import (
	"encoding/json"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
)

// services are those of the stand-in, with the version in their URL and the one they claim.
var services = []struct{ kind, name, version, claims string }{
	{"identity", "keystone", "v3", "v3.14"},
	{"image", "glance", "v2", "v2.16"},
	{"compute", "nova", "v2.1", "v2.1"},
	{"network", "neutron", "v2.0", "v2.0"},
	{"volumev3", "cinder", "v3", "v3.70"},
	{"block-storage", "cinder", "v3", "v3.70"},
	{"baremetal", "ironic", "v1", "v1"},
}

func (c *Cloud) catalog() string {
	var entries []map[string]any
	for _, s := range services {
		entries = append(entries, map[string]any{"type": s.kind, "name": s.name, "id": s.kind, "endpoints": []map[string]string{{
			"id": s.kind, "interface": "public", "region": "RegionOne", "region_id": "RegionOne", "url": c.url(s.kind, s.version),
		}}})
	}
	text, err := json.Marshal(entries)
	if err != nil {
		panic(err) // it is made of strings
	}
	return string(text)
}

// ServeHTTP is the cloud's services.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status, body, then := c.answer(r)
	if then != nil {
		then()
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Openstack-Request-Id", "req-conformance")
	w.WriteHeader(status)
	if status != http.StatusNoContent {
		_ = json.NewEncoder(w).Encode(body)
	}
}

// answer is the answer to a request; then is called before it is sent.
func (c *Cloud) answer(r *http.Request) (status int, body any, then func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	status, body = c.decide(r)
	if c.store != nil && c.store.written && c.store.wrote != nil {
		then, c.store.wrote = c.store.wrote, nil
	}
	return status, body, then
}

func (c *Cloud) decide(r *http.Request) (status int, body any) {
	problem := func(status int) (int, any) {
		return status, map[string]any{"error": map[string]any{"code": status, "title": http.StatusText(status), "message": "conformance: " +
			http.StatusText(status)}}
	}
	service, below, _ := strings.Cut(strings.Trim(r.URL.Path, "/"), "/")
	if c.failing {
		return problem(http.StatusServiceUnavailable)
	}
	if version, ok := c.version(service); ok && (below == "" || !strings.Contains(below, "/") && below[0] == 'v') {
		if below == "" {
			return http.StatusOK, map[string]any{"versions": []any{version}}
		}
		return http.StatusOK, map[string]any{"version": version}
	}
	i := slices.IndexFunc(c.tokens, func(g grant) bool { return g.token == r.Header.Get("X-Auth-Token") })
	if i < 0 {
		return problem(http.StatusUnauthorized)
	}
	c.requests++
	if g := c.tokens[i]; c.expired && !g.renewed {
		c.refused[g.cloud]++
		return problem(http.StatusUnauthorized)
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		c.writes = append(c.writes, r.Method+" "+r.URL.Path)
		if _, rest, ok := strings.Cut(below, "/images"); ok && c.store != nil && service == "image" {
			if status, body, known := c.write(r, strings.Trim(rest, "/"), c.tokens[i]); known {
				c.store.written = true
				return status, body
			}
		}
		c.lacks = append(c.lacks, r.Method+" "+r.URL.Path)
		return problem(http.StatusForbidden)
	}
	status, body = c.read(below, r.URL.Query(), c.tokens[i], problem)
	if status == http.StatusNotFound {
		c.lacks = append(c.lacks, r.Method+" "+r.URL.Path)
	}
	return status, body
}

// read is an empty list for a collection, and 404 for what is in one, but for the image.
func (c *Cloud) read(below string, query url.Values, caller grant, problem func(int) (int, any)) (int, any) {
	if _, rest, ok := strings.Cut(below, "/images"); ok || below == "images" {
		images := c.images
		if c.store != nil {
			images = c.found
		}
		if body := images(strings.Trim(rest, "/"), query, caller); body != nil {
			return http.StatusOK, body
		}
		return problem(http.StatusNotFound)
	}
	collection := path.Base(below)
	if collection == "detail" {
		collection = path.Base(path.Dir(below))
	}
	if !strings.HasSuffix(collection, "s") {
		return problem(http.StatusNotFound)
	}
	return http.StatusOK, map[string]any{collection: []any{}}
}

// version is the service's answer to what versions it has.
func (c *Cloud) version(service string) (map[string]any, bool) {
	for _, s := range services {
		if s.kind == service {
			return map[string]any{
				"id": s.claims, "status": "CURRENT", "version": "", "min_version": "",
				"links": []any{map[string]string{"rel": "self", "href": c.url(s.kind, s.version) + "/"}},
			}, true
		}
	}
	return nil, false
}
