package upload_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/upload"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

func TestImageIsStagedHiddenAndVerified(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	data := disk(3 << 20)
	for _, way := range []string{"", upload.GlanceDirect} {
		img, err := w.stage(file(t, data), via(way), func(o *upload.Options) {
			o.Image = upload.Image{MinRAM: 64, Tags: []string{"a"}, Properties: map[string]string{"os_distro": "debian"}}
		})
		if err != nil {
			t.Fatal(err)
		}
		if w.stored(img) != data {
			t.Error("the service has other data")
		}
		run, named := cloud.NamedRun(img.Name)
		marks, marked := cloud.MetadataMarks(img.Properties)
		if !named || !marked || marks.Run != run || marks.Deadline.Before(time.Now()) {
			t.Errorf("image %q has the marks %+v", img.Name, marks)
		}
		if !img.Hidden || img.Visibility != glance.Private || img.Status != glance.StatusActive || img.DiskFormat != "raw" ||
			img.MinDisk != 1 || img.MinRAM != 64 || img.Tags[0] != "a" || img.Properties["os_distro"] != "debian" {
			t.Errorf("image is %+v", img)
		}
		if same, known := upload.Holds(img, file(t, data).Sums); !same || !known {
			t.Errorf("whether the image holds the data: %t, known: %t", same, known)
		}
		if same, known := upload.Holds(img, file(t, "other").Sums); same || !known {
			t.Errorf("whether the image holds other data: %t, known: %t", same, known)
		}
	}
}

func TestCloudFetchesTheDataItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	data := disk(100_000)
	other := false
	address := serve(t, func(rw http.ResponseWriter, r *http.Request) {
		if other && r.Header.Get("User-Agent") == "Go-http-client/1.1" && r.Header.Get("Accept-Encoding") != "identity" {
			fmt.Fprint(rw, disk(100_001)) // to the cloud, whose client is another one
			return
		}
		http.ServeContent(rw, r, "", time.Unix(1e9, 0), strings.NewReader(data))
	})
	img, err := w.stage(with(upload.Web(client(), address, nil), data), via(upload.WebDownload))
	if err != nil {
		t.Fatal(err)
	}
	if w.stored(img) != data || img.Properties[upload.VerifiedKey] == "" {
		t.Errorf("image is %+v", img)
	}
	if err := upload.Discard(t.Context(), w.images, img.ID); err != nil {
		t.Fatal(err)
	}
	other = true
	if _, err := w.stage(with(upload.Web(client(), address, nil), data), via(upload.WebDownload)); !fault.Is(err, fault.Forbidden) {
		t.Errorf("the cloud got other data, and the error is %v", err)
	}
	w.empty()
}

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	data := disk(200_000)
	wrong := file(t, data)
	wrong.Sums = file(t, "other").Sums
	small := file(t, data)
	small.Size = 100
	said := file(t, data)
	said.Format = "qcow2"
	bare := file(t, data)
	bare.Sums = nil
	for name, c := range map[string]struct {
		source upload.Source
		via    string
		kind   fault.Kind
		text   string
	}{
		"a wrong checksum":          {wrong, "", fault.Forbidden, "the data has the sha256 "},
		"a wrong checksum, staged":  {wrong, upload.GlanceDirect, fault.Forbidden, "the data has the sha256 "},
		"another size":              {small, "", fault.Forbidden, "it has 200000 bytes, not 100"},
		"another format":            {said, "", fault.Forbidden, "said to be qcow2, but its first bytes are those of raw"},
		"no checksum":               {bare, "", fault.Forbidden, "has no checksum"},
		"no data":                   {file(t, ""), "", fault.Forbidden, "it has no data"},
		"a page of HTML":            {file(t, "\n <!DOCTYPE html><html>login</html>"), "", fault.Forbidden, "a page of HTML"},
		"compressed data":           {file(t, "\x1f\x8b........."), "", fault.Forbidden, "compressed with gzip"},
		"a folder":                  {with(upload.File(t.TempDir()), ""), "", fault.Usage, "no regular file"},
		"no file":                   {with(upload.File(filepath.Join(t.TempDir(), "none")), ""), "", fault.NotFound, "no such file"},
		"a file for the cloud":      {file(t, data), upload.WebDownload, fault.Usage, "no cloud could fetch"},
		"a way that doesn't exist":  {file(t, data), "mail", fault.Usage, `"mail" is none of`},
		"a qcow2 with a base image": {file(t, string(qcow2(3, 1<<30, 1, 0))), "", fault.Forbidden, "with a backing file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := w.stage(c.source, via(c.via))
			if !fault.Is(err, c.kind) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("error is %v (%s), want %q of kind %s", err, fault.KindOf(err), c.text, c.kind)
			}
		})
	}
	t.Cleanup(w.empty)
}

func TestDataWithoutAChecksumIsTakenWhereAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := file(t, disk(1000))
	s.Sums = nil
	img, err := w.stage(s, unchecked)
	if err != nil || !strings.HasPrefix(img.Properties[upload.VerifiedKey], "sha512:") {
		t.Errorf("image is %+v, error %v", img, err)
	}
}

// Whatever request fails, in whatever way, there is a verified image afterwards, or none.
func TestEveryRequestFails(t *testing.T) {
	t.Parallel()
	data := disk(300_000)
	for kind, f := range map[string]sandbox.Fault{
		"403":                   sandbox.Status(http.StatusForbidden),
		"409":                   sandbox.Status(http.StatusConflict),
		"413":                   sandbox.Status(http.StatusRequestEntityTooLarge),
		"500":                   sandbox.Status(http.StatusInternalServerError),
		"500 after the write":   sandbox.StatusAfter(http.StatusInternalServerError),
		"503":                   sandbox.Status(http.StatusServiceUnavailable),
		"connection cut before": {Do: sandbox.DropBefore},
		"connection cut after":  {Do: sandbox.DropAfter},
		"body cut off":          {Do: sandbox.Truncate},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for nth := 1; nth <= 6; nth++ {
				for _, way := range []string{upload.Direct, upload.GlanceDirect} {
					w.sandbox.Faults().Add(sandbox.Rule{Path: "/image/**", Nth: nth, Fault: f})
					img, err := w.stage(file(t, data), via(way))
					w.sandbox.Faults().Clear()
					if err != nil {
						w.empty()
						continue
					}
					if left := w.left(); len(left) != 1 || left[0].ID != img.ID || w.stored(img) != data {
						t.Errorf("%s, request %d: there are\n%s", way, nth, glance.List(left))
					}
					if err := w.images.Delete(t.Context(), img.ID); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}

func TestInterruptedUploadLeavesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	address := serve(t, func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Length", "10000000")
		fmt.Fprint(rw, disk(3_000_000))
		rw.(http.Flusher).Flush()
		for len(w.left()) == 0 { // until it is uploading
			time.Sleep(10 * time.Millisecond)
		}
		cancel()
		<-r.Context().Done()
	})
	_, err := upload.Stage(ctx, w.images, with(upload.Web(client(), address, nil), ""), upload.Options{Run: cloud.NewRun()}, report.Discard)
	if err == nil {
		t.Error("it says that it is done")
	}
	w.empty()
}

// The size of the data doesn't change how much memory it takes.
func TestMemoryStaysSmall(t *testing.T) {
	w := newWorld(t)
	const size = 192 << 20
	path := filepath.Join(t.TempDir(), "sparse")
	f, err := os.Create(path)
	if err == nil {
		err = f.Truncate(size)
	}
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	img, err := w.stage(upload.File(path), unchecked)
	if err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if img.Size != size {
		t.Errorf("the image has %d bytes", img.Size)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20 {
		t.Errorf("%d bytes took %d bytes of memory altogether", size, took)
	}
}
