package sync_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/sync"
	"github.com/imgctl/packer-plugin-openstack/internal/image/sync/store"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

const supports = `supported_distros:
  centos:
    releases:
      "7": {prod_name: CC-CentOS7, variants: [base, gpu]}
      9-stream: {prod_name: CC-CentOS9-Stream}
supported_variants:
  base: {prod_name_suffix: ""}
  gpu: {prod_name_suffix: CUDA}
`

// container lists objects as Swift does, at most so many at once.
func (o *objects) container(path string, page int) {
	o.override = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/v1/"+path {
			return false
		}
		var names []string
		for name := range o.data {
			if object, ok := strings.CutPrefix(name, path+"/"); ok && object > r.URL.Query().Get("marker") {
				names = append(names, object)
			}
		}
		slices.Sort(names)
		list := []map[string]any{}
		for _, name := range names[:min(len(names), page)] {
			list = append(list, map[string]any{"name": name})
		}
		_ = json.NewEncoder(w).Encode(list)
		return true
	}
}

func build(timestamp, variant string) map[string]string {
	return map[string]string{
		"X-Object-Meta-Build-Distro": "centos", "X-Object-Meta-Build-Release": "7", "X-Object-Meta-Build-Variant": variant,
		"X-Object-Meta-Build-Ipa": "na", "X-Object-Meta-Build-Os-Base-Image-Revision": "2003",
		"X-Object-Meta-Build-Timestamp": timestamp, "X-Object-Meta-Disk-Format": "raw",
	}
}

func TestNewestAmong12000Objects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 12_000 {
		w.put("chameleon/"+uuid.NewString(), "", build("10.5", "base"))
	}
	newest := uuid.NewString()
	w.put("chameleon/"+newest, "newest", build("1000.1", "base")) // smaller as a text
	w.put("chameleon/"+uuid.NewString(), "older", build("999.9", "base"))
	w.put("chameleon/"+uuid.NewString(), "gpu", build("2020-01-02 03:04:05.678", "gpu"))
	w.put("chameleon/"+uuid.NewString(), "unknown", build("5000", "arm"))
	w.put("chameleon/notes.txt", "notes", nil)
	w.container("chameleon", 10_000)
	known, err := store.ReadSupports([]byte(supports))
	if err != nil {
		t.Fatal(err)
	}
	w.options.From[0].Store = &store.Headers{Get: store.NewGetter(), Container: w.URL + "/v1/chameleon", Supports: known}
	w.mustSync()
	img := w.one("CC-CentOS7", "newest")
	w.one("CC-CentOS7-CUDA", "gpu")
	if p := img.Properties; p["build-timestamp"] != "1000.1" || p["build-os-base-image-revision"] != "2003" || p["build-ipa"] != "na" {
		t.Errorf("properties are %v", p)
	}
	if p := w.mustSync(); !p.Done() {
		t.Errorf("the second run brings %v", p.Rows())
	}
	w.options.Wanted = sync.Wanted{Image: newest}
	if p := w.mustSync(); len(p.Items) != 1 {
		t.Errorf("by the store's id there are %d images", len(p.Items))
	}
}

func TestListWithoutAnEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.override = func(rw http.ResponseWriter, _ *http.Request) bool {
		fmt.Fprint(rw, `[{"name": "a"}]`)
		return true
	}
	w.options.From[0].Store = &store.Headers{Get: store.NewGetter(), Container: w.URL + "/v1/c", Supports: &store.Supports{}}
	if _, err := w.sync(); !fault.Is(err, fault.Forbidden) || !strings.Contains(err.Error(), "goes in a circle") {
		t.Errorf("error is %v", err)
	}
	if n := len(w.asked); n > 3 {
		t.Errorf("it asked %d times", n)
	}
}

// A list that goes on for ever, and a manifest of a gigabyte, are given up long before.
func TestAnswersWithoutAnEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pages, bytes := 0, 0
	w.override = func(rw http.ResponseWriter, r *http.Request) bool {
		switch {
		case r.URL.Path == "/v1/c":
			pages++
			fmt.Fprintf(rw, `[{"name": "object-%08d"}]`, pages)
			return true
		case strings.HasSuffix(r.URL.Path, ".manifest"):
			for piece := strings.Repeat("x", 1<<16); bytes < 1<<30; bytes += len(piece) {
				if _, err := fmt.Fprint(rw, piece); err != nil {
					break
				}
			}
			return true
		}
		return false
	}
	w.release(stream, "1", "data", nil)
	if _, err := w.sync(); !fault.Is(err, fault.Forbidden) || !strings.Contains(err.Error(), "too large") || bytes > 64<<20 {
		t.Errorf("error is %v, after %d bytes", err, bytes)
	}
	w.options.From[0].Store = &store.Headers{Get: store.NewGetter(), Container: w.URL + "/v1/c", Supports: &store.Supports{}}
	if _, err := w.sync(); !fault.Is(err, fault.Forbidden) || !strings.Contains(err.Error(), "more than 500 pages") {
		t.Errorf("error is %v, after %d pages", err, pages)
	}
	if now, others := w.own(stream); len(now)+len(others) > 0 {
		t.Errorf("images are\n%s\n%s", glance.List(now), glance.List(others))
	}
}

const catalogue = `---
images:
  - name: Cirros
    enable: true
    format: raw
    login: cirros
    password: gocubsgo
    min_disk: 1
    min_ram: 64
    status: active
    visibility: public
    multi: false
    meta: {architecture: x86_64, hw_disk_bus: null, os_distro: cirros, uuid_validity: none}
    tags: [small]
    versions:
      - {version: '0.6.9', url: URL/v1/c/nine.raw, checksum: "sha256:SUM9", build_date: 2023-05-30}
      - {version: '0.6.10', url: URL/v1/c/ten.raw, mirror_url: URL/v1/mirror/mirrored.raw, checksums_url: URL/v1/c/SHA256SUMS,
         build_date: 2023-05-31}
  - name: Ubuntu 24.04
    format: raw
    login: ubuntu
    min_disk: 8
    min_ram: 512
    status: active
    visibility: public
    multi: true
    meta: {os_distro: ubuntu, os_version: '24.04', os_purpose: generic, uuid_validity: last-3}
    tags: []
    versions:
      - {version: '20240501', url: URL/v1/c/old.raw, checksum: "sha256:SUM9", build_date: 2024-05-01}
      - {version: latest, url: URL/v1/c/latest.raw, checksums_url: URL/v1/c/SHA256SUMS, build_date: 2024-06-01}
  - {name: Off, enable: false, format: raw, versions: []}
`

func sum(data string) string {
	s := sha256.Sum256([]byte(data))
	return hex.EncodeToString(s[:])
}

func (w *world) osism() {
	text := strings.NewReplacer("URL", w.URL, "SUM9", sum("nine")).Replace(catalogue)
	w.options.From[0].Store = &store.Osism{Get: store.NewGetter(), Text: []byte(text), From: "catalogue.yml"}
}

func TestOsismCatalogue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("c/nine.raw", "nine", nil)
	w.put("c/ten.raw", "ten", nil)
	w.put("c/latest.raw", "june", nil)
	w.put("c/SHA256SUMS", sum("ten")+" *ten.raw\n"+sum("june")+"  latest.raw\n", nil)
	w.osism()
	w.mustSync()
	w.one("Cirros 0.6.9", "nine")
	ten := w.one("Cirros 0.6.10", "ten")
	w.one("Ubuntu 24.04", "june")
	if !slices.Contains(w.downloads(), "/v1/mirror/mirrored.raw") || !slices.Contains(w.downloads(), "/v1/c/ten.raw") {
		t.Errorf("downloads are %v: the mirror is asked, and the original for what it doesn't have", w.downloads())
	}
	if p := ten.Properties; ten.MinRAM != 64 || !slices.Contains(ten.Tags, "os:cirros") || p["internal_version"] != "0.6.10" ||
		p["image_original_user"] != "cirros" || p["architecture"] != "x86_64" || strings.Contains(fmt.Sprint(p), "gocubsgo") {
		t.Errorf("image is %+v", ten)
	}
	if p := w.mustSync(); !p.Done() {
		t.Errorf("the second run brings %v", p.Rows())
	}
	w.put("c/latest.raw", "july", nil)
	w.put("c/SHA256SUMS", sum("ten")+" *ten.raw\n"+sum("july")+"  latest.raw\n", nil)
	w.osism()
	w.mustSync()
	w.one("Ubuntu 24.04", "july")

	w.put("c/SHA256SUMS", sum("x")+"  another.raw\n", nil) // of another file
	w.osism()
	if _, err := w.sync(); !fault.Is(err, fault.Partial) || !strings.Contains(err.Error(), `no checksum of the file "latest.raw"`) {
		t.Errorf("error is %v", err)
	}
}

func TestDistributionWithASignature(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, err := openpgp.NewEntity("publisher", "", "publisher@example.org", nil)
	if err != nil {
		t.Fatal(err)
	}
	var public, signature bytes.Buffer
	sums := sum("cloud image") + " *noble/disk-amd64.raw\n" + sum("other") + " *other.raw\n"
	if err = key.Serialize(&public); err == nil {
		err = openpgp.DetachSign(&signature, key, strings.NewReader(sums), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.put("d/SHA256SUMS", sums, nil)
	w.put("d/SHA256SUMS.gpg", signature.String(), nil)
	w.put("d/noble/disk-amd64.raw", "cloud image", nil)
	d := &store.Distribution{
		Get: store.NewGetter(), Sums: w.URL + "/v1/d/SHA256SUMS", Keys: public.Bytes(),
		Images: []store.Pick{{File: "noble/*-amd64.raw", Name: "noble", Properties: map[string]string{"os_distro": "ubuntu"}}},
	}
	w.options.From[0].Store = d
	w.mustSync()
	if img := w.one("noble", "cloud image"); img.Properties["os_distro"] != "ubuntu" {
		t.Errorf("properties are %v", img.Properties)
	}
	if p := w.mustSync(); !p.Done() {
		t.Errorf("the second run brings %v", p.Rows())
	}

	w.put("d/SHA256SUMS", sum("evil")+" *noble/disk-amd64.raw\n", nil)
	w.put("d/noble/disk-amd64.raw", "evil", nil)
	if _, err := w.sync(); !fault.Is(err, fault.Forbidden) || !strings.Contains(err.Error(), "not signed by the given key") {
		t.Errorf("error is %v", err)
	}
	w.one("noble", "cloud image")
	d.Keys, d.Images[0].File = nil, "*-amd64.img"
	if _, err := w.sync(); !fault.Is(err, fault.NotFound) {
		t.Errorf("error is %v", err)
	}
}

func TestFolderAndCloud(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	folder := t.TempDir()
	for name, text := range map[string]string{
		"disk.raw": "folder data", "SHA256SUMS": sum("folder data") + "  ./disk.raw\n", ".hidden": "x",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w.options.From = []sync.From{{Store: &store.Folder{Path: folder}, Properties: map[string]string{"os_distro": "debian"}}}
	w.mustSync()
	if img := w.one("disk", "folder data"); img.Properties["os_distro"] != "debian" || img.Visibility != glance.Private {
		t.Errorf("image is %+v", img)
	}
	far := newWorld(t)
	far.options.From = []sync.From{{Store: &store.Cloud{Name: "near", Images: w.site.Images, Wanted: []string{"disk"}}}}
	far.mustSync()
	if img := far.one("disk", "folder data"); img.Properties["os_distro"] != "debian" {
		t.Errorf("image is %+v", img)
	}
	if p := far.mustSync(); !p.Done() {
		t.Errorf("the second run brings %v", p.Rows())
	}
}

// A list of checksums that nobody writes to, or that doesn't end, is refused at once.
func TestAFoldersListThatIsNoFile(t *testing.T) {
	t.Parallel()
	for want, put := range map[string]func(path string) error{
		"it is a pipe":        func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"larger than 2 MiB":   func(path string) error { return os.Symlink("/dev/zero", path) },
		"is a directory":      func(path string) error { return os.Mkdir(path, 0o700) },
		"no such file or dir": func(string) error { return nil }, // the list is missing, and so is the folder
	} {
		folder := filepath.Join(t.TempDir(), "images")
		if !strings.HasPrefix(want, "no such") {
			if err := os.Mkdir(folder, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if err := put(filepath.Join(folder, "SHA256SUMS")); err != nil {
			t.Fatal(err)
		}
		offers, err := (&store.Folder{Path: folder}).Offers(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, %v; want %q", offers, err, want)
		}
	}
}

// A mirror has the data under a name of its own; the checksums are those of the original.
func TestOsismMirror(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("c/nine.raw", "nine", nil)
	w.put("mirror/mirrored.raw", "ten", nil)
	w.put("c/latest.raw", "june", nil)
	w.put("c/SHA256SUMS", sum("ten")+" *ten.raw\n"+sum("june")+"  latest.raw\n", nil)
	w.osism()
	w.options.Wanted = sync.Wanted{Image: "Cirros 0.6.10"}
	w.mustSync()
	w.one("Cirros 0.6.10", "ten")
	if all := w.downloads(); len(all) != 1 {
		t.Errorf("downloads are %v", all)
	}
}

func FuzzReadPolicy(f *testing.F) {
	f.Add([]byte("version: 1\nstores:\n  - folder: {path: images}\n"))
	f.Add([]byte("object_store_url: https://example.org/v1\nscope: dev\n"))
	f.Add([]byte("version: 1\nstores: [{distribution: {checksums: x, images: [{file: a, name: b}]}}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := sync.ReadPolicy(text)
		if err == nil && len(p.From) == 0 {
			t.Error("a policy without stores is taken")
		}
	})
}
