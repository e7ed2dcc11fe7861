package upload_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/upload"
	"github.com/imgctl/packer-plugin-openstack/internal/outbound"
)

// cut serves data and cuts each answer off after some bytes.
func cut(data string, after int, ranges bool, asked *[]string) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		*asked = append(*asked, r.Header.Get("Range"))
		if !ranges {
			r.Header.Del("Range")
		}
		http.ServeContent(&cutting{rw, after}, r, "", time.Unix(1e9, 0), strings.NewReader(data))
	}
}

type cutting struct {
	http.ResponseWriter
	left int
}

func (c *cutting) Write(b []byte) (int, error) {
	if c.left -= len(b); c.left < 0 {
		panic(http.ErrAbortHandler)
	}
	return c.ResponseWriter.Write(b)
}

func TestDownloadIsResumed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	data := disk(5 << 20)
	var asked []string
	img, err := w.stage(with(upload.Web(client(), serve(t, cut(data, 2<<20, true, &asked)), nil), data))
	if err != nil {
		t.Fatal(err)
	}
	if w.stored(img) != data {
		t.Error("the service has other data")
	}
	if len(asked) < 3 || asked[0] != "" || !strings.HasPrefix(asked[1], "bytes=") || asked[1] == "bytes=0-" {
		t.Errorf("it asked for %q", asked)
	}
}

func TestServerWithoutRanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	data := disk(5 << 20)
	n := 0
	address := serve(t, func(rw http.ResponseWriter, r *http.Request) {
		n++
		var asked []string
		cut(data, n*2<<20, false, &asked)(rw, r)
	})
	img, err := w.stage(with(upload.Web(client(), address, nil), data))
	if err != nil {
		t.Fatal(err)
	}
	if w.stored(img) != data || n != 3 {
		t.Errorf("after %d requests the service has other data", n)
	}
}

func TestStoresThatMisbehave(t *testing.T) {
	t.Parallel()
	data := disk(3 << 20)
	var opened atomic.Int32
	for name, c := range map[string]struct {
		serve http.HandlerFunc
		kind  fault.Kind
		text  string
	}{
		"an object that ends early, each time": {func(rw http.ResponseWriter, r *http.Request) {
			var asked []string
			cut(data+"more", 0, true, &asked)(rw, r)
		}, fault.Unavailable, "EOF"},
		"an object that is replaced meanwhile": {func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Etag", fmt.Sprintf(`"%d"`, opened.Add(1)))
			var asked []string
			cut(data, 2<<20, true, &asked)(rw, r)
		}, fault.Conflict, "was replaced"},
		"another range than was asked for": {func(rw http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") == "" {
				rw.Header().Set("Content-Length", fmt.Sprint(len(data)))
				fmt.Fprint(rw, data[:2<<20])
				panic(http.ErrAbortHandler)
			}
			rw.Header().Set("Content-Range", fmt.Sprintf("bytes 0-%d/%d", len(data)-1, len(data)))
			rw.WriteHeader(http.StatusPartialContent)
			fmt.Fprint(rw, data)
		}, fault.Unavailable, "sent the range"},
		"nothing":   {http.NotFound, fault.NotFound, "404"},
		"a sign-in": {func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusUnauthorized) }, fault.Forbidden, "401"},
		"a redirect to a file": {func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, "file:///etc/passwd", http.StatusFound)
		}, fault.Forbidden, "no http"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			_, err := w.stage(with(upload.Web(client(), serve(t, c.serve), nil), data))
			if !fault.Is(err, c.kind) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("error is %v (%s), want %q of kind %s", err, fault.KindOf(err), c.text, c.kind)
			}
			w.empty()
		})
	}
}

// A store that sends a byte now and then is given up.
func TestDataThatDrips(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	slow := &http.Client{Transport: outbound.New(outbound.Policy{MaxBody: -1, Idle: 50 * time.Millisecond})}
	source := with(upload.Web(slow, serve(t, func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Length", "1000000000")
		for r.Context().Err() == nil {
			fmt.Fprint(rw, "x")
			rw.(http.Flusher).Flush()
			time.Sleep(time.Millisecond)
		}
	}), nil), "")
	if _, err := w.stage(source); !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "took too long") {
		t.Errorf("error is %v (%s)", err, fault.KindOf(err))
	}
	w.empty()
}

// What a store was given to sign in doesn't follow a redirect to another host, nor shows in errors.
func TestCredentialsStayWithTheStore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	data := disk(1000)
	var got http.Header
	elsewhere := serve(t, func(rw http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		fmt.Fprint(rw, data)
	})
	address := serve(t, func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, strings.Replace(elsewhere, "127.0.0.1", "localhost", 1), http.StatusFound)
	})
	header := http.Header{"X-Auth-Token": {"secret"}, "Authorization": {"Bearer secret"}}
	s := with(upload.Web(client(), address+"?signature=secret", header), data)
	if _, err := w.stage(s); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(fmt.Sprint(got), "secret") || got == nil {
		t.Errorf("the other host got %v", got)
	}
	if strings.Contains(s.Name, "secret") || s.URL != "" {
		t.Errorf("source is %q, for clouds %q", s.Name, s.URL)
	}
}
