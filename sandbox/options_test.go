package sandbox_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/apitest"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

func TestRequestLog(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	c := sandboxtest.Start(t, sandbox.Options{RequestLog: &log})
	c.Faults().Add(sandbox.Rule{Path: "/image/v2/images", Nth: 1, Fault: sandbox.Status(503)})
	demo := apitest.Login(t, c, "demo")
	demo.Do("GET", "/image/v2/images?name=<x>", nil).Want(t, 503)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	var found bool
	for lines := json.NewDecoder(&log); lines.More(); {
		var r sandbox.Request
		if err := lines.Decode(&r); err != nil {
			t.Fatal(err)
		}
		found = found || r.Path == "/image/v2/images" && r.Query == "name=<x>" && r.Status == 503 && r.Fault == "answer 503" &&
			r.Method == "GET" && r.RequestID != "" && r.Project != "" && r.Seq > 0 && !r.Time.IsZero()
	}
	if !found {
		t.Errorf("the log has no line for the request:\n%s", log.String())
	}
}

// A cloud whose clock is off says so in all that it dates, and its tokens last as long as any.
func TestClockOffset(t *testing.T) {
	t.Parallel()
	for _, offset := range []time.Duration{90 * time.Minute, -90 * time.Minute} {
		c := sandboxtest.Start(t, sandbox.Options{ClockOffset: offset})
		demo := apitest.Login(t, c, "demo")
		near := func(what, text string) {
			t.Helper()
			at, err := http.ParseTime(text)
			if err != nil {
				at, err = time.Parse(time.RFC3339, text)
			}
			if off := time.Until(at); err != nil || off < offset-time.Minute || off > offset+time.Minute {
				t.Errorf("%s is %s (%v), want one that is off by %v", what, text, err, offset)
			}
		}
		token := demo.Do("GET", "/identity/v3/auth/tokens", nil, "X-Subject-Token", demo.Token).Want(t, 200)
		near("the answer's date", token.Header.Get("Date"))
		near("the token's begin", fmt.Sprint(token.JSON["token"].(map[string]any)["issued_at"]))
		near("the image's creation", demo.Do("GET", "/image/v2/images/"+demo.NewImage(map[string]any{}), nil).Str("created_at"))
	}
}

func TestPageSizes(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{
		ImageQuotas: sandbox.ImageQuotas{Page: 2, MaxPage: 2}, ServerQuotas: sandbox.ServerQuotas{MaxPage: 2},
		VolumeQuotas: sandbox.VolumeQuotas{MaxPage: 2}, NetworkQuotas: sandbox.NetworkQuotas{MaxPage: 1},
	})
	demo := apitest.Login(t, c, "demo")
	for range 3 {
		demo.NewImage(map[string]any{})
		demo.Do("POST", "/volume/v3/volumes", map[string]any{"volume": map[string]any{"size": 1}}).Want(t, 202)
	}
	for _, tt := range []struct {
		path, name, link string
		size             int
	}{
		{"/image/v2/images", "images", "next", 2},
		{"/image/v2/images?limit=50", "images", "next", 2},
		{"/compute/v2.1/flavors?limit=50", "flavors", "flavors_links", 2},
		{"/volume/v3/volumes?limit=50", "volumes", "volumes_links", 2},
		{"/network/v2.0/networks", "networks", "networks_links", 1},
	} {
		a := demo.Do("GET", tt.path, nil).Want(t, 200)
		if n := len(a.JSON[tt.name].([]any)); n != tt.size || a.JSON[tt.link] == nil {
			t.Errorf("%s: %d objects, next %v; want %d and a link", tt.path, n, a.JSON[tt.link], tt.size)
		}
	}
}

func TestZeroQuota(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{VolumeQuotas: sandbox.VolumeQuotas{Volumes: sandbox.ZeroQuota}})
	demo := apitest.Login(t, c, "demo")
	demo.Do("POST", "/volume/v3/volumes", map[string]any{"volume": map[string]any{"size": 1}}).Want(t, 413)
}
