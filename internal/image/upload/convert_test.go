package upload_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/upload"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

func toRaw(o *upload.Options) { o.Convert = upload.ToRaw }

// packed is a qcow2 with the data, made by the real program, and its path.
func packed(t *testing.T, data string) (upload.Source, string) {
	t.Helper()
	if _, err := exec.LookPath("qemu-img"); err != nil {
		t.Skip("needs qemu-img, to make a qcow2 and convert it: install qemu-utils")
	}
	from, to := filepath.Join(t.TempDir(), "disk.raw"), filepath.Join(t.TempDir(), "disk.qcow2")
	if err := os.WriteFile(from, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", from, to)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	return with(upload.File(to), string(text)), to
}

// temporaries has temporary files go into a folder of the test, where none may stay.
func temporaries(t *testing.T) {
	t.Helper()
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	t.Cleanup(func() {
		if left, err := os.ReadDir(folder); len(left) > 0 || err != nil {
			t.Errorf("temporary files are left: %v, %v", left, err)
		}
	})
}

func TestQcow2IsConverted(t *testing.T) {
	w := newWorld(t)
	data := disk(3 << 20)
	source, path := packed(t, data)
	temporaries(t)
	for _, way := range []string{upload.Direct, upload.GlanceDirect} {
		img, err := w.stage(source, toRaw, via(way))
		if err != nil {
			t.Fatal(err)
		}
		if img.DiskFormat != "raw" || img.MinDisk != 1 || w.stored(img) != data {
			t.Errorf("%s: image is %+v", way, img)
		}
		// The next run knows it by the checksum of what it was made from.
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(text)
		if img.Properties[upload.VerifiedKey] != "sha256:"+hex.EncodeToString(sum[:]) {
			t.Errorf("%s: it was verified as %s", way, img.Properties[upload.VerifiedKey])
		}
		if same, known := upload.Holds(img, source.Sums); !same || !known {
			t.Errorf("%s: it isn't known again", way)
		}
		// And another cloud can copy it.
		if again, err := w.stage(upload.Stored(w.images, img)); err != nil || w.stored(again) != data {
			t.Errorf("%s: copying it: %v", way, err)
		}
	}
	img, err := w.stage(file(t, data), toRaw) // there is nothing to convert
	if err != nil || w.stored(img) != data {
		t.Errorf("image is %+v, error %v", img, err)
	}
}

func TestConversionsThatAreRefused(t *testing.T) {
	w := newWorld(t)
	good, path := packed(t, disk(3<<20))
	temporaries(t)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	wrong := good
	wrong.Sums = file(t, "other").Sums
	damaged := string(text[:len(text)/2])
	for name, c := range map[string]struct {
		source upload.Source
		kind   fault.Kind
		text   string
	}{
		"a wrong checksum":       {wrong, fault.Forbidden, "the data has the sha256"},
		"half a qcow2":           {file(t, damaged), fault.Forbidden, "qemu-img can't convert it"},
		"more than the disk has": {file(t, string(qcow2(3, 1<<60, 0, 0))), fault.Quota, "set TMPDIR"},
		"another format":         {file(t, "vhdxfile"+disk(1000)), fault.Forbidden, "only a qcow2 is converted"},
		"another file's data":    {file(t, string(qcow2(3, 1<<20, 1, 0))), fault.Forbidden, "with a backing file"},
	} {
		if _, err := w.stage(c.source, toRaw); !fault.Is(err, c.kind) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v (%s), want %q", name, err, fault.KindOf(err), c.text)
		}
	}
	w.empty()

	t.Setenv("PATH", t.TempDir())
	asked := false
	source := with(upload.Source{Name: "a store", Open: func(context.Context, int64) (*upload.Opened, error) {
		asked = true
		return nil, os.ErrNotExist
	}}, "")
	o := upload.Options{Run: cloud.NewRun(), Convert: upload.ToRaw}
	_, err = upload.Stage(t.Context(), w.images, source, o, report.Discard)
	if asked || !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), "qemu-img isn't installed") {
		t.Errorf("without qemu-img: %v, asked: %v", err, asked)
	}
}
