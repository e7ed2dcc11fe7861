package sync_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/sync/store"
)

// streams puts an index of one product with two versions into the store; sign makes it what is served.
func (w *world) streams(path string, sign func(string) string) {
	item := func(data, path string) map[string]any {
		return map[string]any{"items": map[string]any{"disk1.img": map[string]any{
			"ftype": "disk1.img", "path": path, "sha256": sum(data), "size": len(data),
		}}}
	}
	products, _ := json.Marshal(map[string]any{"products": map[string]any{"p": map[string]any{
		"arch": "amd64", "os": "ubuntu", "release": "noble", "version": "24.04",
		"versions": map[string]any{"20240901": item("old", "server/old.raw"), "20241001.1": item("streamed", path)},
	}}})
	index, _ := json.Marshal(map[string]any{"index": map[string]any{"d": map[string]any{
		"datatype": "image-downloads", "path": "streams/v1/products.json",
	}}})
	w.put("u/streams/v1/index.json", sign(string(index)), nil)
	w.put("u/streams/v1/products.json", sign(string(products)), nil)
	w.put("u/server/new.raw", "streamed", nil)
}

func TestSimplestreams(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plain := func(text string) string { return text }
	w.streams("server/new.raw", plain)
	s := &store.Streams{
		Get: store.NewGetter(), Index: w.URL + "/v1/u/streams/v1/index.json",
		Images: []store.Wish{{Release: "24.04", Arch: "amd64", Type: "disk1.img", Name: "noble"}},
	}
	w.options.From[0].Store = s
	w.mustSync()
	w.one("noble", "streamed")
	if p := w.mustSync(); !p.Done() {
		t.Errorf("the second run brings %v", p.Rows())
	}

	for _, bad := range []string{"../../../secret", "/etc/passwd", "http://elsewhere.example/x", `a\..\b`} {
		w.streams(bad, plain)
		if _, err := w.sync(); !fault.Is(err, fault.Forbidden) || !strings.Contains(err.Error(), "leads out of") {
			t.Errorf("%s: error is %v", bad, err)
		}
	}
	s.Images[0].Arch = "riscv64"
	if _, err := w.sync(); !fault.Is(err, fault.NotFound) {
		t.Errorf("error is %v", err)
	}
}

func TestSignedSimplestreams(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, err := openpgp.NewEntity("publisher", "", "publisher@example.org", nil)
	if err != nil {
		t.Fatal(err)
	}
	other, err := openpgp.NewEntity("other", "", "other@example.org", nil)
	if err != nil {
		t.Fatal(err)
	}
	by := func(e *openpgp.Entity) func(string) string {
		return func(text string) string {
			var b bytes.Buffer
			c, err := clearsign.Encode(&b, e.PrivateKey, nil)
			if err == nil {
				_, err = c.Write([]byte(text))
			}
			if err == nil {
				err = c.Close()
			}
			if err != nil {
				t.Fatal(err)
			}
			return b.String()
		}
	}
	var public bytes.Buffer
	if err := key.Serialize(&public); err != nil {
		t.Fatal(err)
	}
	w.options.From[0].Store = &store.Streams{
		Get: store.NewGetter(), Index: w.URL + "/v1/u/streams/v1/index.json", Keys: public.Bytes(),
		Images: []store.Wish{{Release: "noble", Arch: "amd64", Type: "disk1.img", Name: "noble"}},
	}
	for _, sign := range []func(string) string{by(other), func(text string) string { return text }} {
		w.streams("server/new.raw", sign)
		if _, err := w.sync(); !fault.Is(err, fault.Forbidden) || !strings.Contains(err.Error(), "not signed") {
			t.Errorf("error is %v", err)
		}
	}
	w.streams("server/new.raw", by(key))
	w.mustSync()
	w.one("noble", "streamed")
}
