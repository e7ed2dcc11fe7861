package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"go.yaml.in/yaml/v3"
)

// proxy stands on loopback between a plugin and the services of a cloud, and counts. Keystone's
// answers name its addresses in place of the services'.
type proxy struct {
	servers               []*http.Server
	addresses             map[string]string // of the proxy, by the service's
	requests, connections atomic.Int64
}

// startProxy writes a clouds.yaml with the entry "bench", which goes through the proxy.
func startProxy(ctx context.Context, file, entry, out string) (_ *proxy, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var in struct {
		Clouds map[string]map[string]any `yaml:"clouds"`
	}
	if err := yaml.Unmarshal(text, &in); err != nil {
		return nil, err
	}
	auth, ok := in.Clouds[entry]["auth"].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%q has no entry %q", file, entry)
	}
	identity, err := url.Parse(fmt.Sprint(auth["auth_url"]))
	if err != nil {
		return nil, err
	}
	p := &proxy{addresses: map[string]string{}}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	// The ports that OpenStack's services have.
	for _, port := range []string{identity.Port(), "9292", "8774", "9696", "8776"} {
		if err := p.serve(ctx, net.JoinHostPort(identity.Hostname(), port)); err != nil {
			return nil, err
		}
	}
	auth["auth_url"] = p.through(identity.String())
	if text, err = yaml.Marshal(map[string]any{"clouds": map[string]any{"bench": in.Clouds[entry]}}); err != nil {
		return nil, err
	}
	return p, os.WriteFile(out, text, 0o600)
}

// serve passes on what comes for one service.
func (p *proxy) serve(ctx context.Context, service string) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	p.addresses[service] = listener.Addr().String()
	reverse := &httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: service}) },
		ModifyResponse: p.rename,
	}
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			p.requests.Add(1)
			reverse.ServeHTTP(w, r)
		}),
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				p.connections.Add(1)
			}
		},
		ReadHeaderTimeout: time.Minute,
	}
	p.servers = append(p.servers, server)
	go func() { _ = server.Serve(listener) }() // ends by close
	return nil
}

// rename puts the proxy's addresses in place of the services' into answers, above all the catalog.
func (p *proxy) rename(r *http.Response) error {
	r.Header.Del("Connection") // whether the service keeps connections says nothing about the plugin
	r.Close = false
	if location := r.Header.Get("Location"); location != "" {
		r.Header.Set("Location", p.through(location))
	}
	if !strings.Contains(r.Header.Get("Content-Type"), "json") {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	body = []byte(p.through(string(body)))
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	return nil
}

func (p *proxy) through(text string) string {
	for service, address := range p.addresses {
		text = strings.ReplaceAll(text, "http://"+service, "http://"+address)
	}
	return text
}

func (p *proxy) counted() (requests, connections int) {
	return int(p.requests.Load()), int(p.connections.Load())
}

func (p *proxy) close() {
	for _, s := range p.servers {
		s.Close()
	}
}
