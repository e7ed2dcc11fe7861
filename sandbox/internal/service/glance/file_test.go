package glance_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/apitest"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/inside"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

const octets = "application/octet-stream"

func image(r *apitest.Client, id string) apitest.Answer {
	r.T.Helper()
	return r.Do("GET", "/image/v2/images/"+id, nil).Want(r.T, http.StatusOK)
}

func TestUpload(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{ImageQuotas: sandbox.ImageQuotas{SizeTotal: 10}})
	demo, reader := apitest.Login(t, c, "demo"), apitest.Login(t, c, "reader")
	bare := demo.NewImage(map[string]any{"name": "no formats"})
	id := demo.NewImage(map[string]any{"disk_format": "raw", "container_format": "bare"})
	file := "/image/v2/images/" + id + "/file"
	demo.Do("GET", file, nil).Want(t, 204)
	demo.Do("PUT", "/image/v2/images/"+bare+"/file", "x", "Content-Type", octets).Want(t, 400)
	demo.Do("PUT", file, "x").Want(t, 415)
	reader.Do("PUT", file, "x", "Content-Type", octets).Want(t, 403)
	if got := demo.Do("PUT", file, "twelve bytes", "Content-Type", octets).Want(t, 413); !strings.Contains(got.Text, "10 bytes remaining") {
		t.Errorf("over quota: %s", got.Text)
	}
	if got := image(demo, id); got.Str("status") != "queued" || got.JSON["size"] != nil {
		t.Errorf("after the refused upload: %s", got.Text)
	}
	demo.Do("PUT", file, "content", "Content-Type", octets).Want(t, 204)
	demo.Do("PUT", file, "content", "Content-Type", octets).Want(t, 409)
	i := image(demo, id)
	for k, want := range map[string]string{
		"status": "active", "size": "7", "checksum": "9a0364b9e99bb480dd25e1f0284c8555", "os_hash_algo": "sha512", "stores": "file",
		"os_hash_value": "b2d1d285b5199c85f988d03649c37e44fd3dde01e5d69c50fef90651962f48110e9340b60d49a479c4c0b53f5f07d690686dd87d2481937a512e8b85ee7c617f",
	} {
		if i.Str(k) != want {
			t.Errorf("%s %q, want %q", k, i.Str(k), want)
		}
	}
	got := demo.Do("GET", file, nil).Want(t, 200)
	if got.Text != "content" || got.Header.Get("Content-Md5") != i.Str("checksum") || got.Header.Get("Content-Type") != octets {
		t.Errorf("downloaded %q, %v", got.Text, got.Header)
	}
	if part := demo.Do("GET", file, nil, "Range", "bytes=3-").Want(t, 206); part.Text != "tent" {
		t.Errorf("part %q", part.Text)
	}
	second := demo.NewImage(map[string]any{"disk_format": "raw", "container_format": "bare"})
	demo.Do("PUT", "/image/v2/images/"+second+"/file", "1234", "Content-Type", octets).Want(t, 413)
	demo.Do("PUT", "/image/v2/images/"+second+"/file", "123", "Content-Type", octets).Want(t, 204)
}

// importImage asks for an import and waits until its task is over.
func importImage(t *testing.T, r *apitest.Client, id string, method map[string]any, status string) {
	t.Helper()
	r.Do("POST", "/image/v2/images/"+id+"/import", map[string]any{"method": method}).Want(t, 202)
	apitest.Eventually(t, "the import's end", func() bool {
		return strings.Contains(r.Do("GET", "/image/v2/images/"+id+"/tasks", nil).Text, `"status":"`+status+`"`)
	})
}

func TestWebDownload(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/image":
			_, _ = w.Write([]byte("content"))
		case "/away":
			http.Redirect(w, r, "http://192.0.2.1/", http.StatusFound)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(web.Close)
	c := sandboxtest.Start(t, sandbox.Options{})
	demo := apitest.Login(t, c, "demo")
	fields := map[string]any{"disk_format": "qcow2", "container_format": "bare"}
	method := func(uri string) map[string]any { return map[string]any{"name": "web-download", "uri": uri} }

	id := demo.NewImage(fields)
	_, release := inside.Of(c).Clock.Hold()
	demo.Do("POST", "/image/v2/images/"+id+"/import", map[string]any{"method": method(web.URL + "/image")}).Want(t, 202)
	if got := image(demo, id).Str("status"); got != "importing" {
		t.Errorf("status %q while importing", got)
	}
	release()
	apitest.Eventually(t, "the image", func() bool { return image(demo, id).Str("status") == "active" })
	if got := demo.Do("GET", "/image/v2/images/"+id+"/file", nil); got.Text != "content" {
		t.Errorf("imported %q", got.Text)
	}
	demo.Do("POST", "/image/v2/images/"+id+"/import", map[string]any{"method": method(web.URL + "/image")}).Want(t, 409)

	for path, message := range map[string]string{"/missing": "HTTP Error 404", "/away": "does not pass filtering"} {
		id := demo.NewImage(fields)
		importImage(t, demo, id, method(web.URL+path), "failure")
		if got := demo.Do("GET", "/image/v2/images/"+id+"/tasks", nil); !strings.Contains(got.Text, message) {
			t.Errorf("tasks of the import of %s: %s", path, got.Text)
		}
		if got := image(demo, id); got.Str("status") != "queued" || got.Str("os_glance_failed_import") != "file" {
			t.Errorf("%s: %s", path, got.Text)
		}
	}
	for name, tt := range map[string]struct {
		fields, method map[string]any
		status         int
	}{
		"not loopback":        {fields, method("http://192.0.2.1/x"), 400},
		"not HTTP":            {fields, method("file:///etc/passwd"), 400},
		"unknown method":      {fields, map[string]any{"name": "teleport"}, 400},
		"no format":           {map[string]any{}, method(web.URL), 409},
		"nothing staged":      {fields, map[string]any{"name": "glance-direct"}, 409},
		"no container format": {map[string]any{"disk_format": "raw"}, method(web.URL), 409},
	} {
		id := demo.NewImage(tt.fields)
		if got := demo.Do("POST", "/image/v2/images/"+id+"/import", map[string]any{"method": tt.method}); got.Status != tt.status {
			t.Errorf("%s: %d %s, want %d", name, got.Status, got.Text, tt.status)
		}
	}
}

func TestGlanceDirect(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{})
	demo := apitest.Login(t, c, "demo")
	id := demo.NewImage(map[string]any{"disk_format": "raw", "container_format": "bare"})
	demo.Do("PUT", "/image/v2/images/"+id+"/stage", "content", "Content-Type", octets).Want(t, 204)
	if got := image(demo, id).Str("status"); got != "uploading" {
		t.Errorf("status %q after staging", got)
	}
	demo.Do("PUT", "/image/v2/images/"+id+"/stage", "content", "Content-Type", octets).Want(t, 409)
	importImage(t, demo, id, map[string]any{"name": "glance-direct"}, "success")
	if got := image(demo, id); got.Str("status") != "active" || got.Str("size") != "7" {
		t.Errorf("imported %s", got.Text)
	}
	if got := demo.Do("GET", "/image/v2/info/import", nil); !strings.Contains(got.Text, `"glance-direct","web-download"`) {
		t.Errorf("info %s", got.Text)
	}
}
