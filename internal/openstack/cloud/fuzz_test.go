package cloud

import (
	"bytes"
	"io"
	"net/http"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
)

// answers is a server that says the same to everybody.
type answers struct {
	status int
	kind   string
	body   []byte
}

func (a answers) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: 200 + a.status%400, Request: req, Header: http.Header{"Content-Type": {a.kind}, "X-Subject-Token": {"t"}},
		Body: io.NopCloser(bytes.NewReader(a.body)),
	}, nil
}

// Whatever Keystone answers, signing in ends with a cloud whose services can be asked for, or with an
// error that can be explained.
func FuzzKeystonesAnswer(f *testing.F) {
	f.Add(1, "application/json", []byte(`{"token":{"catalog":[{"type":"image","endpoints":[{"url":"http://x/v2","interface":"public","region":"R"}]}],"project":{"id":"p"},"user":{},"roles":[{"name":"member"}]}}`))
	f.Add(201, "application/json", []byte(`{"error":{"message":"no","code":401}}`))
	f.Add(0, "text/html", []byte("<html><h1>Hello"))
	f.Add(1, "application/json", []byte(`{"token":{"catalog":{"a":1},"project":[],"roles":"x"}}`))
	f.Fuzz(func(t *testing.T, status int, kind string, body []byte) {
		if status < 0 {
			return
		}
		s := &settings{base: "https://keystone.example/", names: names{cloud: "t", endpoint: "auth_url"}}
		s.auth = gophercloud.AuthOptions{IdentityEndpoint: s.base, Username: "u", Password: "p", DomainID: "default"}
		pc := newProvider(s.base, nil)
		pc.HTTPClient = http.Client{Transport: answers{status, kind, body}}
		if err := signIn(t.Context(), pc, s.auth); err != nil {
			_ = s.explain(err).Error()
			return
		}
		tr := newTransport(nil, "")
		defer tr.Close()
		c := &Cloud{name: "t", provider: pc, transport: tr, avail: gophercloud.AvailabilityPublic}
		project, err := c.readToken()
		if err != nil {
			_ = Classify(err).Error()
			return
		}
		c.prepareTransport()
		_ = (&wish{project: "p", region: "R"}).fulfilled(c, project)
		for _, service := range services {
			if sc, err := c.client(service); err == nil && c.unsafe(sc.Endpoint) {
				t.Errorf("the %s service is asked at %s", service.name, sc.Endpoint)
			}
		}
		if _, err := c.Grant(); err != nil {
			t.Error(err)
		}
	})
}
