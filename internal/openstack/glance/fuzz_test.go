package glance

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
)

// pages are what a list's requests get, in turn, the last one for ever.
type pages struct {
	t      *testing.T
	bodies [][]byte
	asked  int
}

func (p *pages) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Host != "glance.example" {
		p.t.Errorf("%s was asked", req.URL)
	}
	body := p.bodies[min(p.asked, len(p.bodies)-1)]
	p.asked++
	return &http.Response{
		StatusCode: http.StatusOK, Request: req, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewReader(body)),
	}, nil
}

// Whatever the pages of a list are, listing ends, and sends no requests else.
func FuzzAList(f *testing.F) {
	f.Add([]byte(`{"images":[{"id":"1","name":"n","size":1,"tags":["t"]}],"next":"/v2/images?marker=1"}`), []byte(`{"images":[]}`))
	f.Add([]byte(`{"images":[{"id":1,"os_hidden":"x"}]}`), []byte(``))
	f.Add([]byte(`{"images":[{}],"next":"http://evil.example/images/x"}`), []byte(`{"images":null}`))
	f.Add([]byte("{\"images\":[{}],\"next\":\"http://evil.example/im\xffges/x\"}"), []byte(`{"images":null}`))
	f.Add([]byte(`[]`), []byte(`{`))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		p := &pages{t: t, bodies: [][]byte{first, second, []byte(`{"images":[]}`)}}
		pc := &gophercloud.ProviderClient{HTTPClient: http.Client{Transport: p}}
		sc := &gophercloud.ServiceClient{ProviderClient: pc, Endpoint: "https://glance.example/v2/", Type: "image"}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		images, err := New(sc).Images(ctx, Query{Name: "n"})
		if err != nil {
			_ = err.Error()
		}
		_ = List(images)
	})
}
