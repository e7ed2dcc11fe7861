package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// profiles is a web server with Aquilon profiles and their index.
type profiles struct {
	url    string
	server *http.Server

	mu   sync.Mutex
	has  map[string][]string // packages by personality
	when map[string]int      // in the index, it grows with each change
}

func serveProfiles(ctx context.Context) (*profiles, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &profiles{url: fmt.Sprintf("http://%s/profiles/", listener.Addr()), has: map[string][]string{}, when: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /profiles/profiles-info.xml", p.index)
	mux.HandleFunc("GET /profiles/{file}", p.profile)
	p.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = p.server.Serve(listener) }() // until close
	return p, nil
}

func (p *profiles) close() { _ = p.server.Close() }

// set changes a personality's profile.
func (p *profiles) set(personality string, packages ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.has[personality] = packages
	p.when[personality]++
}

const suffix = ".cloud.template.json"

func (p *profiles) index(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var lines []string
	for personality, n := range p.when {
		lines = append(lines, fmt.Sprintf("<profile mtime='%d'>%s%s</profile>\n", n, personality, suffix))
	}
	slices.Sort(lines)
	_, _ = fmt.Fprintf(w, "<profiles>\n%s</profiles>\n", strings.Join(lines, ""))
}

type named struct {
	Name string `json:"name"`
}

func (p *profiles) profile(w http.ResponseWriter, r *http.Request) {
	personality := strings.TrimSuffix(r.PathValue("file"), suffix)
	p.mu.Lock()
	packages, ok := p.has[personality]
	p.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{
		"system": map[string]any{
			"personality": named{personality}, "archetype": named{"ral-tier1"},
			"os": map[string]any{"distribution": named{"sl"}, "version": named{"7x"}, "architecture": "x86_64"},
		},
		"software": packages,
	})
}
